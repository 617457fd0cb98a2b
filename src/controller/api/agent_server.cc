#include "controller/api/agent_server.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <atomic>
#include <utility>

#include "base/strings.h"
#include "controller/api/peer_address.h"
#include "controller/api/session_stream.h"
#include "proto/agent.grpc.pb.h"
#include "spdlog/spdlog.h"

namespace sluice {
namespace {

constexpr int64_t kStopMillis = 700;
constexpr size_t kMemoryBytes = size_t{512} << 20;

void LogGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) spdlog::debug("grpc: {}", args->message);
}

// A stream that is refused before it begins.
class RefusedStream final
    : public grpc::ServerBidiReactor<agent::v1::AgentMessage, agent::v1::ControllerMessage> {
 public:
  explicit RefusedStream(const absl::Status& reason) { Finish(ToGrpc(reason)); }
  void OnDone() override { delete this; }
};

class AgentService final : public agent::v1::Agent::CallbackService {
 public:
  AgentService(const AgentServerConfig& config, Engine& engine, Sessions& sessions)
      : config_(config), engine_(engine), sessions_(sessions) {}

  grpc::ServerUnaryReactor* Enrol(grpc::CallbackServerContext* context,
                                  const agent::v1::EnrolRequest* request,
                                  agent::v1::EnrolReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const absl::StatusOr<IpAddress> peer = ParsePeer(context->peer());
    if (!peer.ok()) {
      reactor->Finish(ToGrpc(peer.status()));
      return reactor;
    }
    // Request and reply live until Finish.
    auto status = std::make_shared<absl::Status>();
    const bool posted = engine_.Post(
        [=, address = *peer](ControllerCore& core, Effects& effects) {
          auto result = core.Enrol(address, *request, effects);
          *status = result.status();
          if (result.ok()) *reply = *std::move(result);
        },
        [=] { reactor->Finish(ToGrpc(*status)); });
    if (!posted)
      reactor->Finish(ToGrpc(absl::UnavailableError("the controller is busy or stopping")));
    return reactor;
  }

  grpc::ServerBidiReactor<agent::v1::AgentMessage, agent::v1::ControllerMessage>* Session(
      grpc::CallbackServerContext* context) override {
    const absl::StatusOr<IpAddress> peer = ParsePeer(context->peer());
    if (!peer.ok()) return new RefusedStream(peer.status());
    if (streams_.fetch_add(1) >= config_.max_sessions) {
      streams_.fetch_sub(1);
      return new RefusedStream(absl::ResourceExhaustedError(
          StrCat("the controller has ", config_.max_sessions, " sessions, as many as it may")));
    }
    auto stream = std::make_shared<SessionStream>(*context, *peer, config_.max_queued, engine_,
                                                  sessions_, [this] { streams_.fetch_sub(1); });
    stream->Begin();
    return stream.get();
  }

 private:
  const AgentServerConfig config_;
  Engine& engine_;
  Sessions& sessions_;
  std::atomic<size_t> streams_ = 0;
};

class GrpcAgentServer final : public AgentServer {
 public:
  GrpcAgentServer(const AgentServerConfig& config, Engine& engine, Sessions& sessions)
      : service_(config, engine, sessions) {}
  ~GrpcAgentServer() override { Stop(); }

  absl::Status Listen(const AgentServerConfig& config) {
    grpc::ServerBuilder builder;
    int port = 0;
    // In clear: the control tunnel around it encrypts and says who calls.
    builder.AddListeningPort(config.listen.ToString(), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(config.max_message_bytes));
    builder.SetResourceQuota(grpc::ResourceQuota("agents").Resize(kMemoryBytes));
    // Two controllers that share a port would each see half of the agents.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 16);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 5'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0)
      return absl::UnavailableError(
          StrCat("cannot listen for agents on ", config.listen.ToString(),
                 ": the port is in use, or the address is not on this machine"));
    port_ = static_cast<uint16_t>(port);
    return absl::OkStatus();
  }

  void Stop() override {
    if (server_ == nullptr) return;
    // A span, not an instant: gRPC adds it to its own clock.
    server_->Shutdown(gpr_time_from_millis(kStopMillis, GPR_TIMESPAN));
    server_->Wait();
    server_.reset();
  }

  uint16_t port() const override { return port_; }

 private:
  AgentService service_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AgentServer>> AgentServer::Start(const AgentServerConfig& config,
                                                                Engine& engine,
                                                                Sessions& sessions) {
  gpr_set_log_function(LogGrpc);
  auto server = std::make_unique<GrpcAgentServer>(config, engine, sessions);
  if (absl::Status status = server->Listen(config); !status.ok()) return status;
  return server;
}

}  // namespace sluice
