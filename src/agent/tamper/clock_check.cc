#include "agent/tamper/clock_check.h"

#include <utility>

#include "base/strings.h"

namespace sluice {
namespace {

constexpr absl::Duration kRateWindow = absl::Seconds(10);
// The clocks are read one after the other; the process may be put aside between.
constexpr absl::Duration kReadingError = absl::Milliseconds(50);

absl::Duration Drift(const ClockReading& from, const ClockReading& to) {
  return (to.monotonic - from.monotonic) - (to.raw - from.raw);
}

}  // namespace

std::optional<std::string> ClockCheck::Check(const ClockReading& now) {
  const auto last = std::exchange(last_, now);
  if (!last) {
    window_ = now;
    return std::nullopt;
  }
  if (now.boot < last->boot) return "the boot-time clock went back";
  const absl::Duration suspended = (now.boot - now.monotonic) - (last->boot - last->monotonic);
  if (suspended < -kReadingError) return "boot time lost time that the monotonic clock counted";
  const absl::Duration step = Drift(*last, now);
  if (absl::AbsDuration(step) > kReadingError + (now.raw - last->raw) * kMostRateError * 100)
    return StrCat("the clock was stepped by ", absl::FormatDuration(step));
  const absl::Duration stretch = now.raw - window_->raw;
  if (stretch < kRateWindow) return std::nullopt;
  const absl::Duration drift = Drift(*std::exchange(window_, now), now);
  if (absl::AbsDuration(drift) <= kReadingError + stretch * kMostRateError) return std::nullopt;
  return StrCat("the clock differs from the hardware's by ", absl::FormatDuration(drift), " in ",
                absl::FormatDuration(stretch));
}

}  // namespace sluice
