#include "agent/meter/heartbeat_schedule.h"

#include <algorithm>

namespace sluice {

void HeartbeatSchedule::SetInterval(absl::Duration interval) {
  interval_ = std::clamp(interval, kShortestInterval, kLongestInterval);
}

BootTime HeartbeatSchedule::NextAt() const {
  if (!sent_) return BootTime{};
  return last_ + (changed_ ? kShortestGap : interval_);
}

void HeartbeatSchedule::Sent(BootTime now) {
  last_ = now;
  sent_ = true;
  changed_ = false;
}

void HeartbeatSchedule::Restart() { sent_ = false; }

}  // namespace sluice
