#include "agent/apply/identity_store.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"

namespace sluice {
namespace {

constexpr char kIdentityKey[] = "identity.key";
constexpr char kControlKey[] = "control.key";
constexpr char kEnrolment[] = "enrolment.json";
constexpr size_t kLimit = 16 << 10;

absl::StatusOr<PublicKey> KeyField(const nlohmann::json& json, const char* name) {
  return PublicKeyFromBase64(json.value(name, ""));
}

absl::StatusOr<Enrolment> FromJson(const nlohmann::json& json) {
  Enrolment enrolment;
  enrolment.fleet = json.value("fleet", "");
  enrolment.node = json.value("node", "");
  enrolment.enclosure = json.value("enclosure", "");
  enrolment.endpoint = json.value("endpoint", "");
  SLUICE_RETURN_IF_ERROR(CheckName("node", enrolment.node));
  if (enrolment.fleet.empty()) return absl::DataLossError("it names no fleet");
  if (enrolment.endpoint.empty()) return absl::DataLossError("it names no endpoint");
  SLUICE_ASSIGN_OR_RETURN(enrolment.control_address,
                          ParseIpAddress(json.value("control_address", "")));
  SLUICE_ASSIGN_OR_RETURN(enrolment.lease_key, KeyField(json, "lease_key"));
  SLUICE_ASSIGN_OR_RETURN(enrolment.controller_key, KeyField(json, "controller_key"));
  SLUICE_ASSIGN_OR_RETURN(enrolment.controller, ParseEndpoint(json.value("controller", "")));
  return enrolment;
}

}  // namespace

IdentityStore::IdentityStore(Files& files, std::string directory)
    : files_(files), directory_(std::move(directory)) {}

absl::StatusOr<Secret32> IdentityStore::ReadKey(const std::string& name) {
  SLUICE_ASSIGN_OR_RETURN(std::string text, files_.Read(Path(name), kLimit));
  const std::string_view trimmed = std::string_view(text).substr(0, text.find('\n'));
  absl::StatusOr<std::string> bytes = FromBase64(trimmed);
  Wipe(text.data(), text.size());
  if (!bytes.ok() || bytes->size() != 32) {
    return absl::DataLossError(StrCat(Path(name), " does not hold a key"));
  }
  Secret32 key;
  std::copy(bytes->begin(), bytes->end(), key.mutable_bytes().begin());
  Wipe(bytes->data(), bytes->size());
  return key;
}

absl::StatusOr<Secret32> IdentityStore::KeyOrNew(const std::string& name) {
  absl::StatusOr<Secret32> key = ReadKey(name);
  if (!absl::IsNotFound(key.status())) return key;
  key = NewSecret();
  std::string text = ToBase64(key->bytes()) + "\n";
  const absl::Status written = files_.WriteDurably(Path(name), text);
  Wipe(text.data(), text.size());
  SLUICE_RETURN_IF_ERROR(written);
  return key;
}

absl::StatusOr<NodeKeys> IdentityStore::KeysOrNew() {
  SLUICE_RETURN_IF_ERROR(files_.MakeDirectory(directory_));
  NodeKeys keys;
  SLUICE_ASSIGN_OR_RETURN(keys.identity, KeyOrNew(kIdentityKey));
  SLUICE_ASSIGN_OR_RETURN(keys.control, KeyOrNew(kControlKey));
  return keys;
}

absl::StatusOr<NodeKeys> IdentityStore::Keys() {
  NodeKeys keys;
  SLUICE_ASSIGN_OR_RETURN(keys.identity, ReadKey(kIdentityKey));
  SLUICE_ASSIGN_OR_RETURN(keys.control, ReadKey(kControlKey));
  return keys;
}

absl::StatusOr<Enrolment> IdentityStore::Load() {
  absl::StatusOr<std::string> text = files_.Read(Path(kEnrolment), kLimit);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        "this node is not enrolled; make a token with `sluicectl node add NAME --enclosure E` at "
        "the controller and run `sluice-agent join --token TOKEN` here");
  }
  SLUICE_RETURN_IF_ERROR(text.status());
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  absl::StatusOr<Enrolment> enrolment = absl::DataLossError("it is no JSON object");
  if (json.is_object()) {
    // value() throws on a field of the wrong type.
    try {
      enrolment = FromJson(json);
    } catch (const nlohmann::json::exception& e) {
      enrolment = absl::DataLossError(e.what());
    }
  }
  if (enrolment.ok()) return enrolment;
  return absl::DataLossError(StrCat(Path(kEnrolment),
                                    " is damaged: ", ToStd(enrolment.status().message()),
                                    "; run `sluice-agent leave`, then join with a new token"));
}

absl::Status IdentityStore::Save(const Enrolment& enrolment) {
  const nlohmann::json json = {
      {"fleet", enrolment.fleet},
      {"node", enrolment.node},
      {"enclosure", enrolment.enclosure},
      {"control_address", enrolment.control_address.ToString()},
      {"lease_key", ToBase64(enrolment.lease_key)},
      {"controller_key", ToBase64(enrolment.controller_key)},
      {"endpoint", enrolment.endpoint},
      {"controller", enrolment.controller.ToString()},
  };
  // Replies come from outside; text that is not UTF-8 must not throw here.
  return files_.WriteDurably(
      Path(kEnrolment), json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

absl::Status IdentityStore::Erase() {
  for (const char* name : {kEnrolment, kControlKey, kIdentityKey}) {
    SLUICE_RETURN_IF_ERROR(files_.Remove(Path(name)));
  }
  return absl::OkStatus();
}

}  // namespace sluice
