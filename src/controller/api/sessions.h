// The open sessions by node, and how to send on each.
#ifndef SLUICE_CONTROLLER_API_SESSIONS_H_
#define SLUICE_CONTROLLER_API_SESSIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "proto/agent.pb.h"

namespace sluice {

// One connection's outgoing side. Thread-safe.
class OutgoingSession {
 public:
  virtual ~OutgoingSession() = default;
  // Queues `message`; never waits. False when the queue is full.
  virtual bool Send(agent::v1::ControllerMessage message) = 0;
  // Ends the session: after what is queued has left, or at once.
  virtual void End(const absl::Status& reason, bool at_once) = 0;
};

// Thread-safe.
class Sessions {
 public:
  // Makes `session` the one that the node is sent to, under an id that is larger
  // than all before. Every Open is matched by one Close.
  uint64_t Open(const std::string& node, std::shared_ptr<OutgoingSession> session);
  void Close(const std::string& node, uint64_t id);

  // To the node's newest session; one that cannot keep up is ended.
  void Send(const std::string& node, agent::v1::ControllerMessage message);
  void End(const std::string& node, uint64_t id, const absl::Status& reason);
  size_t size() const;

 private:
  using ById = std::map<uint64_t, std::shared_ptr<OutgoingSession>>;

  mutable std::mutex mutex_;
  uint64_t last_id_ = 0;              // guarded by mutex_
  std::map<std::string, ById> open_;  // guarded by mutex_
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_API_SESSIONS_H_
