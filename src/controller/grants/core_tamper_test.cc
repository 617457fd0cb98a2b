// Nodes that were tampered with, and nodes that went dark.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"
#include "wire/readmission.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

const LinkName kBack{"b1", "a1"};

class CoreTamperTest : public testing::Test {
 protected:
  void SetUp() override { Begin(DarkNode::kSuspend); }
  void Begin(DarkNode policy) {
    fleet_ = std::make_unique<TestFleet>();
    fleet_->config_.dark_node = policy;
    fleet_->Restart();
    fleet_->Join("a1", "10.1.0.0/24");
    fleet_->Join("b1", "10.2.0.0/24");
    for (const LinkName& link : {kLink, kBack})
      ASSERT_TRUE(fleet_->SetQuota(TestFleet::MakeQuota(link, 100 * kMegabyte)).ok());
    for (const char* name : {"a1", "b1"}) ASSERT_TRUE(fleet_->Hello(name).ok());
    for (const LinkName& link : {kLink, kBack}) ASSERT_FALSE(fleet_->Request(link));
    ASSERT_GT(fleet_->Traffic(kLink, 1000), 0u);
  }

  static agent::v1::Tamper Event(uint8_t id) {
    agent::v1::Tamper tamper;
    tamper.set_id(std::string(16, static_cast<char>(id)));
    tamper.set_source("socket");
    tamper.set_words("lid open");
    return tamper;
  }
  absl::Status Tamper(uint8_t id = 1) {
    agent::v1::AgentMessage message;
    *message.mutable_tamper() = Event(id);
    return fleet_->Deliver("a1", message);
  }
  absl::Status HelloTampered(uint8_t id) {
    TestAgent& a = fleet_->agent("a1");
    a.session = ++fleet_->last_session_;
    a.inbox.clear();
    agent::v1::AgentMessage message;
    message.mutable_hello()->set_boot_nonce(ToWireBytes(a.boot));
    message.mutable_hello()->set_tunnel_key(std::string(32, 'k'));
    message.mutable_hello()->set_sent_at_ns(fleet_->AgentNow(a).ns);
    *message.mutable_hello()->mutable_tamper() = Event(id);
    return fleet_->Deliver("a1", message);
  }
  absl::Status Readmit() {
    Effects effects;
    const absl::Status status = fleet_->core_->ReadmitNode("a1", effects);
    fleet_->Take(std::move(effects));
    return status;
  }
  int Revokes(const std::string& name) {
    int count = 0;
    for (const auto& message : fleet_->agent(name).inbox) count += message.has_revoke();
    return count;
  }
  std::optional<TamperId> Readmitted() {
    for (const auto& message : fleet_->agent("a1").inbox) {
      if (!message.has_readmission()) continue;
      const auto key = Ed25519PublicKey(fleet_->config_.signing_seed);
      return VerifyReadmission(key, message.readmission())->tamper_id;
    }
    return std::nullopt;
  }
  NodeView A1() { return fleet_->core_->Nodes().at(0); }
  // a1 says nothing, b1 does, for so long.
  void Silence(absl::Duration d) {
    const absl::Duration step = absl::Milliseconds(50);
    for (absl::Duration done; done < d; done += step) {
      fleet_->clock_.Advance(step);
      (void)fleet_->Heartbeat("b1");
      TickOnce();
    }
  }
  void TickOnce() {
    Effects effects;
    fleet_->core_->Tick(effects);
    fleet_->Take(std::move(effects));
  }

  std::unique_ptr<TestFleet> fleet_;
};

TEST_F(CoreTamperTest, ATamperEventClosesAllItsLinksAtBothEnds) {
  ASSERT_TRUE(Tamper().ok());
  EXPECT_EQ(Revokes("a1"), 2);
  EXPECT_EQ(Revokes("b1"), 2);
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
  ASSERT_TRUE(A1().tamper);
  EXPECT_EQ(A1().tamper->source, "socket");
  EXPECT_EQ(A1().tamper->words, "lid open");
  EXPECT_THAT(A1().tamper->at, HasSubstr("UTC"));
  EXPECT_EQ(fleet_->View(kLink).state, LinkView::State::kRevoked);
  EXPECT_THAT(fleet_->View(kBack).why, HasSubstr("readmit a1"));
  fleet_->Obey("b1");
  EXPECT_EQ(fleet_->Traffic(kBack, 1000), 0u);
}

TEST_F(CoreTamperTest, NothingIsGrantedToItNorFromIt) {
  ASSERT_TRUE(Tamper().ok());
  fleet_->Obey("a1");
  fleet_->Obey("b1");
  for (const LinkName& link : {kLink, kBack}) {
    const auto denied = fleet_->Request(link);
    ASSERT_TRUE(denied);
    EXPECT_EQ(denied->reason(), agent::v1::DENY_TAMPERED);
    EXPECT_THAT(denied->text(), HasSubstr("lid open"));
  }
  ASSERT_TRUE(fleet_->Hello("a1").ok());
  EXPECT_TRUE(fleet_->LeasesIn("a1").empty());
}

TEST_F(CoreTamperTest, ItIsRememberedThroughARestart) {
  ASSERT_TRUE(Tamper().ok());
  TickOnce();
  fleet_->Restart();
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
  ASSERT_TRUE(fleet_->Hello("a1").ok());
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
}

TEST_F(CoreTamperTest, AStoreThatTakesNothingDoesNotKeepTheLinksOpen) {
  fleet_->store_.FailCommits(1, absl::ResourceExhaustedError("full"));
  ASSERT_TRUE(Tamper().ok());
  EXPECT_EQ(Revokes("b1"), 2);
  TickOnce();
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
  fleet_->Pass(absl::Seconds(2));
  fleet_->Restart();
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
}

TEST_F(CoreTamperTest, AReadmissionThatCannotBeStoredIsNone) {
  ASSERT_TRUE(Tamper().ok());
  TickOnce();
  fleet_->store_.FailCommits(1, absl::ResourceExhaustedError("full"));
  EXPECT_FALSE(Readmit().ok());
  EXPECT_FALSE(Readmitted());
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
}

TEST_F(CoreTamperTest, AnEventThatMakesNoSenseClosesAllTheSame) {
  agent::v1::AgentMessage message;
  message.mutable_tamper()->set_id("short");
  EXPECT_FALSE(fleet_->Deliver("a1", message).ok());
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
  EXPECT_EQ(Revokes("b1"), 2);
}

TEST_F(CoreTamperTest, OnlyAReadmissionEndsItAndIsSentToTheNode) {
  EXPECT_EQ(Readmit().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Tamper(3).ok());
  fleet_->Obey("a1");
  fleet_->Obey("b1");
  ASSERT_TRUE(Readmit().ok());
  EXPECT_EQ(A1().state, NodeView::State::kOnline);
  TamperId id;
  id.fill(3);
  EXPECT_EQ(Readmitted(), id);
  ASSERT_TRUE(fleet_->Hello("a1").ok());
  EXPECT_FALSE(fleet_->Request(kLink));
  EXPECT_GT(fleet_->Traffic(kLink, 1000), 0u);
}

TEST_F(CoreTamperTest, ANodeThatMissedItsReadmissionGetsItAgain) {
  ASSERT_TRUE(Tamper(3).ok());
  Effects effects;
  fleet_->core_->OnSessionEnd("a1", fleet_->agent("a1").session, effects);
  ASSERT_TRUE(Readmit().ok());
  fleet_->Restart();
  ASSERT_TRUE(HelloTampered(3).ok());
  EXPECT_TRUE(Readmitted());
  EXPECT_EQ(A1().state, NodeView::State::kOnline);
}

TEST_F(CoreTamperTest, AnotherEventIsAnotherMark) {
  ASSERT_TRUE(Tamper(3).ok());
  ASSERT_TRUE(Readmit().ok());
  ASSERT_TRUE(HelloTampered(4).ok());
  EXPECT_FALSE(Readmitted());
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
}

TEST_F(CoreTamperTest, ANodeThatGoesDarkIsCutOffWithinThreeHeartbeats) {
  Silence(absl::Milliseconds(500));
  EXPECT_FALSE(A1().dark);
  Silence(absl::Milliseconds(100));
  EXPECT_TRUE(A1().dark);
  EXPECT_GE(Revokes("b1"), 2);  // and again while it does not obey
  EXPECT_EQ(A1().state, NodeView::State::kOnline) << "its session may still recover";
  EXPECT_THAT(fleet_->View(kLink).why, HasSubstr("gone dark"));
  fleet_->Obey("b1");
  const auto denied = fleet_->Request(kBack);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason(), agent::v1::DENY_PEER_ABSENT);
}

TEST_F(CoreTamperTest, ASuspendedNodeComesBackByItself) {
  Silence(absl::Seconds(1));
  ASSERT_TRUE(A1().dark);
  fleet_->Obey("b1");
  ASSERT_TRUE(fleet_->Heartbeat("a1").ok());
  fleet_->Obey("a1");
  EXPECT_FALSE(A1().dark);
  for (const LinkName& link : {kLink, kBack}) EXPECT_FALSE(fleet_->Request(link));
  EXPECT_GT(fleet_->Traffic(kLink, 1000), 0u);
}

TEST_F(CoreTamperTest, AQuarantinedOneNeedsAnOperator) {
  Begin(DarkNode::kQuarantine);
  Silence(absl::Seconds(1));
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
  fleet_->Obey("b1");
  ASSERT_TRUE(fleet_->Hello("a1").ok());
  EXPECT_EQ(A1().state, NodeView::State::kTampered);
  ASSERT_TRUE(Readmit().ok());
  ASSERT_TRUE(fleet_->Hello("a1").ok());
  EXPECT_EQ(A1().state, NodeView::State::kOnline);
}

TEST_F(CoreTamperTest, LeasesRunOnWhereDarkNodesAreIgnored) {
  Begin(DarkNode::kIgnore);
  Silence(absl::Seconds(2));
  EXPECT_EQ(Revokes("b1"), 0);
  EXPECT_FALSE(A1().dark);
}

TEST_F(CoreTamperTest, AStallOfTheControllerIsNotTheNodesSilence) {
  fleet_->clock_.Advance(absl::Milliseconds(700));
  TickOnce();
  EXPECT_FALSE(A1().dark);
  Silence(absl::Milliseconds(650));
  EXPECT_TRUE(A1().dark);
}

TEST_F(CoreTamperTest, AfterARestartNodesHaveTimeToConnect) {
  Silence(absl::Milliseconds(50));
  fleet_->clock_.Advance(absl::Seconds(1));
  TickOnce();  // what Hello said is stored
  fleet_->Restart();
  Silence(absl::Seconds(10));
  EXPECT_FALSE(A1().dark);
  Silence(absl::Seconds(6));
  EXPECT_TRUE(A1().dark);
  ASSERT_TRUE(fleet_->Hello("a1").ok());
  EXPECT_FALSE(A1().dark);
}

}  // namespace
}  // namespace sluice
