#include "controller/policy/grant.h"

#include <algorithm>

#include "base/mutation.h"
#include "controller/policy/ledger.h"

namespace sluice {
namespace {

// An operator's change sends a new Config, which makes the sender ask at once;
// these only bound how long a node waits should that be lost.
constexpr absl::Duration kRetryOperator = absl::Seconds(30);
constexpr absl::Duration kRetryPeer = absl::Seconds(1);
constexpr absl::Duration kRetryRecall = absl::Milliseconds(100);
constexpr absl::Duration kRetryLeast = absl::Milliseconds(100);

std::optional<Denial> Refusal(const GrantInput& input) {
  using Reason = Denial::Reason;
  if (!input.quota) return Denial{Reason::kNoQuota, "the link has no quota", kRetryOperator};
  if (input.suspended && !Mutated(Mutation::kRevokedGranted)) {
    return Denial{Reason::kRevoked, "revoked by the operator: " + input.suspend_reason,
                  kRetryOperator};
  }
  if (input.recalling) {
    return Denial{Reason::kRecalling, "an earlier lease of the link is being recalled",
                  kRetryRecall};
  }
  if (!input.receiver_present) {
    return Denial{Reason::kPeerAbsent, "the other end of the link is not connected", kRetryPeer};
  }
  return std::nullopt;
}

Denial Exhausted(const GrantInput& input) {
  const auto rest = WindowRemaining(*input.quota, input.account, input.now);
  Denial denial{Denial::Reason::kExhausted, "the quota's volume is used up", kRetryOperator};
  if (rest) {
    denial.text = "the quota's volume is used up in this window";
    denial.retry_after = std::clamp(*rest, kRetryLeast, kRetryOperator);
  }
  return denial;
}

}  // namespace

GrantDecision DecideGrant(const GrantInput& input) {
  if (auto refusal = Refusal(input)) return *refusal;
  const Quota& quota = *input.quota;
  const LinkAccount& account = input.account;

  const Bytes wanted = SaturatingAdd(BytesIn(quota.rate, quota.lease_lifetime), quota.burst);
  const Bytes left = Mutated(Mutation::kRenewalResets) ? quota.volume : Left(quota, account);
  const Bytes slice = std::min(wanted, left);
  const Bytes limit = std::min(SaturatingAdd(account.reported, slice), kMaxCount);
  if (limit <= account.reported) return Exhausted(input);
  Grant grant{quota.rate, quota.burst, limit, quota.lease_lifetime, account};
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
