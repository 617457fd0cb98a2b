#include "agent/probe/probe_alarms.h"

#include <algorithm>

namespace sluice {
namespace {

// All kinds together: what the controller takes of a port.
constexpr ptrdiff_t kMostAlarmsOfAKind = 16;

}  // namespace

bool ProbeAlarms::Raise(ProbeAlarm::Kind kind, std::string words, PortName about, BootTime now) {
  const auto key = std::pair{kind, words};
  const bool known = alarms_.contains(key);
  const auto like_it =
      std::ranges::count_if(alarms_, [&](const auto& entry) { return entry.first.first == kind; });
  if (!known && like_it >= kMostAlarmsOfAKind) return false;
  Alarm& alarm = alarms_[key];
  alarm.told.kind = kind;
  alarm.told.words = std::move(words);
  alarm.told.about = std::move(about);
  ++alarm.told.frames;
  alarm.last = now;
  return !known;
}

void ProbeAlarms::Forget(absl::Duration time, BootTime now) {
  std::erase_if(alarms_, [&](const auto& entry) { return now - entry.second.last >= time; });
}

std::vector<ProbeAlarm> ProbeAlarms::Told() const {
  std::vector<ProbeAlarm> told;
  told.reserve(alarms_.size());
  for (const auto& [key, alarm] : alarms_) told.push_back(alarm.told);
  return told;
}

}  // namespace sluice
