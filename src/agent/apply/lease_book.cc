#include "agent/apply/lease_book.h"

#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "base/status.h"
#include "base/strings.h"
#include "wire/lease_codec.h"

namespace sluice {
namespace {

constexpr size_t kFileLimit = 4096;
constexpr std::string_view kLeaseSuffix = ".lease";
constexpr std::string_view kRevokedSuffix = ".revoked";

}  // namespace

LeaseBook::LeaseBook(Files& files, std::string directory)
    : files_(files), directory_(std::move(directory)) {}

std::string LeaseBook::Path(const LinkSide& side, std::string_view suffix) const {
  return StrCat(directory_, "/", side.link.ToString(), ".", RoleName(side.role), suffix);
}

absl::Status LeaseBook::Load(const PublicKey& lease_key, const BootNonce& boot_nonce) {
  entries_.clear();
  SLUICE_RETURN_IF_ERROR(files_.MakeDirectory(directory_));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory_));
  for (const std::string& name : names) {
    absl::Status s = LoadFile(name, lease_key, boot_nonce);
    if (!s.ok()) {
      entries_.clear();
      return absl::DataLossError(StrCat(directory_, "/", name, ": ", ToStd(s.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status LeaseBook::LoadFile(const std::string& name, const PublicKey& lease_key,
                                 const BootNonce& boot_nonce) {
  SLUICE_ASSIGN_OR_RETURN(const std::string data, files_.Read(directory_ + "/" + name, kFileLimit));
  if (name.ends_with(kLeaseSuffix)) {
    agent::v1::SignedLease signed_lease;
    if (!signed_lease.ParseFromString(data)) return absl::DataLossError("not a signed lease");
    SLUICE_ASSIGN_OR_RETURN(Lease lease, VerifyLease(lease_key, signed_lease));
    if (lease.boot_nonce != boot_nonce) return absl::DataLossError("a lease of another boot");
    const LinkSide side = lease.side;
    entries_[side].lease = std::move(lease);
    return absl::OkStatus();
  }
  agent::v1::Revoke revoke;
  if (!name.ends_with(kRevokedSuffix) || !revoke.ParseFromString(data)) {
    return absl::DataLossError("not a file of the agent");
  }
  LinkSide side;
  SLUICE_ASSIGN_OR_RETURN(side.link, ParseLinkName(revoke.link()));
  SLUICE_ASSIGN_OR_RETURN(side.role, FromProto(revoke.role()));
  entries_[side].revoked = entries_[side].revoked_stored = revoke.sequence();
  return absl::OkStatus();
}

absl::Status LeaseBook::Clear() {
  entries_.clear();
  SLUICE_RETURN_IF_ERROR(files_.MakeDirectory(directory_));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory_));
  for (const std::string& name : names) {
    SLUICE_RETURN_IF_ERROR(files_.Remove(directory_ + "/" + name));
  }
  return absl::OkStatus();
}

uint64_t LeaseBook::NewestSequence(const LinkSide& side) const {
  const auto it = entries_.find(side);
  if (it == entries_.end()) return 0;
  return std::max(it->second.revoked, it->second.lease ? it->second.lease->sequence : 0);
}

uint64_t LeaseBook::RevokedSequence(const LinkSide& side) const {
  const auto it = entries_.find(side);
  return it == entries_.end() ? 0 : it->second.revoked;
}

std::optional<Lease> LeaseBook::LastLease(const LinkSide& side) const {
  const auto it = entries_.find(side);
  return it == entries_.end() ? std::nullopt : it->second.lease;
}

absl::Status LeaseBook::Accept(const Lease& lease, const agent::v1::SignedLease& signed_lease) {
  SLUICE_RETURN_IF_ERROR(
      files_.WriteDurably(Path(lease.side, kLeaseSuffix), signed_lease.SerializeAsString()));
  entries_[lease.side].lease = lease;
  return absl::OkStatus();
}

absl::Status LeaseBook::Revoke(const LinkSide& side, uint64_t sequence) {
  Entry& entry = entries_[side];
  if (sequence <= entry.revoked_stored || Mutated(Mutation::kRevokeForgotten))
    return absl::OkStatus();
  // In memory first: a disk that fails must not keep the sequence usable.
  entry.revoked = std::max(entry.revoked, sequence);
  agent::v1::Revoke revoke;
  revoke.set_link(side.link.ToString());
  revoke.set_role(ToProto(side.role));
  revoke.set_sequence(entry.revoked);
  SLUICE_RETURN_IF_ERROR(
      files_.WriteDurably(Path(side, kRevokedSuffix), revoke.SerializeAsString()));
  entry.revoked_stored = entry.revoked;
  return absl::OkStatus();
}

}  // namespace sluice
