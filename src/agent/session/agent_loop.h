// The thread that owns the agent's state.
#ifndef SLUICE_AGENT_SESSION_AGENT_LOOP_H_
#define SLUICE_AGENT_SESSION_AGENT_LOOP_H_

#include <functional>
#include <optional>

#include "agent/apply/agent_core.h"
#include "agent/session/control_session.h"
#include "base/clock.h"
#include "base/queue.h"

namespace sluice {

// What the owner thread hears. Without a session event: stop.
struct AgentEvent {
  std::optional<SessionEvent> session;
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
  // `unreachable` is called now and then on the loop's thread while there is
  // no session: to make the control tunnel shake hands anew.
  AgentLoop(Parts parts, std::function<void()> unreachable);

  // Until a stop event, or the queue is closed.
  void Run(ControlSession& session);

 private:
  // False for stop.
  bool TakeEvents(ControlSession& session);
  void Handle(SessionEvent& event);
  void Flush(ControlSession& session);
  void Nudge();

  const Parts parts_;
  const std::function<void()> unreachable_;
  AgentCore::Outbox out_;
  uint64_t session_ = 0;
  std::optional<BootTime> nudge_at_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_AGENT_LOOP_H_
