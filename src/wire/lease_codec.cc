#include "wire/lease_codec.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "base/crypto.h"
#include "base/mutation.h"
#include "base/status.h"
#include "base/strings.h"
#include "model/quota.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

// Far more than a lease with the longest names needs.
constexpr size_t kMaxLeaseSize = 1024;

// proto/agent.proto: what goes before the lease under the signature, NUL included.
constexpr char kSignatureDomain[] = "sluice lease v1";

std::string SignedText(std::string_view lease) {
  return StrCat(std::string_view(kSignatureDomain, sizeof(kSignatureDomain)), lease);
}

absl::Status BadLease(std::string_view problem) {
  return absl::InvalidArgumentError(StrCat("lease: ", problem));
}

absl::Status CheckFleet(std::string_view fleet) {
  if (fleet.empty() || fleet.size() > kMaxFleetNameLength ||
      !std::all_of(fleet.begin(), fleet.end(), absl::ascii_isprint))
    return BadLease("the fleet's name is not 1 to 64 printable characters");
  return absl::OkStatus();
}

absl::Status CheckAmounts(const agent::v1::Lease& proto) {
  if (proto.sequence() == 0) return BadLease("the sequence is 0");
  if (proto.rate_bps() < kMinRate.bps || proto.rate_bps() > kMaxRate.bps)
    return BadLease(StrCat("a rate of ", proto.rate_bps(), " bit/s is out of range"));
  if (proto.burst_bytes() < kMinBurst.value || proto.burst_bytes() > kMaxBurst.value)
    return BadLease(StrCat("a burst of ", proto.burst_bytes(), " bytes is out of range"));
  if (proto.volume_limit() > kMaxVolume.value)
    return BadLease(StrCat("a volume limit of ", proto.volume_limit(), " bytes is out of range"));
  return absl::OkStatus();
}

absl::Status CheckTimes(const agent::v1::Lease& proto) {
  if (proto.anchor_ns() <= 0) return BadLease("the anchor is not after the node's boot");
  if (proto.lifetime_ns() <= 0 ||
      proto.lifetime_ns() > absl::ToInt64Nanoseconds(kMaxLeaseLifetimeOnWire))
    return BadLease(StrCat("a lifetime of ", proto.lifetime_ns(), " ns is out of range"));
  if (proto.anchor_ns() > std::numeric_limits<int64_t>::max() - proto.lifetime_ns())
    return BadLease("anchor and lifetime together overflow");
  return absl::OkStatus();
}

// Fills in whose lease it is: fleet, node, boot, link, role and request.
absl::Status ParseIdentity(const agent::v1::Lease& proto, Lease& lease) {
  SLUICE_RETURN_IF_ERROR(CheckFleet(proto.fleet()));
  SLUICE_RETURN_IF_ERROR(CheckName("lease: the node", proto.node()));
  lease.fleet = proto.fleet();
  lease.node = proto.node();
  SLUICE_ASSIGN_OR_RETURN(lease.boot_nonce,
                          FromWireBytes<16>("lease: the boot nonce", proto.boot_nonce()));
  SLUICE_ASSIGN_OR_RETURN(lease.side.link, ParseLinkName(proto.link()));
  SLUICE_ASSIGN_OR_RETURN(lease.side.role, FromProto(proto.role()));
  const bool sends = lease.side.role == Role::kSend;
  if (lease.node != (sends ? lease.side.link.src : lease.side.link.dst))
    return BadLease(StrCat("node ", lease.node, " does not ", RoleName(lease.side.role),
                           " on link ", lease.side.link.ToString()));
  // A sender asked for its lease; a receiver's was pushed.
  if (proto.request_id().empty() && !sends) return absl::OkStatus();
  SLUICE_ASSIGN_OR_RETURN(lease.request_id,
                          FromWireBytes<16>("lease: the request id", proto.request_id()));
  return absl::OkStatus();
}

}  // namespace

agent::v1::Role ToProto(Role role) {
  return role == Role::kSend ? agent::v1::ROLE_SEND : agent::v1::ROLE_RECEIVE;
}

absl::StatusOr<Role> FromProto(agent::v1::Role role) {
  if (role == agent::v1::ROLE_SEND) return Role::kSend;
  if (role == agent::v1::ROLE_RECEIVE) return Role::kReceive;
  return absl::InvalidArgumentError(StrCat("role ", static_cast<int>(role), " is unknown"));
}

agent::v1::Lease ToProto(const Lease& lease) {
  agent::v1::Lease proto;
  proto.set_fleet(lease.fleet);
  proto.set_node(lease.node);
  proto.set_boot_nonce(ToWireBytes(lease.boot_nonce));
  proto.set_link(lease.side.link.ToString());
  proto.set_role(ToProto(lease.side.role));
  proto.set_sequence(lease.sequence);
  if (lease.request_id != RequestId{}) proto.set_request_id(ToWireBytes(lease.request_id));
  proto.set_rate_bps(lease.rate.bps);
  proto.set_burst_bytes(lease.burst.value);
  proto.set_volume_limit(lease.volume_limit.value);
  proto.set_anchor_ns(lease.anchor.ns);
  proto.set_lifetime_ns(absl::ToInt64Nanoseconds(lease.lifetime));
  return proto;
}

absl::StatusOr<Lease> FromProto(const agent::v1::Lease& proto) {
  Lease lease;
  SLUICE_RETURN_IF_ERROR(ParseIdentity(proto, lease));
  SLUICE_RETURN_IF_ERROR(CheckAmounts(proto));
  SLUICE_RETURN_IF_ERROR(CheckTimes(proto));
  lease.sequence = proto.sequence();
  lease.rate = BitRate{proto.rate_bps()};
  lease.burst = Bytes{proto.burst_bytes()};
  lease.volume_limit = Bytes{proto.volume_limit()};
  lease.anchor = BootTime{proto.anchor_ns()};
  lease.lifetime = absl::Nanoseconds(proto.lifetime_ns());
  return lease;
}

agent::v1::SignedLease SignLease(const Ed25519Signer& signer, const Lease& lease) {
  agent::v1::SignedLease out;
  out.set_lease(ToProto(lease).SerializeAsString());
  out.set_signature(ToWireBytes(signer.Sign(SignedText(out.lease()))));
  return out;
}

absl::StatusOr<Lease> VerifyLease(const PublicKey& key,
                                  const agent::v1::SignedLease& signed_lease) {
  if (signed_lease.lease().size() > kMaxLeaseSize)
    return BadLease(StrCat(signed_lease.lease().size(), " bytes are too many for a lease"));
  if (!Mutated(Mutation::kForgeryTaken) &&
      !Ed25519Verify(key, SignedText(signed_lease.lease()), signed_lease.signature()))
    return absl::PermissionDeniedError("lease: it is not signed by this fleet's controller");
  agent::v1::Lease proto;
  if (!proto.ParseFromString(signed_lease.lease()))
    return BadLease("the signed bytes do not parse");
  if (!proto.GetReflection()->GetUnknownFields(proto).empty())
    return BadLease("it has fields that this version does not know; update the agent");
  return FromProto(proto);
}

}  // namespace sluice
