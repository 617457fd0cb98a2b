// The standing session with the controller: gRPC on threads of its own.
#ifndef SLUICE_AGENT_SESSION_CONTROL_SESSION_H_
#define SLUICE_AGENT_SESSION_CONTROL_SESSION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/prefix.h"
#include "proto/agent.pb.h"

namespace sluice {

// What the session tells the thread that owns the agent's state.
struct SessionEvent {
  enum class Kind { kConnected, kDisconnected, kMessage };
  Kind kind = Kind::kMessage;
  uint64_t session = 0;  // counts connections; messages belong to one
  agent::v1::ControllerMessage message;
  std::string why;  // of kDisconnected, in words
};

// Keeps one session open as long as it lives, reconnecting with pauses from
// 100 ms to 2 s. A controller that does not answer is noticed within seconds.
class ControlSession {
 public:
  virtual ~ControlSession() = default;

  // Queues a message of session `session`. False if that session is not the
  // current one any more, or if too much is queued already. Never waits.
  // Thread-safe.
  virtual bool Send(uint64_t session, agent::v1::AgentMessage message) = 0;

  // Ends session `session` if it is still the current one; the next begins by
  // itself. Thread-safe.
  virtual void Reset(uint64_t session) = 0;
};

// Called from a thread of the session; false means that the event could not be
// taken, and ends the session. Events of one session come in order, and those
// of the next only after its kDisconnected, which must be taken or the
// receiver is gone.
using SessionSink = std::function<bool(SessionEvent)>;

// Starts at once; the destructor ends all threads. `controller` is reached as
// it is, without names to look up.
std::unique_ptr<ControlSession> StartControlSession(const Endpoint& controller, SessionSink sink);

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_CONTROL_SESSION_H_
