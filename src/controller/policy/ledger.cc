#include "controller/policy/ledger.h"

#include <algorithm>

#include "base/mutation.h"

namespace sluice {
namespace {

Bytes Plus(Bytes a, Bytes b) { return std::min(SaturatingAdd(a, b), kMaxCount); }

}  // namespace

Bytes Outstanding(const LinkAccount& account) {
  return SaturatingSub(account.ceiling, account.reported);
}

Bytes Left(const Quota& quota, const LinkAccount& account) {
  return SaturatingSub(quota.volume, account.spent);
}

Bytes Available(const Quota& quota, const LinkAccount& account) {
  return SaturatingSub(Left(quota, account), Outstanding(account));
}

LinkAccount Rolled(const Quota& quota, LinkAccount account, LedgerTime now) {
  if (!quota.window || *quota.window <= absl::ZeroDuration()) return account;
  if (now - account.window_start < *quota.window) return account;
  absl::Duration into_window;
  absl::IDivDuration(now - account.window_start, *quota.window, &into_window);
  account.window_start = now + (-into_window);
  account.spent = Bytes{0};
  return account;
}

std::optional<absl::Duration> WindowRemaining(const Quota& quota, const LinkAccount& account,
                                              LedgerTime now) {
  if (!quota.window) return std::nullopt;
  return std::max(*quota.window - (now - account.window_start), absl::ZeroDuration());
}

LinkAccount Reported(LinkAccount account, const SenderCount& count) {
  if (account.boot != count.boot || count.admitted < account.reported) return account;
  const Bytes admitted = std::min(count.admitted, kMaxCount);
  if (!Mutated(Mutation::kReportNotSpent))
    account.spent = Plus(account.spent, SaturatingSub(admitted, account.reported));
  account.reported = admitted;
  // A repeated report may carry a bound from before a later one: it never raises.
  const Bytes ceiling = count.bound ? std::min(account.ceiling, *count.bound)
                                    : std::max(account.ceiling, count.unknown_limit);
  account.ceiling = std::min(std::max(admitted, ceiling), kMaxCount);
  return account;
}

LinkAccount Rebooted(LinkAccount account, const BootNonce& boot, Bytes admitted) {
  admitted = std::min(admitted, kMaxCount);
  const Bytes lost = Mutated(Mutation::kUnreportedForgiven) ? Bytes{0} : Outstanding(account);
  account.spent = Plus(Plus(account.spent, lost), admitted);
  account.settled = Plus(account.settled, account.ceiling);
  account.boot = boot;
  account.reported = admitted;
  account.ceiling = admitted;
  return account;
}

Bytes LifeReported(const LinkAccount& account) { return Plus(account.settled, account.reported); }

Bytes LifeCeiling(const LinkAccount& account) { return Plus(account.settled, account.ceiling); }

Bytes ReceiverLimit(const LinkAccount& account, const ReceiverBase& base) {
  const Bytes share = SaturatingSub(LifeCeiling(account), base.charged);
  const Bytes room{share.value / 32 + (uint64_t{64} << 10)};
  return Plus(base.count, Plus(share, room));
}

absl::Duration ConservativeLifetime(absl::Duration lifetime, double clock_rate_error,
                                    absl::Duration enforcement_delay) {
  if (Mutated(Mutation::kDeadTooSoon)) return lifetime;
  const absl::Duration longest = lifetime / (1.0 - clock_rate_error) + enforcement_delay;
  return longest * (1.0 + clock_rate_error);
}

}  // namespace sluice
