// The machine's own clocks.
#ifndef SLUICE_BASE_SYSTEM_CLOCK_H_
#define SLUICE_BASE_SYSTEM_CLOCK_H_

#include "base/clock.h"

namespace sluice {

// CLOCK_BOOTTIME and CLOCK_REALTIME. Thread-safe; made once in main().
class SystemClock final : public Clock {
 public:
  BootTime Now() const override;
  absl::Time WallNow() const override;
};

ClockReading ReadClocks();

}  // namespace sluice

#endif  // SLUICE_BASE_SYSTEM_CLOCK_H_
