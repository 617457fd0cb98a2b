// Which messages of a sensor count, and when it has been silent for too long.
#ifndef SLUICE_AGENT_TAMPER_SENSOR_JUDGE_H_
#define SLUICE_AGENT_TAMPER_SENSOR_JUDGE_H_

#include <optional>
#include <string>
#include <string_view>

#include "agent/tamper/tamper_source.h"
#include "base/secret.h"

namespace sluice {

struct SensorTerms {
  std::string name;  // of the source, in events and faults
  Secret32 key;
  std::string boot_id;  // of the running kernel
  // A heartbeat must come at least so often; none: the sensor need not send any.
  std::optional<absl::Duration> interval;
  // Messages from before do not count: a recorded one is of no use to anybody.
  BootTime accept_after;
};

class SensorJudge {
 public:
  SensorJudge(SensorTerms terms, BootTime now);

  // A message: authentic and newer than the last, or a fault.
  void Take(std::string_view text, BootTime now, TamperSource::Found& found);
  // The dead-man.
  void CheckSilence(BootTime now, TamperSource::Found& found);
  std::optional<BootTime> deadline() const;
  void Rearm(BootTime now);

  const std::string& name() const { return terms_.name; }
  void AddEvent(std::string_view words, BootTime at, TamperSource::Found& found) const;
  void AddFault(std::string_view words, TamperSource::Found& found) const;

 private:
  const SensorTerms terms_;
  BootTime newest_;  // of what was accepted
  BootTime heard_;   // when; or since when we listen
  bool silent_ = false;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_TAMPER_SENSOR_JUDGE_H_
