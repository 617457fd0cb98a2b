#include "agent/apply/boot.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/mutation.h"
#include "base/secret.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr char kBootIdPath[] = "/proc/sys/kernel/random/boot_id";
constexpr size_t kFileLimit = 256;

std::string NoncePath(const std::string& run_directory) { return run_directory + "/boot"; }
// There while a start is under way. Found at a start, it means that an earlier
// one did not come to its end, and that gate and nonce may not belong together.
std::string StartingPath(const std::string& run_directory) { return run_directory + "/starting"; }

// The file: nonce in hex, a space, the kernel's boot id.
std::optional<BootNonce> ParseNonce(const std::string& text, const std::string& boot_id) {
  BootNonce nonce;
  const size_t digits = nonce.size() * 2;
  if (text.size() != digits + 1 + boot_id.size() || text.substr(digits + 1) != boot_id) {
    return std::nullopt;
  }
  const absl::StatusOr<std::string> bytes = FromHex(std::string_view(text).substr(0, digits));
  if (!bytes.ok() || bytes->size() != nonce.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), nonce.begin());
  return nonce;
}

absl::StatusOr<Booted> NewBoot(Files& files, const std::string& run_directory,
                               const std::string& boot_id, const Renewals::Random& random,
                               std::vector<Choice> choices) {
  SLUICE_RETURN_IF_ERROR(EmptyRunDirectory(files, run_directory));
  Booted booted;
  booted.choices = std::move(choices);
  random(booted.nonce);
  SLUICE_RETURN_IF_ERROR(
      files.WriteDurably(NoncePath(run_directory), StrCat(ToHex(booted.nonce), " ", boot_id)));
  SLUICE_RETURN_IF_ERROR(files.Remove(StartingPath(run_directory)));
  return booted;
}

absl::StatusOr<Datapath::Started> BuildAnew(Datapath& datapath, const DatapathConfig& config) {
  SLUICE_RETURN_IF_ERROR(datapath.Remove());
  SLUICE_ASSIGN_OR_RETURN(Datapath::Started started, datapath.Start(config));
  if (started.counters_kept) {
    return absl::InternalError("the gate kept its counters although it was removed");
  }
  return started;
}

}  // namespace

absl::Status EmptyRunDirectory(Files& files, const std::string& run_directory) {
  for (const char* directory : {"", "/leases"}) {
    const std::string path = run_directory + directory;
    SLUICE_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
    for (const std::string& name : names) {
      if (name == "lock" || name == "starting" || name == kTamperMark) continue;
      SLUICE_RETURN_IF_ERROR(files.Remove(StrCat(path, "/", name)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Booted> StartDatapath(Files& files, const std::string& run_directory,
                                     Datapath& datapath, const DatapathConfig& config,
                                     const Renewals::Random& random) {
  SLUICE_ASSIGN_OR_RETURN(const std::string boot_id, files.Read(kBootIdPath, kFileLimit));
  std::optional<BootNonce> nonce;
  if (auto text = files.Read(NoncePath(run_directory), kFileLimit); text.ok()) {
    nonce = ParseNonce(*text, boot_id);
  }
  const bool unfinished = files.Read(StartingPath(run_directory), kFileLimit).ok();
  SLUICE_RETURN_IF_ERROR(files.WriteDurably(StartingPath(run_directory), ""));
  SLUICE_ASSIGN_OR_RETURN(Datapath::Started started, datapath.Start(config));
  const bool kept = started.counters_kept || Mutated(Mutation::kNonceKept);
  if (kept && nonce && !unfinished) {
    SLUICE_RETURN_IF_ERROR(files.Remove(StartingPath(run_directory)));
    return Booted{*nonce, true, std::move(started.choices)};
  }
  if (started.counters_kept) {
    SLUICE_ASSIGN_OR_RETURN(started, BuildAnew(datapath, config));
  }
  return NewBoot(files, run_directory, boot_id, random, std::move(started.choices));
}

absl::StatusOr<Booted> StartNewBoot(Files& files, const std::string& run_directory,
                                    Datapath& datapath, const DatapathConfig& config,
                                    const Renewals::Random& random) {
  SLUICE_ASSIGN_OR_RETURN(const std::string boot_id, files.Read(kBootIdPath, kFileLimit));
  SLUICE_RETURN_IF_ERROR(files.WriteDurably(StartingPath(run_directory), ""));
  SLUICE_ASSIGN_OR_RETURN(Datapath::Started started, BuildAnew(datapath, config));
  return NewBoot(files, run_directory, boot_id, random, std::move(started.choices));
}

}  // namespace sluice
