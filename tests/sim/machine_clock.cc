#include "tests/sim/machine_clock.h"

#include <algorithm>

namespace sluice::sim {

MachineClock::MachineClock(const TrueTime& now, int64_t local_ns, int64_t rate_ppb)
    : now_(now), segments_{{now, local_ns, rate_ppb}} {}

absl::Time MachineClock::WallNow() const {
  return absl::FromUnixSeconds(1'700'000'000 + (now_ / 7 % 1'000'003) * 977 % 1'000'000);
}

void MachineClock::Reboot(int64_t local_ns) {
  segments_ = {{now_, local_ns, segments_.back().rate_ppb}};
}

void MachineClock::SetRate(int64_t rate_ppb) {
  segments_.push_back({now_, LocalAt(now_), rate_ppb});
}

// In two parts, so that nothing overflows; the sum is exact.
int64_t MachineClock::Segment::LocalAt(TrueTime t) const {
  const int64_t d = t - from;
  return local + d + d / kSecond * rate_ppb + d % kSecond * rate_ppb / kSecond;
}

TrueTime MachineClock::TrueAt(BootTime time) const {
  auto segment = std::find_if(segments_.rbegin(), segments_.rend(),
                              [&](const Segment& s) { return s.local <= time.ns; });
  if (segment == segments_.rend()) return segments_.front().from;
  const double scale = 1.0 + static_cast<double>(segment->rate_ppb) / 1e9;
  TrueTime t =
      segment->from + static_cast<int64_t>(static_cast<double>(time.ns - segment->local) / scale);
  while (segment->LocalAt(t) < time.ns) ++t;
  while (t > segment->from && segment->LocalAt(t - 1) >= time.ns) --t;
  return t;
}

}  // namespace sluice::sim
