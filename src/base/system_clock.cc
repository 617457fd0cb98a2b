#include "base/system_clock.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "absl/time/clock.h"

namespace sluice {

BootTime SystemClock::Now() const {
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) {
    std::perror("sluice: clock_gettime(CLOCK_BOOTTIME)");
    std::abort();
  }
  return BootTime{int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec};
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

}  // namespace sluice
