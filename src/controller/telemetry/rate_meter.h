// What counters did between their last two reports.
#ifndef SLUICE_CONTROLLER_TELEMETRY_RATE_METER_H_
#define SLUICE_CONTROLLER_TELEMETRY_RATE_METER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"

namespace sluice {

// Of N counters that are reported together and began together.
template <size_t N>
class RateMeter {
 public:
  using Counts = std::array<uint64_t, N>;
  using Rates = std::array<double, N>;

  // `counts` as they stood `age` before `now`. The rates per second since the report before;
  // the same again while no newer report comes. Null once it is older than `old`, and after a
  // start or a step back of any counter. Valid until the next Take.
  const Rates* Take(const Counts& counts, BootTime now, absl::Duration age, absl::Duration old) {
    const BootTime at = now + -age;
    if (!at_ || SteppedBack(counts)) {
      known_ = false;
      counts_ = counts;
      at_ = at;
    } else if (at - *at_ > kSameReport) {
      const double seconds = absl::ToDoubleSeconds(at - *at_);
      for (size_t i = 0; i < N; ++i) {
        const uint64_t grown = counts[i] - counts_[i];  // mostly 0, and a division is slow
        rates_[i] = grown == 0 ? 0 : static_cast<double>(grown) / seconds;
      }
      known_ = true;
      counts_ = counts;
      at_ = at;
    }
    return known_ && age <= old ? &rates_ : nullptr;
  }

 private:
  // Reports are further apart: what differs by less is the same one, whose age was reckoned
  // a little later.
  static constexpr absl::Duration kSameReport = absl::Milliseconds(50);

  bool SteppedBack(const Counts& counts) const {
    for (size_t i = 0; i < N; ++i)
      if (counts[i] < counts_[i]) return true;
    return false;
  }

  Counts counts_{};
  std::optional<BootTime> at_;
  Rates rates_{};
  bool known_ = false;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TELEMETRY_RATE_METER_H_
