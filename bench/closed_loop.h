// What all variants of the controller benchmark share: how long they run, and
// what they count.
#ifndef SLUICE_BENCH_CLOSED_LOOP_H_
#define SLUICE_BENCH_CLOSED_LOOP_H_

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"

namespace sluice {

struct LoopOptions {
  uint32_t links = 1;  // each has one request outstanding
  double seconds = 3;
  double warm_up = 1;
};

struct Measured {
  uint64_t grants = 0;
  uint64_t refused = 0;
  double seconds = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

// Counts what arrives between the end of the warm-up and the end of the run.
class LoopCounter {
 public:
  void Start(const LoopOptions& options, BootTime now) {
    from_ = now + absl::Seconds(options.warm_up);
    until_ = from_ + absl::Seconds(options.seconds);
    seconds_ = options.seconds;
  }
  bool Over(BootTime now) const { return now >= until_; }
  void Add(BootTime asked, BootTime answered) {
    if (answered < from_ || answered >= until_) return;
    milliseconds_.push_back(absl::ToDoubleMilliseconds(answered - asked));
  }
  Measured Result() {
    std::ranges::sort(milliseconds_);
    return {milliseconds_.size(), 0, seconds_, Quantile(0.50), Quantile(0.99)};
  }

 private:
  double Quantile(double q) const {
    if (milliseconds_.empty()) return 0;
    return milliseconds_[static_cast<size_t>(q * static_cast<double>(milliseconds_.size() - 1))];
  }

  BootTime from_;
  BootTime until_;
  double seconds_ = 0;
  std::vector<double> milliseconds_;
};

inline nlohmann::ordered_json ToJson(const Measured& m) {
  return {{"grants", m.grants},
          {"grants_per_second", static_cast<double>(m.grants) / m.seconds},
          {"refused", m.refused},
          {"p50_ms", m.p50_ms},
          {"p99_ms", m.p99_ms}};
}

}  // namespace sluice

#endif  // SLUICE_BENCH_CLOSED_LOOP_H_
