// Arithmetic of the budgets that links share. Values in, values out.
//
// The sum that it keeps, for every scope and window: spent + outstanding <= volume,
// and the rates and bursts of all leases that may be in force <= rate and burst.
#ifndef SLUICE_CONTROLLER_POLICY_SCOPE_H_
#define SLUICE_CONTROLLER_POLICY_SCOPE_H_

#include <optional>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "base/units.h"
#include "model/ledger.h"

namespace sluice {

// What one link takes of every scope that contains it.
struct LinkCharge {
  Bytes reported;     // over the link's whole life
  Bytes outstanding;  // granted and not reported as used
  BitRate rate;       // of leases that may be in force
  Bytes burst;
  friend bool operator==(const LinkCharge&, const LinkCharge&) = default;
};
// `alive`: the sender's last lease may be in force.
LinkCharge ChargeOf(const LinkRecord& link, bool alive, LedgerTime now);

// What a lease that is about to be replaced may use on, with what it replaced itself.
HeldRate Held(const LinkRecord& link, LedgerTime now);

// The charges of all links in a scope.
struct ScopeSums {
  absl::int128 reported = 0;
  absl::int128 outstanding = 0;
  absl::int128 rate = 0;
  absl::int128 burst = 0;

  ScopeSums& operator+=(const LinkCharge& charge);
  ScopeSums& operator-=(const LinkCharge& charge);
};

// The scope at `now`: at the start of a window nothing is spent, and what is
// outstanding stays charged.
ScopeRecord Rolled(ScopeRecord scope, const ScopeSums& sums, LedgerTime now);
Bytes Spent(const ScopeRecord& scope, const ScopeSums& sums);
Bytes Outstanding(const ScopeSums& sums);
// The volume less what is spent.
Bytes Left(const ScopeRecord& scope, const ScopeSums& sums);
// The volume less what is spent or outstanding.
Bytes Available(const ScopeRecord& scope, const ScopeSums& sums);
std::optional<absl::Duration> WindowRemaining(const ScopeRecord& scope, LedgerTime now);

// A link goes: what it has outstanding counts as spent. A link comes: what it spent
// before does not count.
void Leave(ScopeRecord& scope, const LinkCharge& charge);
void Enter(ScopeRecord& scope, const LinkCharge& charge);

// From `before` (none: a new life begins, and nothing is spent) to `after`.
ScopeRecord Changed(const std::optional<ScopeRecord>& before, const Quota& after,
                    const ScopeSums& sums, LedgerTime now);
// Whether leases in force allow together what the scope does not.
bool IsExceeded(const ScopeRecord& scope, const ScopeSums& sums);

// What a scope has for one link that asks.
struct ScopeRoom {
  std::string scope;   // in words
  Bytes volume;        // neither spent nor out on other links: what it may have out
  Bytes volume_share;  // the part of it that is this link's
  BitRate rate;        // not leased to other links
  BitRate rate_share;  // max-min fair among the links that ask
  Bytes burst;
  Bytes burst_share;
  absl::Duration lifetime;  // the longest lease
  std::optional<absl::Duration> window_rest;
  bool returns = false;  // others hold volume that they may not use
};
// `own` is in `sums`. The volume is shared evenly: by `claimants`, at least one.
ScopeRoom RoomFor(const ScopeRecord& scope, const ScopeSums& sums, const LinkCharge& own,
                  uint64_t claimants, LedgerTime now);

// The least volume of a slice, however many share what is left: some packets.
inline constexpr Bytes kLeastSlice{uint64_t{16} << 10};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_POLICY_SCOPE_H_
