// One agent's stream: messages in, one at a time, through the engine; messages
// out through a bounded queue.
#ifndef SLUICE_CONTROLLER_API_SESSION_STREAM_H_
#define SLUICE_CONTROLLER_API_SESSION_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "controller/api/sessions.h"
#include "controller/grants/engine.h"
#include "model/prefix.h"
#include "proto/agent.grpc.pb.h"

namespace sluice {

// The same code and message.
grpc::Status ToGrpc(const absl::Status& status);

// Owns itself from Begin until gRPC is done with it. The next message is read
// only when the last one has been dealt with, so one agent never has more than
// one event in the engine's queue.
class SessionStream final
    : public grpc::ServerBidiReactor<agent::v1::AgentMessage, agent::v1::ControllerMessage>,
      public OutgoingSession,
      public std::enable_shared_from_this<SessionStream> {
 public:
  // `on_gone` runs last of all.
  SessionStream(grpc::CallbackServerContext& context, IpAddress peer, size_t max_queued,
                Engine& engine, Sessions& sessions, std::function<void()> on_gone);

  void Begin();

  bool Send(agent::v1::ControllerMessage message) override;
  void End(const absl::Status& reason, bool at_once) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  // On the engine's thread: what the message means, under the caller's name.
  absl::Status Take(ControllerCore& core, Effects& effects);
  void TakeNext();
  // Sends the final status if nothing is being written. Holds mutex_.
  void FinishIfIdle();

  grpc::CallbackServerContext& context_;
  const IpAddress peer_;
  const size_t max_queued_;
  Engine& engine_;
  Sessions& sessions_;
  const std::function<void()> on_gone_;
  std::shared_ptr<SessionStream> self_;
  agent::v1::AgentMessage incoming_;  // gRPC's while a read is out, else the engine's

  // Written on the engine's thread, read after the stream is done.
  std::string node_;
  uint64_t id_ = 0;  // 0: Hello has not come

  std::mutex mutex_;
  std::deque<agent::v1::ControllerMessage> queue_;  // guarded by mutex_, as all below
  bool writing_ = false;                            // the queue's first is with gRPC
  std::optional<absl::Status> ending_;
  bool finished_ = false;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_API_SESSION_STREAM_H_
