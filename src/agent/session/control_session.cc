#include "agent/session/control_session.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/session/grpc_channel.h"
#include "base/queue.h"
#include "proto/agent.grpc.pb.h"

namespace sluice {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(2);
constexpr absl::Duration kConnectTime = absl::Seconds(2);
constexpr absl::Duration kFinishTime = absl::Seconds(1);
constexpr size_t kMaxQueued = 4096;

using Stream = grpc::ClientReaderWriter<agent::v1::AgentMessage, agent::v1::ControllerMessage>;
using OutQueue = BoundedQueue<agent::v1::AgentMessage>;

// Ends when the queue is closed or the stream is broken; the reader learns of
// the latter too, with the reason.
void WriteAll(Stream& stream, OutQueue& queue) {
  while (true) {
    std::optional<agent::v1::AgentMessage> message = queue.PopFor(absl::InfiniteDuration());
    if (!message && queue.closed()) return;
    if (message && !stream.Write(*message)) return;
  }
}

class GrpcControlSession final : public ControlSession {
 public:
  GrpcControlSession(const Endpoint& controller, SessionSink sink)
      : controller_(controller), sink_(std::move(sink)), thread_([this] { Run(); }) {}

  ~GrpcControlSession() override {
    stop_.Close();
    {
      std::lock_guard lock(mutex_);
      if (context_ != nullptr) context_->TryCancel();
    }
    thread_.join();
  }

  bool Send(uint64_t session, agent::v1::AgentMessage message) override {
    std::lock_guard lock(mutex_);
    if (session != session_ || !queue_) return false;
    return queue_->Push(std::move(message));
  }

  void Reset(uint64_t session) override {
    std::lock_guard lock(mutex_);
    if (session == session_ && context_ != nullptr) context_->TryCancel();
  }

 private:
  void Run() {
    absl::Duration pause = kFirstPause;
    while (!stop_.closed()) {
      const auto channel = MakeControllerChannel(controller_);
      if (channel->WaitForConnected(InTime(kConnectTime)) && RunStream(channel)) {
        pause = kFirstPause;
      }
      stop_.PopFor(pause);
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  // Returns whether the controller said anything before the session ended.
  bool RunStream(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    const auto stub = agent::v1::Agent::NewStub(channel);
    const std::unique_ptr<Stream> stream = stub->Session(&context);
    auto queue = std::make_shared<OutQueue>(kMaxQueued);
    const uint64_t session = Begin(queue, context);
    std::thread writer([&] { WriteAll(*stream, *queue); });
    bool heard = false;
    bool taken = sink_({SessionEvent::Kind::kConnected, session, {}, ""});
    if (taken) taken = ReadAll(*stream, session, heard);
    if (!taken) context.TryCancel();
    queue->Close();
    // A message that does not parse ends the reading but not the call, which
    // would then never finish. A call that has ended is left to tell why.
    BoundedQueue<int> finished(1);
    std::thread watchdog([&] {
      finished.PopFor(kFinishTime);
      if (!finished.closed()) context.TryCancel();
    });
    writer.join();
    const grpc::Status status = stream->Finish();
    finished.Close();
    watchdog.join();
    End();
    sink_({SessionEvent::Kind::kDisconnected, session, {}, Words(status)});
    return heard;
  }

  // False if the sink did not take an event; else reads to the end of the stream.
  bool ReadAll(Stream& stream, uint64_t session, bool& heard) {
    agent::v1::ControllerMessage message;
    while (stream.Read(&message)) {
      heard = true;
      SessionEvent event{SessionEvent::Kind::kMessage, session, std::move(message), ""};
      if (!sink_(std::move(event))) return false;
      message.Clear();
    }
    return true;
  }

  uint64_t Begin(std::shared_ptr<OutQueue> queue, grpc::ClientContext& context) {
    std::lock_guard lock(mutex_);
    queue_ = std::move(queue);
    context_ = &context;
    // The destructor may have come just before and found nothing to cancel.
    if (stop_.closed()) context.TryCancel();
    return ++session_;
  }

  void End() {
    std::lock_guard lock(mutex_);
    queue_.reset();
    context_ = nullptr;
  }

  static std::string Words(const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::CANCELLED) return "it was ended here";
    return status.error_message().empty() ? "it was ended there" : status.error_message();
  }

  const Endpoint controller_;
  const SessionSink sink_;
  BoundedQueue<int> stop_{1};  // nothing is ever put in; its closing wakes a pause
  std::mutex mutex_;
  uint64_t session_ = 0;                    // guarded by mutex_
  std::shared_ptr<OutQueue> queue_;         // guarded by mutex_
  grpc::ClientContext* context_ = nullptr;  // guarded by mutex_
  std::thread thread_;                      // last: it uses all of the above
};

}  // namespace

std::unique_ptr<ControlSession> StartControlSession(const Endpoint& controller, SessionSink sink) {
  return std::make_unique<GrpcControlSession>(controller, std::move(sink));
}

}  // namespace sluice
