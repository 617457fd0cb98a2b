// The server over real connections on ::1, with a core that only takes notes.
#include "controller/api/agent_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "base/status.h"
#include "base/system_clock.h"
#include "proto/agent.grpc.pb.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// Knows one node, at ::1, and answers each Hello with a Config.
class NotingCore final : public ControllerCore {
 public:
  absl::StatusOr<agent::v1::EnrolReply> Enrol(const IpAddress& address,
                                              const agent::v1::EnrolRequest&,
                                              Effects& effects) override {
    effects.control_peers_changed = true;
    SLUICE_RETURN_IF_ERROR(answers().enrol);
    agent::v1::EnrolReply reply;
    reply.set_node(address.ToString());
    return reply;
  }
  absl::StatusOr<std::string> NodeAt(const IpAddress&) const override {
    SLUICE_RETURN_IF_ERROR(answers().node);
    return "a1";
  }
  absl::Status OnMessage(const std::string& node, uint64_t session,
                         const agent::v1::AgentMessage& message, Effects& effects) override {
    ++messages;
    last_session = session;
    const Answers now = answers();
    SLUICE_RETURN_IF_ERROR(now.message);
    for (int i = 0; i < now.replies; ++i) {
      effects.sends.emplace_back().node = node;
      effects.sends.back().message.mutable_config()->set_generation(
          message.has_hello() ? 1 : static_cast<uint64_t>(i));
    }
    return absl::OkStatus();
  }
  void OnSessionEnd(const std::string&, uint64_t, Effects&) override { ++ended; }
  void Tick(Effects&) override {}
  void Finish() override {}
  absl::StatusOr<NewNode> AddNode(const std::string&, const std::string&, bool,
                                  const std::vector<IpPrefix>&, Effects&) override {
    return absl::UnimplementedError("");
  }
  absl::Status RemoveNode(const std::string&, Effects&) override { return absl::OkStatus(); }
  void Flush(Effects&) override {}
  absl::StatusOr<Quota> SetQuota(Quota quota, Effects&) override { return quota; }
  absl::Status DeleteQuota(const Scope&, Effects&) override { return absl::OkStatus(); }
  absl::StatusOr<uint64_t> Revoke(const Scope&, const std::string&, Effects&) override { return 1; }
  absl::Status Restore(const Scope&, Effects&) override { return absl::OkStatus(); }
  absl::Status ReadmitNode(const std::string&, Effects&) override { return absl::OkStatus(); }
  absl::StatusOr<PlanVersion> SetPlan(const std::string&, Effects&) override {
    return PlanVersion{};
  }
  absl::Status SetWiringPolicy(const Scope&, std::optional<WiringPolicy>, Effects&) override {
    return absl::OkStatus();
  }
  absl::StatusOr<PlanPreview> PreviewPlan(const std::string&) const override {
    return PlanPreview{};
  }
  absl::StatusOr<BitRate> MeasureCapacity(const PortName&, Effects&) override { return BitRate{1}; }
  TopologyView Topology() const override { return {}; }
  std::vector<PlanVersion> Plans() const override { return {}; }
  absl::StatusOr<std::string> PlanText(uint64_t) const override { return ""; }
  ControllerStatus Status() const override { return {}; }
  std::vector<NodeView> Nodes() const override { return {}; }
  std::vector<QuotaView> Quotas() const override { return {}; }
  std::vector<LeaseView> Leases() const override { return {}; }
  std::vector<RevocationView> Revocations() const override { return {}; }
  std::vector<StopView> Stops() const override { return {}; }
  std::vector<LinkView> Links(bool) const override { return {}; }
  std::optional<LinkView> ViewLink(const LinkName&) const override { return std::nullopt; }
  EventPage Events(const EventFilter&) const override { return {}; }
  uint64_t last_event() const override { return 0; }
  absl::StatusOr<ChangeView> PreviewQuota(Quota) const override { return ChangeView{}; }
  absl::StatusOr<ChangeView> PreviewDelete(const Scope&) const override { return ChangeView{}; }
  absl::StatusOr<ChangeView> PreviewRevoke(const Scope&) const override { return ChangeView{}; }
  std::vector<ControlPeer> ControlPeers() const override { return {}; }

  struct Answers {
    absl::Status enrol{};
    absl::Status node{};
    absl::Status message{};
    int replies = 1;
  };
  void Answer(Answers next) {
    std::lock_guard lock(mutex_);
    answers_ = std::move(next);
  }
  Answers answers() const {
    std::lock_guard lock(mutex_);
    return answers_;
  }

  std::atomic<int> messages = 0;
  std::atomic<int> ended = 0;
  std::atomic<uint64_t> last_session = 0;

 private:
  mutable std::mutex mutex_;
  Answers answers_;
};

class SessionsOutside final : public Outside {
 public:
  explicit SessionsOutside(Sessions& sessions) : sessions_(sessions) {}
  void Send(const std::string& node, agent::v1::ControllerMessage message) override {
    sessions_.Send(node, std::move(message));
  }
  void EndSession(const std::string& node, uint64_t id, const absl::Status& reason) override {
    sessions_.End(node, id, reason);
  }
  absl::Status SyncControlPeers(const std::vector<ControlPeer>&) override {
    ++syncs;
    return absl::OkStatus();
  }
  std::atomic<int> syncs = 0;

 private:
  Sessions& sessions_;
};

class AgentServerTest : public testing::Test {
 protected:
  using Stream = grpc::ClientReaderWriter<agent::v1::AgentMessage, agent::v1::ControllerMessage>;

  void SetUp() override {
    engine_.Start();
    Serve({});
  }
  void TearDown() override {
    if (server_) server_->Stop();
    engine_.Stop();
  }
  void Serve(AgentServerConfig config) {
    if (server_) server_->Stop();
    config.listen = Endpoint{*ParseIpAddress("::1"), 0};
    auto server = AgentServer::Start(config, engine_, sessions_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = agent::v1::Agent::NewStub(grpc::CreateChannel(
        "[::1]:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials()));
  }
  static agent::v1::AgentMessage Hello() {
    agent::v1::AgentMessage message;
    message.mutable_hello()->set_version("test");
    return message;
  }
  // What the stream's end says, after everything that was sent on it.
  static grpc::Status Drain(Stream& stream) {
    agent::v1::ControllerMessage message;
    while (stream.Read(&message)) {
    }
    return stream.Finish();
  }
  // Returns once `done` holds; the test's own time limit ends a wait in vain.
  template <typename Done>
  void Await(Done done) {
    while (!done()) ASSERT_TRUE(engine_.Run([](ControllerCore&, Effects&) {}).ok());
  }

  NotingCore core_;
  Sessions sessions_;
  SessionsOutside outside_{sessions_};
  SystemClock clock_;
  Engine engine_{core_, outside_, clock_};
  std::unique_ptr<AgentServer> server_;
  std::unique_ptr<agent::v1::Agent::Stub> stub_;
};

TEST_F(AgentServerTest, EnrolsTheCallerByItsAddress) {
  grpc::ClientContext context;
  agent::v1::EnrolReply reply;
  const grpc::Status status = stub_->Enrol(&context, {}, &reply);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.node(), "::1");
  EXPECT_GE(outside_.syncs, 1);
}

TEST_F(AgentServerTest, RefusalsReachTheCallerWithTheirWords) {
  core_.Answer({.enrol = absl::PermissionDeniedError("this token was used at noon")});
  grpc::ClientContext context;
  agent::v1::EnrolReply reply;
  const grpc::Status status = stub_->Enrol(&context, {}, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(status.error_message(), "this token was used at noon");
}

TEST_F(AgentServerTest, MessagesGoInAndOutInOrder) {
  core_.Answer({.replies = 100});
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  agent::v1::ControllerMessage message;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(stream->Read(&message));
  agent::v1::AgentMessage beat;
  beat.mutable_heartbeat();
  ASSERT_TRUE(stream->Write(beat));
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream->Read(&message));
    EXPECT_EQ(message.config().generation(), i);
  }
  stream->WritesDone();
  EXPECT_TRUE(Drain(*stream).ok());
  Await([&] { return core_.ended == 1; });
  EXPECT_EQ(sessions_.size(), 0u);
}

TEST_F(AgentServerTest, ACallerWithoutANodeIsRefused) {
  core_.Answer({.node = absl::PermissionDeniedError("a join token's tunnel")});
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  stream->Write(Hello());
  EXPECT_EQ(Drain(*stream).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(core_.messages, 0);
}

TEST_F(AgentServerTest, ASessionBeginsWithHello) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  stream->Write({});
  EXPECT_EQ(Drain(*stream).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(AgentServerTest, AnErrorOfTheCoreEndsTheSession) {
  core_.Answer({.message = absl::InvalidArgumentError("the boot nonce has 3 bytes, not 16")});
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  stream->Write(Hello());
  const grpc::Status status = Drain(*stream);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("boot nonce"));
  Await([&] { return core_.ended == 1; });
}

TEST_F(AgentServerTest, AnEndFromTheCoreComesAfterWhatWasSent) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  agent::v1::ControllerMessage message;
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_TRUE(engine_
                  .Run([&](ControllerCore&, Effects& effects) {
                    effects.sends.emplace_back().node = "a1";
                    effects.sends.back().message.mutable_revoke()->set_link("a1>b1");
                    effects.end_sessions.push_back(
                        {"a1", core_.last_session, absl::AbortedError("removed")});
                  })
                  .ok());
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.revoke().link(), "a1>b1");
  EXPECT_EQ(Drain(*stream).error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(AgentServerTest, ASlowSessionIsEnded) {
  AgentServerConfig config;
  config.max_queued = 10;
  Serve(config);
  core_.Answer({.replies = 1});
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  Await([&] { return core_.messages == 1; });
  // The client reads nothing while more comes than flow control and queue hold.
  ASSERT_TRUE(engine_
                  .Run([](ControllerCore&, Effects& effects) {
                    for (int i = 0; i < 200; ++i) {
                      effects.sends.emplace_back().node = "a1";
                      effects.sends.back().message.mutable_revoke()->set_reason(
                          std::string(100'000, 'x'));
                    }
                  })
                  .ok());
  EXPECT_FALSE(Drain(*stream).ok());
  Await([&] { return core_.ended == 1; });
}

TEST_F(AgentServerTest, MoreSessionsThanMayBeAreRefused) {
  AgentServerConfig config;
  config.max_sessions = 1;
  Serve(config);
  grpc::ClientContext first_context;
  auto first = stub_->Session(&first_context);
  ASSERT_TRUE(first->Write(Hello()));
  agent::v1::ControllerMessage message;
  ASSERT_TRUE(first->Read(&message));
  grpc::ClientContext second_context;
  auto second = stub_->Session(&second_context);
  EXPECT_EQ(Drain(*second).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  first_context.TryCancel();
  (void)Drain(*first);
}

TEST_F(AgentServerTest, MessagesThatAreTooLargeEndTheSession) {
  AgentServerConfig config;
  config.max_message_bytes = 1'000;
  Serve(config);
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  agent::v1::AgentMessage message = Hello();
  message.mutable_hello()->set_version(std::string(10'000, 'v'));
  stream->Write(message);
  EXPECT_FALSE(Drain(*stream).ok());
  EXPECT_EQ(core_.messages, 0);
}

TEST_F(AgentServerTest, StoppingEndsOpenSessions) {
  grpc::ClientContext context;
  auto stream = stub_->Session(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  agent::v1::ControllerMessage message;
  ASSERT_TRUE(stream->Read(&message));
  const BootTime before = clock_.Now();
  server_->Stop();
  EXPECT_LT(clock_.Now() - before, absl::Seconds(3));
  EXPECT_FALSE(Drain(*stream).ok());
  Await([&] { return core_.ended == 1; });
}

TEST_F(AgentServerTest, APortInUseIsAClearError) {
  AgentServerConfig config;
  config.listen = *ParseEndpoint("[::1]:" + std::to_string(server_->port()));
  const absl::Status status = AgentServer::Start(config, engine_, sessions_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("in use"));
}

}  // namespace
}  // namespace sluice
