// So many a second, and so many at once.
#ifndef SLUICE_AGENT_PROBE_TOKEN_BUCKET_H_
#define SLUICE_AGENT_PROBE_TOKEN_BUCKET_H_

#include <algorithm>

#include "base/clock.h"

namespace sluice {

class TokenBucket {
 public:
  TokenBucket(double each_second, double at_once, BootTime now)
      : each_second_(each_second), at_once_(at_once), left_(at_once), at_(now) {}

  void Resize(double each_second, double at_once) {
    each_second_ = each_second;
    at_once_ = at_once;
  }
  bool Take(BootTime now) {
    left_ = std::min(at_once_, left_ + absl::ToDoubleSeconds(now - at_) * each_second_);
    at_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }
  void GiveBack() { left_ += 1; }

 private:
  double each_second_;
  double at_once_;
  double left_;
  BootTime at_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_TOKEN_BUCKET_H_
