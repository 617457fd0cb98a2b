#include "apps/controller/state_directory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/store/sqlite_store.h"

namespace sluice {
namespace {

constexpr size_t kMostKeyBytes = 256;
constexpr size_t kLeastTokenSize = 16;

absl::StatusOr<bool> Exists(Files& files, const std::string& path) {
  const absl::Status status = files.Read(path, kMostKeyBytes).status();
  if (absl::IsNotFound(status)) return false;
  SLUICE_RETURN_IF_ERROR(status);
  return true;
}

// A secret kept as base64 text; made if it is missing and may be.
absl::StatusOr<Secret32> LoadSecret(Files& files, const std::string& path, bool may_create) {
  const absl::StatusOr<std::string> text = files.Read(path, kMostKeyBytes);
  if (absl::IsNotFound(text.status()) && may_create) {
    const Secret32 secret = NewSecret();
    SLUICE_RETURN_IF_ERROR(files.WriteDurably(path, ToBase64(secret.bytes()) + "\n"));
    return secret;
  }
  if (absl::IsNotFound(text.status()))
    return absl::DataLossError(
        StrCat(path, " is missing beside a ledger; restore both from the same backup"));
  SLUICE_RETURN_IF_ERROR(text.status());
  auto bytes = PublicKeyFromBase64(ToStd(absl::StripAsciiWhitespace(*text)));
  if (!bytes.ok() || *bytes == PublicKey{})
    return absl::DataLossError(
        StrCat(path, " is damaged: it does not hold a key; restore it from a backup"));
  Secret32 secret{std::span<const uint8_t, 32>(*bytes)};
  Wipe(bytes->data(), bytes->size());
  return secret;
}

absl::StatusOr<std::string> LoadAdminToken(Files& files, const std::string& path) {
  const absl::StatusOr<std::string> text = files.Read(path, kMostKeyBytes);
  if (absl::IsNotFound(text.status())) {
    const Secret32 secret = NewSecret();
    const std::string token = ToHex(secret.bytes());
    SLUICE_RETURN_IF_ERROR(files.WriteDurably(path, token + "\n"));
    return token;
  }
  SLUICE_RETURN_IF_ERROR(text.status());
  const std::string token(ToStd(absl::StripAsciiWhitespace(*text)));
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return absl::ascii_isgraph(c) != 0; });
  if (token.size() < kLeastTokenSize || !printable)
    return absl::FailedPreconditionError(
        StrCat(path, " does not hold an admin token of at least ", kLeastTokenSize,
               " characters; remove it and the next start makes a new one"));
  return token;
}

}  // namespace

absl::StatusOr<ControllerState> OpenState(Files& files, const std::string& directory) {
  SLUICE_RETURN_IF_ERROR(files.MakeDirectory(directory));
  ControllerState state;
  auto lock = files.Lock(directory + "/lock");
  if (absl::IsUnavailable(lock.status()))
    return absl::FailedPreconditionError(
        StrCat("another sluice-controller uses ", directory,
               "; stop it, or give this one a --state-dir of its own"));
  SLUICE_RETURN_IF_ERROR(lock.status());
  state.lock = *std::move(lock);

  // The seed is made after the ledger: where it is, a ledger was.
  const std::string seed_path = directory + "/signing.seed";
  SLUICE_ASSIGN_OR_RETURN(const bool had_seed, Exists(files, seed_path));
  SqliteStoreOptions options{directory + "/ledger.db"};
  options.may_create = !had_seed;
  SLUICE_ASSIGN_OR_RETURN(state.store, OpenSqliteStore(options));
  SLUICE_ASSIGN_OR_RETURN(const StoredState stored, state.store->Load());
  const bool is_new = stored.fleet.fleet.empty();
  SLUICE_ASSIGN_OR_RETURN(state.signing_seed, LoadSecret(files, seed_path, is_new));
  SLUICE_ASSIGN_OR_RETURN(state.control_key, LoadSecret(files, directory + "/control.key", is_new));
  SLUICE_ASSIGN_OR_RETURN(state.admin_token, LoadAdminToken(files, directory + "/admin.token"));
  return state;
}

}  // namespace sluice
