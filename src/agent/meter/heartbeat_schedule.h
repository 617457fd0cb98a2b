// When to send a heartbeat. Pure.
#ifndef SLUICE_AGENT_METER_HEARTBEAT_SCHEDULE_H_
#define SLUICE_AGENT_METER_HEARTBEAT_SCHEDULE_H_

#include "absl/time/time.h"
#include "base/clock.h"

namespace sluice {

// Regularly, and at once when something changed; but changes that come in a
// burst are told together, `kShortestGap` apart.
class HeartbeatSchedule {
 public:
  static constexpr absl::Duration kShortestGap = absl::Milliseconds(20);
  static constexpr absl::Duration kShortestInterval = absl::Milliseconds(20);
  static constexpr absl::Duration kLongestInterval = absl::Seconds(10);

  // Cut to the range above; nothing a controller sends makes the agent spin or fall silent.
  void SetInterval(absl::Duration interval);
  absl::Duration interval() const { return interval_; }

  // Something changed that the controller should know soon.
  void Changed() { changed_ = true; }

  bool Due(BootTime now) const { return now >= NextAt(); }
  BootTime NextAt() const;
  void Sent(BootTime now);
  // A new session: the next one is due at once.
  void Restart();

 private:
  absl::Duration interval_ = absl::Milliseconds(200);
  BootTime last_;
  bool sent_ = false;
  bool changed_ = false;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_METER_HEARTBEAT_SCHEDULE_H_
