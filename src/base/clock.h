// Time. Durations are absl::Duration; instants that count for leases are
// BootTime, read from CLOCK_BOOTTIME (it runs on during suspend and knows no
// steps). Wall time is for people to read and decides nothing.
#ifndef SLUICE_BASE_CLOCK_H_
#define SLUICE_BASE_CLOCK_H_

#include <compare>
#include <cstdint>

#include "absl/time/time.h"

namespace sluice {

// An instant of one machine's boot-time clock, in nanoseconds since its boot.
// Instants of different machines or boots must not be compared.
struct BootTime {
  int64_t ns = 0;
  friend auto operator<=>(BootTime, BootTime) = default;
  friend absl::Duration operator-(BootTime a, BootTime b) {
    return absl::Nanoseconds(a.ns) - absl::Nanoseconds(b.ns);
  }
  // Saturates, so that no lifetime wraps into the past or the far future.
  friend BootTime operator+(BootTime t, absl::Duration d) {
    return BootTime{absl::ToInt64Nanoseconds(absl::Nanoseconds(t.ns) + d)};
  }
};

// The kernel's clocks that tell on each other, read at one instant, each since the boot.
struct ClockReading {
  absl::Duration boot;       // CLOCK_BOOTTIME
  absl::Duration monotonic;  // CLOCK_MONOTONIC: the same without suspend
  absl::Duration raw;        // CLOCK_MONOTONIC_RAW: the hardware's, which nobody can adjust
};

// Both clocks, injected wherever time is needed. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual BootTime Now() const = 0;
  virtual absl::Time WallNow() const = 0;
};

// A clock that a test sets.
class FakeClock final : public Clock {
 public:
  BootTime Now() const override { return now_; }
  absl::Time WallNow() const override { return wall_; }
  void Advance(absl::Duration d) {
    now_ = now_ + d;
    wall_ += d;
  }
  void StepWall(absl::Duration d) { wall_ += d; }

 private:
  BootTime now_{1'000'000'000};
  absl::Time wall_ = absl::FromUnixSeconds(1'700'000'000);
};

}  // namespace sluice

#endif  // SLUICE_BASE_CLOCK_H_
