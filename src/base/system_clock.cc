#include "base/system_clock.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "absl/time/clock.h"

namespace sluice {

namespace {

int64_t ReadNs(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) {
    std::perror("sluice: clock_gettime");
    std::abort();
  }
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

BootTime SystemClock::Now() const { return BootTime{ReadNs(CLOCK_BOOTTIME)}; }

ClockReading ReadClocks() {
  return {absl::Nanoseconds(ReadNs(CLOCK_BOOTTIME)), absl::Nanoseconds(ReadNs(CLOCK_MONOTONIC)),
          absl::Nanoseconds(ReadNs(CLOCK_MONOTONIC_RAW))};
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

}  // namespace sluice
