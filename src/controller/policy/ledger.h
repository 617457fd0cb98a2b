// Arithmetic of one link's account. Values in, values out; nothing here wraps
// for volumes up to kMaxVolume and counts up to kMaxCount.
//
// The sum that all of this keeps: what a link's gate admits in one window never
// exceeds the quota's volume, because spent + outstanding does not.
#ifndef SLUICE_CONTROLLER_POLICY_LEDGER_H_
#define SLUICE_CONTROLLER_POLICY_LEDGER_H_

#include <optional>

#include "absl/time/time.h"
#include "base/units.h"
#include "model/ledger.h"
#include "model/quota.h"

namespace sluice {

// Granted and not yet reported as used.
Bytes Outstanding(const LinkAccount& account);
// The quota's volume less what is spent.
Bytes Left(const Quota& quota, const LinkAccount& account);
// What may still be granted: the volume less spent and outstanding; at least 0.
Bytes Available(const Quota& quota, const LinkAccount& account);

// The account at `now`: at the start of a window `spent` is 0 again and what is
// outstanding stays charged. Several windows may have passed.
LinkAccount Rolled(const Quota& quota, LinkAccount account, LedgerTime now);
// How long until the window ends; none for a quota without windows.
std::optional<absl::Duration> WindowRemaining(const Quota& quota, const LinkAccount& account,
                                              LedgerTime now);

// What a sender's gate said of its counter.
struct SenderCount {
  BootNonce boot{};
  Bytes admitted;
  // No lease issued so far lets the gate count beyond this: `admitted` itself
  // once the newest lease is closed, or the newest lease's limit while it is in
  // force. None if the gate may still take up a lease with a higher limit.
  std::optional<Bytes> bound;
  // In force at the gate under a lease that the ledger does not know, because
  // the store is older than the gate; otherwise 0.
  Bytes unknown_limit;
};

// Takes a count into account. Counts of another boot and counts behind one
// already seen change nothing, so that repeated and reordered reports do no
// harm. A bound gives back what can no longer be used; an unknown limit is
// charged as outstanding.
LinkAccount Reported(LinkAccount account, const SenderCount& count);

// The sender's counter is another one and stands at `admitted`: what was
// outstanding is spent, and so is `admitted`, which nobody accounted for.
LinkAccount Rebooted(LinkAccount account, const BootNonce& boot, Bytes admitted);

// Charged to the link over its whole life, counted like one uninterrupted
// counter of its sender: up to the last report, and up to the ceiling.
Bytes LifeReported(const LinkAccount& account);
Bytes LifeCeiling(const LinkAccount& account);

// The limit for the receiver's counter that fits the sender's ceiling. The
// receiver may count more than the sender (a packet fragmented behind the
// sender's gate has more headers), so it has 1/32 and 64 KiB of room; the exact
// cap is the sender's.
Bytes ReceiverLimit(const LinkAccount& account, const ReceiverBase& base);

// When the controller may take a lease as gone, counted from the instant at
// which its lifetime began at the latest: (1+ρ)·(lifetime/(1−ρ)+δ).
absl::Duration ConservativeLifetime(absl::Duration lifetime, double clock_rate_error,
                                    absl::Duration enforcement_delay);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_POLICY_LEDGER_H_
