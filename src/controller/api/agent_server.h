// Serves agents: gRPC on the controller's address inside the control tunnel.
#ifndef SLUICE_CONTROLLER_API_AGENT_SERVER_H_
#define SLUICE_CONTROLLER_API_AGENT_SERVER_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/api/sessions.h"
#include "controller/grants/engine.h"
#include "model/prefix.h"

namespace sluice {

struct AgentServerConfig {
  // The one address that is listened on; port 0 takes a free one.
  Endpoint listen;
  size_t max_sessions = 4'096;
  size_t max_queued = 4'096;           // messages that wait for one session
  size_t max_message_bytes = 8 << 20;  // larger ones end their session
};

class AgentServer {
 public:
  // Listens and serves. `engine` and `sessions` outlive the server, and the
  // engine runs until Stop has returned. Unavailable: the port is in use or the
  // address is not there.
  static absl::StatusOr<std::unique_ptr<AgentServer>> Start(const AgentServerConfig& config,
                                                            Engine& engine, Sessions& sessions);
  virtual ~AgentServer() = default;  // stops

  // Ends every session and waits, at most about a second, until no thread of
  // the server runs. Idempotent.
  virtual void Stop() = 0;
  virtual uint16_t port() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_API_AGENT_SERVER_H_
