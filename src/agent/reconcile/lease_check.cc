#include "agent/reconcile/lease_check.h"

#include "agent/reconcile/node_config.h"
#include "base/mutation.h"
#include "model/quota.h"

namespace sluice {

std::string_view LeaseRefusalWords(LeaseRefusal refusal) {
  switch (refusal) {
    case LeaseRefusal::kMalformed:
      return "not a well-formed lease";
    case LeaseRefusal::kNotSigned:
      return "not signed by this fleet's controller";
    case LeaseRefusal::kForeignFleet:
      return "for another fleet";
    case LeaseRefusal::kForeignNode:
      return "for another node";
    case LeaseRefusal::kOtherBoot:
      return "for another boot of this node";
    case LeaseRefusal::kUnknownLink:
      return "for a link that is not configured here";
    case LeaseRefusal::kNotNewer:
      return "not newer than the last one";
    case LeaseRefusal::kOutOfRange:
      return "rate, volume or lifetime out of range";
    case LeaseRefusal::kAnchorInFuture:
      return "its lifetime begins in the future";
    case LeaseRefusal::kExpired:
      return "already expired";
  }
  return "unknown";
}

namespace {

// A receiver's lifetime counts from its last heartbeat, so it may exceed the
// sender's by that heartbeat's age.
constexpr absl::Duration kLongestLease = absl::Minutes(24 * 60 + 5);

bool InRange(const Lease& lease) {
  return lease.rate >= kMinRate && lease.rate <= kMaxRate && lease.volume_limit <= kMaxVolume &&
         lease.burst <= kMaxVolume && lease.lifetime > absl::ZeroDuration() &&
         lease.lifetime <= kLongestLease && lease.anchor.ns >= 0;
}

}  // namespace

std::optional<LeaseRefusal> CheckLease(const Lease& lease, const LeaseContext& context) {
  if (lease.fleet != context.fleet) return LeaseRefusal::kForeignFleet;
  if (lease.node != context.node || NearNode(lease.side) != context.node) {
    return LeaseRefusal::kForeignNode;
  }
  if (lease.boot_nonce != context.boot_nonce && !Mutated(Mutation::kOtherBootTaken))
    return LeaseRefusal::kOtherBoot;
  if (!context.link_configured) return LeaseRefusal::kUnknownLink;
  if (lease.sequence <= context.newest_sequence && !Mutated(Mutation::kOldSequenceTaken))
    return LeaseRefusal::kNotNewer;
  if (!InRange(lease)) return LeaseRefusal::kOutOfRange;
  if (lease.anchor > context.now) return LeaseRefusal::kAnchorInFuture;
  if (lease.ExpiresAt() <= context.now) return LeaseRefusal::kExpired;
  return std::nullopt;
}

}  // namespace sluice
