// A machine's boot-time clock, against the one true time of a simulation.
#ifndef SLUICE_TESTS_SIM_MACHINE_CLOCK_H_
#define SLUICE_TESTS_SIM_MACHINE_CLOCK_H_

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice::sim {

// True time: nanoseconds since the simulation began.
using TrueTime = int64_t;

inline constexpr int64_t kMicrosecond = 1'000;
inline constexpr int64_t kMillisecond = 1'000'000;
inline constexpr int64_t kSecond = 1'000'000'000;

// Runs too fast or too slow by a rate that may change; never goes back within a boot.
class MachineClock final : public Clock {
 public:
  // `now` is the true time and outlives the clock.
  MachineClock(const TrueTime& now, int64_t local_ns, int64_t rate_ppb);

  BootTime Now() const override { return BootTime{LocalAt(now_)}; }
  // Jumps to and fro: nothing may depend on it.
  absl::Time WallNow() const override;

  // The machine boots now: the clock begins at `local_ns`.
  void Reboot(int64_t local_ns);
  // From now on it gains so many nanoseconds a second.
  void SetRate(int64_t rate_ppb);

  // The first true instant at which this boot's clock shows `local_ns`.
  TrueTime TrueAt(BootTime local) const;

 private:
  struct Segment {
    TrueTime from = 0;
    int64_t local = 0;
    int64_t rate_ppb = 0;
    int64_t LocalAt(TrueTime t) const;
  };
  int64_t LocalAt(TrueTime t) const { return segments_.back().LocalAt(t); }

  const TrueTime& now_;
  std::vector<Segment> segments_;  // of this boot
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_MACHINE_CLOCK_H_
