// Frames on one port that should not be there, as they are told.
#ifndef SLUICE_AGENT_PROBE_PROBE_ALARMS_H_
#define SLUICE_AGENT_PROBE_PROBE_ALARMS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/wiring.h"

namespace sluice {

class ProbeAlarms {
 public:
  // True if this was not told of before. Of each kind so many at a time: anybody can raise some,
  // and must not crowd out those that only a node can.
  bool Raise(ProbeAlarm::Kind kind, std::string words, PortName about, BootTime now);
  // Those that were not raised again for `time`.
  void Forget(absl::Duration time, BootTime now);
  std::vector<ProbeAlarm> Told() const;

 private:
  struct Alarm {
    ProbeAlarm told;
    BootTime last;
  };
  std::map<std::pair<ProbeAlarm::Kind, std::string>, Alarm> alarms_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_PROBE_ALARMS_H_
