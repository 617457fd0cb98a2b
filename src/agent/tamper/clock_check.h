// Whether the clock that leases are counted on has been tampered with. Pure.
#ifndef SLUICE_AGENT_TAMPER_CLOCK_CHECK_H_
#define SLUICE_AGENT_TAMPER_CLOCK_CHECK_H_

#include <optional>
#include <string>

#include "base/clock.h"

namespace sluice {

// Nobody can set CLOCK_BOOTTIME, but root can slow it: adjtimex(2) changes its rate by up to
// 10 %, and a slow clock makes leases long. CLOCK_MONOTONIC_RAW knows no adjustment, so the
// two tell on each other. Suspend shows as boot time growing beyond monotonic time, which
// stands still then; so monotonic and raw time are compared, which suspend leaves equal.
class ClockCheck {
 public:
  // How far the rates may differ: NTP's own adjustments stay below 500 ppm.
  static constexpr double kMostRateError = 0.001;

  // What is wrong since the earlier readings, in words; nothing if all is well.
  std::optional<std::string> Check(const ClockReading& now);

 private:
  std::optional<ClockReading> last_;
  std::optional<ClockReading> window_;  // begin of the stretch over which the rate is taken
};

}  // namespace sluice

#endif  // SLUICE_AGENT_TAMPER_CLOCK_CHECK_H_
