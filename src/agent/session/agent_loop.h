// The thread that owns the agent's state.
#ifndef SLUICE_AGENT_SESSION_AGENT_LOOP_H_
#define SLUICE_AGENT_SESSION_AGENT_LOOP_H_

#include <functional>
#include <optional>

#include "agent/apply/agent_core.h"
#include "agent/session/control_session.h"
#include "agent/tamper/tamper_source.h"
#include "base/clock.h"
#include "base/queue.h"
#include "model/wiring.h"

namespace sluice {

// What the owner thread hears. With nothing in it: stop.
struct AgentEvent {
  std::optional<SessionEvent> session;
  std::optional<TamperSource::Found> sensed;
  std::optional<NodeWiring> wired = std::nullopt;
};
using AgentQueue = BoundedQueue<AgentEvent>;

// Feeds the core with events and time, and the session with what it says.
// The parts outlive it.
class AgentLoop {
 public:
  struct Parts {
    const Clock& clock;
    AgentCore& core;
    AgentQueue& queue;
  };
  // Called on the loop's thread.
  struct Callbacks {
    // Now and then while there is no session: makes the control tunnel shake hands anew.
    std::function<void()> unreachable;
    // Once a second: whether what the agent stands on is still there.
    std::function<absl::Status()> check;
    // After a readmission: what the sources notice is an event again.
    std::function<void()> readmitted;
    // The controller said what the link probes may do.
    std::function<void(ProbeTerms)> probe_terms;
    // … and wants a port's capacity measured.
    std::function<void(const std::string& port, BitRate speed)> measure;
  };
  AgentLoop(Parts parts, Callbacks callbacks);

  // OK after a stop event, or when the queue is closed. Else what `check` found: the
  // caller must start anew.
  absl::Status Run(ControlSession& session);

 private:
  // False for stop.
  bool TakeEvents(ControlSession& session);
  void Handle(SessionEvent& event);
  void Handle(const TamperSource::Found& found);
  void Flush(ControlSession& session);
  void Nudge();
  absl::Status Check();

  const Parts parts_;
  const Callbacks callbacks_;
  AgentCore::Outbox out_;
  uint64_t session_ = 0;
  std::optional<BootTime> nudge_at_;
  BootTime check_at_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_AGENT_LOOP_H_
