#include "agent/session/agent_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "agent/apply/core_rig_testing.h"
#include "wire/readmission.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using AgentMessage = agent::v1::AgentMessage;

class SessionDouble final : public ControlSession {
 public:
  bool Send(uint64_t session, AgentMessage message) override {
    if (!takes) return false;
    sent.emplace_back(session, message.body_case());
    return true;
  }
  void Reset(uint64_t session) override { resets.push_back(session); }

  bool takes = true;
  std::vector<std::pair<uint64_t, AgentMessage::BodyCase>> sent;
  std::vector<uint64_t> resets;
};

class AgentLoopTest : public CoreRig {
 protected:
  void Hear(SessionEvent::Kind kind, uint64_t session) {
    SessionEvent event;
    event.kind = kind;
    event.session = session;
    Hear(std::move(event));
  }
  void Hear(SessionEvent event) { ASSERT_TRUE(queue_.Push({std::move(event), {}})); }
  void RunToTheEnd() {
    ASSERT_TRUE(queue_.Push({}));
    AgentLoop loop({clock_, *core_, queue_}, Counting());
    ended_ = loop.Run(session_);
  }

  AgentLoop::Callbacks Counting() {
    return {[this] { ++nudges_; }, [this] { return found_; }, [this] { ++readmissions_; },
            [this](ProbeTerms terms) { targets_ = terms.targets; },
            [this](const std::string& port, BitRate) { measured_ = port; }};
  }

  AgentQueue queue_{100};
  absl::Status found_, ended_;
  SessionDouble session_;
  int nudges_ = 0;
  int readmissions_ = 0;
  std::set<std::string> targets_;
  std::string measured_;
};

TEST_F(AgentLoopTest, AMeasurementIsPassedOn) {
  SessionEvent event;
  event.kind = SessionEvent::Kind::kMessage;
  event.message.mutable_measure_port()->set_port("fab1");
  Hear(std::move(event));
  RunToTheEnd();
  EXPECT_EQ(measured_, "fab1");
}

TEST_F(AgentLoopTest, WiringIsToldAtOnceAndWholeAfterEachHello) {
  NodeWiring wiring{{1}, true, {PortWiring{}}};
  wiring.ports[0].port = "fab0";
  ASSERT_TRUE(queue_.Push({std::nullopt, std::nullopt, wiring}));
  Hear(SessionEvent::Kind::kConnected, 7);
  wiring.whole = false;
  ASSERT_TRUE(queue_.Push({std::nullopt, std::nullopt, wiring}));
  RunToTheEnd();
  ASSERT_GE(session_.sent.size(), 3u);
  EXPECT_EQ(session_.sent[0].second, AgentMessage::kHello);
  EXPECT_EQ(session_.sent[1].second, AgentMessage::kWiring);
  EXPECT_EQ(session_.sent[2].second, AgentMessage::kWiring);
}

TEST_F(AgentLoopTest, SaysHelloFirstInEverySession) {
  Hear(SessionEvent::Kind::kConnected, 7);
  Hear(SessionEvent::Kind::kDisconnected, 7);
  Hear(SessionEvent::Kind::kConnected, 8);
  RunToTheEnd();
  EXPECT_THAT(session_.sent, ElementsAre(std::pair(7u, AgentMessage::kHello),
                                         std::pair(8u, AgentMessage::kHello)));
}

TEST_F(AgentLoopTest, WhatTheControllerSaysReachesTheCore) {
  Hear(SessionEvent::Kind::kConnected, 1);
  SessionEvent garbage;
  garbage.session = 1;
  Hear(std::move(garbage));
  RunToTheEnd();
  EXPECT_EQ(core_->bad_messages(), 1u);
}

TEST_F(AgentLoopTest, ASessionThatTakesNothingIsReset) {
  session_.takes = false;
  Hear(SessionEvent::Kind::kConnected, 3);
  RunToTheEnd();
  EXPECT_THAT(session_.resets, ElementsAre(3u));
}

TEST_F(AgentLoopTest, TamperingJumpsTheQueueAndIsTold) {
  Hear(SessionEvent::Kind::kConnected, 1);
  TamperSource::Found found;
  found.events = {{"gpio", "the line is high", BootTime{1}}};
  found.faults = {"strange"};
  ASSERT_TRUE(queue_.PushFirst({std::nullopt, found}));
  RunToTheEnd();
  EXPECT_TRUE(core_->shut());
  EXPECT_THAT(core_->Faults(), ::testing::Contains("strange"));
  EXPECT_THAT(session_.sent, ElementsAre(std::pair(1u, AgentMessage::kHello)));
}

TEST_F(AgentLoopTest, AReadmissionReachesTheSources) {
  AgentCore::Outbox out;
  Hear(SessionEvent::Kind::kConnected, 1);
  core_->OnTamper({"gpio", "the line is high", BootTime{1}}, out);
  core_->OnConnected(out);
  const std::string id = out.back().hello().tamper().id();
  SessionEvent readmit;
  readmit.session = 1;
  *readmit.message.mutable_readmission() =
      SignReadmission(signing_seed_, {"f1", "a1", FromWireBytes<16>("id", id).value()});
  Hear(std::move(readmit));
  found_ = absl::NotFoundError("the end of this test");
  AgentLoop loop({clock_, *core_, queue_}, Counting());
  clock_.Advance(absl::Seconds(1));
  ASSERT_EQ(loop.Run(session_), found_);
  EXPECT_EQ(readmissions_, 1);
  EXPECT_THAT(session_.resets, ElementsAre(1u));
}

TEST_F(AgentLoopTest, AClosedQueueEndsIt) {
  queue_.Close();
  AgentLoop loop({clock_, *core_, queue_}, Counting());
  EXPECT_TRUE(loop.Run(session_).ok());
  EXPECT_THAT(session_.sent, IsEmpty());
}

TEST_F(AgentLoopTest, EndsWithWhatTheCheckFinds) {
  found_ = absl::NotFoundError("the tunnel device slu0 is gone");
  AgentLoop loop({clock_, *core_, queue_}, Counting());
  clock_.Advance(absl::Seconds(1));
  Hear(SessionEvent::Kind::kConnected, 1);
  EXPECT_EQ(loop.Run(session_), found_);
}

}  // namespace
}  // namespace sluice
