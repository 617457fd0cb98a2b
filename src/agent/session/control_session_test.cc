// The session against a real gRPC server on loopback.
#include "agent/session/control_session.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/session/enrol_client.h"
#include "base/queue.h"
#include "proto/agent.grpc.pb.h"

namespace sluice {
namespace {

using Kind = SessionEvent::Kind;
constexpr absl::Duration kPatience = absl::Seconds(20);

// Records what agents say, and says what the test wants.
class Controller final : public agent::v1::Agent::Service {
 public:
  using Stream = grpc::ServerReaderWriter<agent::v1::ControllerMessage, agent::v1::AgentMessage>;

  grpc::Status Session(grpc::ServerContext*, Stream* stream) override {
    agent::v1::AgentMessage message;
    while (stream->Read(&message)) {
      const bool hello = message.has_hello();
      if (!heard.Push(message)) break;
      if (!hello) continue;
      agent::v1::ControllerMessage config;
      config.mutable_config()->set_generation(++sessions);
      stream->Write(config);
      if (end_after_hello) return grpc::Status(grpc::StatusCode::ABORTED, "begone");
    }
    return grpc::Status::OK;
  }
  grpc::Status Enrol(grpc::ServerContext*, const agent::v1::EnrolRequest*,
                     agent::v1::EnrolReply* reply) override {
    reply->set_node("a1");
    if (refuse_enrol) {
      return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "this token was used");
    }
    return grpc::Status::OK;
  }

  BoundedQueue<agent::v1::AgentMessage> heard{100'000};
  std::atomic<uint64_t> sessions = 0;
  std::atomic<bool> end_after_hello = false;
  std::atomic<bool> refuse_enrol = false;
};

class ControlSessionTest : public ::testing::Test {
 protected:
  void Serve(int port = 0) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(&controller_);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void StopServing() {
    server_->Shutdown(gpr_time_from_millis(0, GPR_TIMESPAN));
    server_->Wait();
    server_.reset();
  }
  Endpoint Address() const {
    return {ParseIpAddress("127.0.0.1").value(), static_cast<uint16_t>(port_)};
  }
  std::unique_ptr<ControlSession> Connect() {
    return StartControlSession(
        Address(), [this](SessionEvent event) { return events_.Push(std::move(event)); });
  }
  SessionEvent Next() {
    auto event = events_.PopFor(kPatience);
    EXPECT_TRUE(event.has_value()) << "nothing happened";
    return event.value_or(SessionEvent{});
  }
  static agent::v1::AgentMessage Hello() {
    agent::v1::AgentMessage message;
    message.mutable_hello()->set_version("test");
    return message;
  }

  Controller controller_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  BoundedQueue<SessionEvent> events_{1000};
};

TEST_F(ControlSessionTest, CarriesMessagesBothWaysInOrder) {
  Serve();
  const auto session = Connect();
  const SessionEvent up = Next();
  ASSERT_EQ(up.kind, Kind::kConnected);
  ASSERT_TRUE(session->Send(up.session, Hello()));
  for (int i = 1; i <= 100; ++i) {
    agent::v1::AgentMessage message;
    message.mutable_heartbeat()->set_sent_at_ns(i);
    ASSERT_TRUE(session->Send(up.session, message));
  }
  const SessionEvent answer = Next();
  ASSERT_EQ(answer.kind, Kind::kMessage);
  EXPECT_EQ(answer.session, up.session);
  EXPECT_EQ(answer.message.config().generation(), 1u);
  EXPECT_TRUE(controller_.heard.PopFor(kPatience)->has_hello());
  for (int i = 1; i <= 100; ++i) {
    EXPECT_EQ(controller_.heard.PopFor(kPatience)->heartbeat().sent_at_ns(), i);
  }
}

TEST_F(ControlSessionTest, ComesBackAfterTheControllerWasGone) {
  Serve();
  const auto session = Connect();
  const SessionEvent up = Next();
  ASSERT_EQ(up.kind, Kind::kConnected);
  session->Send(up.session, Hello());
  ASSERT_EQ(Next().kind, Kind::kMessage);
  StopServing();
  ASSERT_EQ(Next().kind, Kind::kDisconnected);
  EXPECT_FALSE(session->Send(up.session, Hello()));
  Serve(port_);
  const SessionEvent again = Next();
  ASSERT_EQ(again.kind, Kind::kConnected);
  EXPECT_GT(again.session, up.session);
  EXPECT_FALSE(session->Send(up.session, Hello())) << "that session is over";
  EXPECT_TRUE(session->Send(again.session, Hello()));
  EXPECT_EQ(Next().kind, Kind::kMessage);
}

TEST_F(ControlSessionTest, TellsWhyTheControllerEndedIt) {
  Serve();
  controller_.end_after_hello = true;
  const auto session = Connect();
  session->Send(Next().session, Hello());
  ASSERT_EQ(Next().kind, Kind::kMessage);
  const SessionEvent down = Next();
  ASSERT_EQ(down.kind, Kind::kDisconnected);
  EXPECT_EQ(down.why, "begone");
}

TEST_F(ControlSessionTest, ResetBeginsANewSession) {
  Serve();
  const auto session = Connect();
  const SessionEvent up = Next();
  session->Reset(up.session + 1);  // there is none
  session->Reset(up.session);
  ASSERT_EQ(Next().kind, Kind::kDisconnected);
  const SessionEvent again = Next();
  EXPECT_EQ(again.kind, Kind::kConnected);
  EXPECT_EQ(again.session, up.session + 1);
}

TEST_F(ControlSessionTest, AReceiverThatTakesNothingEndsTheSession) {
  Serve();
  std::atomic<int> connected = 0;
  {
    const auto session = StartControlSession(Address(), [&](const SessionEvent& event) {
      if (event.kind == Kind::kConnected) ++connected;
      if (connected == 2) events_.Close();
      return false;
    });
    EXPECT_FALSE(events_.PopFor(kPatience).has_value());
  }
  EXPECT_GE(connected, 2);
}

TEST_F(ControlSessionTest, EndsPromptlyEvenWithoutAController) {
  port_ = 1;  // nobody listens there
  Connect().reset();
}

TEST_F(ControlSessionTest, EnrolPassesRepliesAndRefusalsOn) {
  Serve();
  const auto reply = CallEnrol(Address(), {}, absl::Seconds(10));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->node(), "a1");
  controller_.refuse_enrol = true;
  const absl::Status refused = CallEnrol(Address(), {}, absl::Seconds(10)).status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused));
  EXPECT_EQ(refused.message(), "this token was used");
  StopServing();
  EXPECT_TRUE(absl::IsUnavailable(CallEnrol(Address(), {}, absl::Milliseconds(300)).status()));
}

}  // namespace
}  // namespace sluice
