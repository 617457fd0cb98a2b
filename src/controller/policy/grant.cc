#include "controller/policy/grant.h"

#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "controller/policy/ledger.h"

namespace sluice {
namespace {

// An operator's change sends a new Config, which makes the sender ask at once;
// these only bound how long a node waits should that be lost.
constexpr absl::Duration kRetryOperator = absl::Seconds(30);
constexpr absl::Duration kRetryPeer = absl::Seconds(1);
// A wire that is right again carries within a second.
constexpr absl::Duration kRetryWiring = absl::Milliseconds(300);
constexpr absl::Duration kRetryRecall = absl::Milliseconds(100);
constexpr absl::Duration kRetryLeast = absl::Milliseconds(100);
// Others give way when they renew, at two thirds of their leases at the latest.
constexpr absl::Duration kRetryShare = absl::Milliseconds(500);

std::optional<Denial> Refusal(const GrantInput& input) {
  using Reason = Denial::Reason;
  if (!input.quota) return Denial{Reason::kNoQuota, "the link has no quota", kRetryOperator};
  if (!input.revoked.empty() && !Mutated(Mutation::kRevokedGranted))
    return Denial{Reason::kRevoked, input.revoked, kRetryOperator};
  if (!input.tampered.empty()) return Denial{Reason::kTampered, input.tampered, kRetryPeer};
  if (!input.miswired.empty()) return Denial{Reason::kMiswired, input.miswired, kRetryWiring};
  if (input.recalling) {
    return Denial{Reason::kRecalling, "an earlier lease of the link is being recalled",
                  kRetryRecall};
  }
  if (!input.receiver_present) {
    return Denial{Reason::kPeerAbsent, "the other end of the link is not connected", kRetryPeer};
  }
  return std::nullopt;
}

Denial UsedUp(std::string text, const std::optional<absl::Duration>& window_rest) {
  Denial denial{Denial::Reason::kExhausted, std::move(text), kRetryOperator};
  if (window_rest) {
    denial.text += " in this window";
    denial.retry_after = std::clamp(*window_rest, kRetryLeast, kRetryOperator);
  }
  return denial;
}

// The first scope that has nothing for the link, in words.
Denial Crowded(const std::vector<ScopeRoom>& rooms) {
  for (const ScopeRoom& room : rooms) {
    if (room.rate >= kMinRate && room.burst >= kMinBurst) continue;
    return Denial{Denial::Reason::kCrowded,
                  "other links hold what " + room.scope + " may do; they give way as they renew",
                  kRetryShare};
  }
  return Denial{Denial::Reason::kCrowded, "too many links share a scope's rate or burst",
                kRetryShare};
}

Denial Exhausted(const GrantInput& input) {
  for (const ScopeRoom& room : input.rooms) {
    if (room.volume > Bytes{0}) continue;
    Denial denial = UsedUp("the volume of " + room.scope + " is used up", room.window_rest);
    if (room.returns) {
      denial.text = "the volume of " + room.scope + " is leased to other links or used up";
      denial.retry_after = std::min(denial.retry_after, kRetryShare);
    }
    return denial;
  }
  return UsedUp("the quota's volume is used up",
                WindowRemaining(*input.quota, input.account, input.now));
}

struct Terms {
  BitRate rate;
  Bytes burst;
  absl::Duration lifetime;
};

Terms TermsFor(const Quota& quota, const std::vector<ScopeRoom>& rooms) {
  Terms terms{quota.rate, quota.burst, quota.lease_lifetime};
  for (const ScopeRoom& room : rooms) {
    terms.rate = std::min({terms.rate, room.rate, room.rate_share});
    terms.burst = std::min({terms.burst, room.burst, room.burst_share});
    terms.lifetime = std::min(terms.lifetime, room.lifetime);
  }
  return terms;
}

// How far the gate may count.
Bytes LimitFor(const GrantInput& input, const Terms& terms) {
  const LinkAccount& account = input.account;
  Bytes slice = SaturatingAdd(BytesIn(terms.rate, terms.lifetime), terms.burst);
  slice = std::min(
      slice, Mutated(Mutation::kRenewalResets) ? input.quota->volume : Left(*input.quota, account));
  for (const ScopeRoom& room : input.rooms)
    slice =
        std::min(slice, input.idle ? room.volume_share : std::max(room.volume_share, kLeastSlice));
  Bytes limit = std::min(SaturatingAdd(account.reported, slice), kMaxCount);
  for (const ScopeRoom& room : input.rooms)
    limit = std::min(limit, SaturatingAdd(account.reported, room.volume));
  return limit;
}

}  // namespace

GrantDecision DecideGrant(const GrantInput& input) {
  if (auto refusal = Refusal(input)) return *refusal;
  const LinkAccount& account = input.account;
  const Terms terms = TermsFor(*input.quota, input.rooms);
  if (terms.rate < kMinRate || terms.burst < kMinBurst) return Crowded(input.rooms);
  const Bytes limit = LimitFor(input, terms);
  if (limit <= account.reported) return Exhausted(input);
  Grant grant{terms.rate, terms.burst, limit, terms.lifetime, account};
  grant.account.ceiling = std::max(account.ceiling, limit);
  return grant;
}

QuotaChange DecideQuotaChange(const std::optional<Quota>& before, const Quota& after,
                              const LinkAccount& account, const std::optional<IssuedLease>& lease,
                              LedgerTime now) {
  QuotaChange change{account, false};
  if (!before) {
    change.account.spent = Bytes{0};
    change.account.window_start = now;
  } else {
    change.account = Rolled(*before, account, now);
    if (before->window != after.window) change.account.window_start = now;
  }
  if (!lease) return change;
  const bool over_volume =
      SaturatingAdd(change.account.spent, Outstanding(change.account)) > after.volume;
  change.recall = over_volume || lease->rate > after.rate || lease->burst > after.burst ||
                  lease->lifetime > after.lease_lifetime;
  return change;
}

}  // namespace sluice
