// The plug-in: one way in which a node learns that somebody is at it.
#ifndef SLUICE_AGENT_TAMPER_TAMPER_SOURCE_H_
#define SLUICE_AGENT_TAMPER_TAMPER_SOURCE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/tamper.h"

namespace sluice {

// Not thread-safe: one thread owns it.
class TamperSource {
 public:
  struct Found {
    std::vector<TamperEvent> events;
    std::vector<std::string> faults;  // for the operator; they neither cut nor open
  };
  virtual ~TamperSource() = default;

  // Poll is due when this is readable; -1: never.
  virtual int fd() const = 0;
  // … and at this instant, if there is one.
  virtual std::optional<BootTime> deadline() const = 0;
  // Looks. A condition that lasts is told once, until Rearm.
  virtual Found Poll(BootTime now) = 0;
  // The node was readmitted: a condition that still lasts is an event again.
  virtual void Rearm(BootTime now) = 0;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_TAMPER_TAMPER_SOURCE_H_
