#include "controller/policy/scope.h"

#include <algorithm>

#include "controller/policy/ledger.h"

namespace sluice {
namespace {

uint64_t Clamp(absl::int128 value) {
  constexpr absl::int128 kMost = uint64_t{1} << 63;
  return static_cast<uint64_t>(std::clamp<absl::int128>(value, 0, kMost));
}

absl::int128 Number(Bytes bytes) { return bytes.value; }
absl::int128 Number(BitRate rate) { return rate.bps; }

}  // namespace

LinkCharge ChargeOf(const LinkRecord& link, bool alive, LedgerTime now) {
  LinkCharge charge{LifeReported(link.account), Outstanding(link.account), {}, {}};
  if (alive) {
    charge.rate = link.send.rate;
    charge.burst = link.send.burst;
  }
  if (now < link.held.until) {
    charge.rate = std::max(charge.rate, link.held.rate);
    charge.burst = std::max(charge.burst, link.held.burst);
  }
  return charge;
}

HeldRate Held(const LinkRecord& link, LedgerTime now) {
  HeldRate held{link.send.rate, link.send.burst, link.send.dead_at};
  if (now >= link.held.until) return held;
  held.rate = std::max(held.rate, link.held.rate);
  held.burst = std::max(held.burst, link.held.burst);
  held.until = std::max(held.until, link.held.until);
  return held;
}

ScopeSums& ScopeSums::operator+=(const LinkCharge& charge) {
  reported += Number(charge.reported);
  outstanding += Number(charge.outstanding);
  rate += Number(charge.rate);
  burst += Number(charge.burst);
  return *this;
}

ScopeSums& ScopeSums::operator-=(const LinkCharge& charge) {
  reported -= Number(charge.reported);
  outstanding -= Number(charge.outstanding);
  rate -= Number(charge.rate);
  burst -= Number(charge.burst);
  return *this;
}

ScopeRecord Rolled(ScopeRecord scope, const ScopeSums& sums, LedgerTime now) {
  const auto& window = scope.quota.window;
  if (!window || *window <= absl::ZeroDuration() || now - scope.window_start < *window)
    return scope;
  absl::Duration into_window;
  absl::IDivDuration(now - scope.window_start, *window, &into_window);
  scope.window_start = now + (-into_window);
  scope.base = sums.reported;
  return scope;
}

Bytes Spent(const ScopeRecord& scope, const ScopeSums& sums) {
  return Bytes{Clamp(sums.reported - scope.base)};
}

Bytes Outstanding(const ScopeSums& sums) { return Bytes{Clamp(sums.outstanding)}; }

Bytes Left(const ScopeRecord& scope, const ScopeSums& sums) {
  return SaturatingSub(scope.quota.volume, Spent(scope, sums));
}

Bytes Available(const ScopeRecord& scope, const ScopeSums& sums) {
  return SaturatingSub(Left(scope, sums), Outstanding(sums));
}

std::optional<absl::Duration> WindowRemaining(const ScopeRecord& scope, LedgerTime now) {
  if (!scope.quota.window) return std::nullopt;
  return std::max(*scope.quota.window - (now - scope.window_start), absl::ZeroDuration());
}

void Leave(ScopeRecord& scope, const LinkCharge& charge) {
  scope.base -= Number(charge.reported) + Number(charge.outstanding);
}

void Enter(ScopeRecord& scope, const LinkCharge& charge) { scope.base += Number(charge.reported); }

ScopeRecord Changed(const std::optional<ScopeRecord>& before, const Quota& after,
                    const ScopeSums& sums, LedgerTime now) {
  ScopeRecord scope{after, sums.reported, now};
  if (!before) return scope;
  const ScopeRecord rolled = Rolled(*before, sums, now);
  scope.base = rolled.base;
  // A changed window begins now and carries what was spent.
  if (before->quota.window == after.window) scope.window_start = rolled.window_start;
  return scope;
}

bool IsExceeded(const ScopeRecord& scope, const ScopeSums& sums) {
  const Quota& quota = scope.quota;
  return SaturatingAdd(Spent(scope, sums), Outstanding(sums)) > quota.volume ||
         sums.rate > Number(quota.rate) || sums.burst > Number(quota.burst);
}

ScopeRoom RoomFor(const ScopeRecord& scope, const ScopeSums& sums, const LinkCharge& own,
                  uint64_t claimants, LedgerTime now) {
  const Quota& quota = scope.quota;
  const uint64_t links = std::max<uint64_t>(claimants, 1);
  ScopeRoom room;
  room.scope = scope.quota.scope.ToString();
  room.volume =
      Bytes{Clamp(Number(Left(scope, sums)) - (sums.outstanding - Number(own.outstanding)))};
  room.volume_share = Bytes{room.volume.value / links};
  room.rate = BitRate{Clamp(Number(quota.rate) - (sums.rate - Number(own.rate)))};
  room.rate_share = BitRate{quota.rate.bps / links};
  room.burst = Bytes{Clamp(Number(quota.burst) - (sums.burst - Number(own.burst)))};
  room.burst_share = Bytes{quota.burst.value / links};
  room.lifetime = quota.lease_lifetime;
  room.window_rest = WindowRemaining(scope, now);
  room.returns = sums.outstanding > Number(own.outstanding);
  return room;
}

}  // namespace sluice
