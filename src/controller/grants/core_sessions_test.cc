// Sessions, Config, views.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class CoreSessionsTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.Join("a1", "10.1.0.0/24");
    fleet_.Join("b1", "10.2.0.0/24");
  }
  agent::v1::Config HelloConfig(const std::string& name) {
    TestAgent& agent = fleet_.agent(name);
    agent.session = ++fleet_.last_session_;
    agent.inbox.clear();
    agent::v1::AgentMessage message;
    agent::v1::Hello& hello = *message.mutable_hello();
    hello.set_boot_nonce(ToWireBytes(agent.boot));
    hello.set_tunnel_key(std::string(32, 'k'));
    hello.set_sent_at_ns(fleet_.AgentNow(agent).ns);
    EXPECT_TRUE(fleet_.Deliver(name, message).ok());
    EXPECT_FALSE(agent.inbox.empty());
    return agent.inbox.front().config();
  }
  TestFleet fleet_;
};

TEST_F(CoreSessionsTest, HelloIsAnsweredWithTheConfig) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  ASSERT_TRUE(fleet_.Hello("b1").ok());
  const agent::v1::Config config = HelloConfig("a1");
  EXPECT_THAT(config.accelerator_prefixes(), ElementsAre("10.1.0.0/24"));
  ASSERT_THAT(config.links(), SizeIs(1));
  EXPECT_EQ(config.links(0).link(), "a1>b1");
  EXPECT_EQ(config.links(0).role(), agent::v1::ROLE_SEND);
  ASSERT_THAT(config.peers(), SizeIs(1));
  EXPECT_EQ(config.peers(0).node(), "b1");
  EXPECT_THAT(config.peers(0).accelerator_prefixes(), ElementsAre("10.2.0.0/24"));
  EXPECT_THAT(config.peers(0).fabric_endpoints(), ElementsAre("192.0.2.7:51820"));
  EXPECT_EQ(config.heartbeat_interval_ns(), 200'000'000);
}

TEST_F(CoreSessionsTest, TheGenerationGrowsWithEveryChangeAndOnlyThen) {
  const uint64_t first = HelloConfig("a1").generation();
  EXPECT_EQ(HelloConfig("a1").generation(), first);
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  ASSERT_THAT(fleet_.agent("a1").inbox, SizeIs(2));
  const uint64_t second = fleet_.agent("a1").inbox.back().config().generation();
  EXPECT_GT(second, first);
  fleet_.Restart();  // without a flush
  EXPECT_GT(HelloConfig("a1").generation(), second);
}

TEST_F(CoreSessionsTest, AfterARestartAPeerIsStillKnown) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  ASSERT_TRUE(fleet_.Hello("b1").ok());
  fleet_.Pass(absl::Seconds(2));
  fleet_.Restart();
  const agent::v1::Config config = HelloConfig("a1");
  ASSERT_THAT(config.peers(), SizeIs(1));
  EXPECT_EQ(config.peers(0).tunnel_key().size(), 32u);
}

TEST_F(CoreSessionsTest, TheFirstMessageMustBeHello) {
  fleet_.agent("a1").session = 1;
  EXPECT_EQ(fleet_.Heartbeat("a1").code(), absl::StatusCode::kAborted);
}

// Nobody takes a hello for news of the gate: its counters would seem to have stood still.
TEST_F(CoreSessionsTest, WhatBelongsToNoLinkIsAsOldAsTheHeartbeat) {
  const auto node = [&] { return fleet_.core_->Nodes().front(); };
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  EXPECT_EQ(node().unattributed_age, std::nullopt);
  fleet_.Pass(absl::Milliseconds(200));
  EXPECT_EQ(node().unattributed_age, absl::ZeroDuration());
  fleet_.clock_.Advance(absl::Milliseconds(300));
  EXPECT_EQ(node().unattributed_age, absl::Milliseconds(300));
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  EXPECT_EQ(node().heartbeat_age, absl::ZeroDuration());
  EXPECT_EQ(node().unattributed_age, std::nullopt) << "not in this session";
}

TEST_F(CoreSessionsTest, WhatWasRefusedIsOfOneEndAndOfBoth) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  const auto refuse = [&](const std::string& name, Role role, uint64_t packets) {
    ASSERT_TRUE(fleet_.Hello(name).ok());
    LinkReport report;
    report.side = {kLink, role};
    report.drops[SLUICE_DROP_RATE] = {packets, 100 * packets};
    agent::v1::AgentMessage message;
    message.mutable_heartbeat()->set_sent_at_ns(fleet_.AgentNow(fleet_.agent(name)).ns + 1);
    *message.mutable_heartbeat()->add_links() = ToProto(report);
    ASSERT_TRUE(fleet_.Deliver(name, message).ok());
  };
  refuse("a1", Role::kSend, 3);
  refuse("b1", Role::kReceive, 4);
  const LinkView view = fleet_.View(kLink);
  EXPECT_EQ(view.sender->refused[SLUICE_DROP_RATE], 3u);
  EXPECT_EQ(view.receiver->refused[SLUICE_DROP_RATE], 4u);
  EXPECT_EQ(view.drops[SLUICE_DROP_RATE].packets, 7u);
}

TEST_F(CoreSessionsTest, ANewerSessionEndsTheOlder) {
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  const uint64_t old = fleet_.agent("a1").session;
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  ASSERT_THAT(fleet_.ended_, SizeIs(1));
  EXPECT_EQ(fleet_.ended_[0].session, old);
  fleet_.agent("a1").session = old;
  EXPECT_EQ(fleet_.Heartbeat("a1").code(), absl::StatusCode::kAborted);
  EXPECT_EQ(fleet_.core_->Status().online, 1);
  // The late end of the older one does not end the newer.
  Effects effects;
  fleet_.core_->OnSessionEnd("a1", old, effects);
  EXPECT_EQ(fleet_.core_->Status().online, 1);
}

TEST_F(CoreSessionsTest, ASilentSessionIsEnded) {
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  fleet_.Pass(absl::Seconds(4), /*beat=*/false);
  EXPECT_THAT(fleet_.ended_, SizeIs(1));
  EXPECT_EQ(fleet_.core_->Status().online, 0);
}

TEST_F(CoreSessionsTest, AStallOfTheControllerEndsNoSession) {
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  fleet_.clock_.Advance(absl::Seconds(10));
  Effects effects;
  fleet_.core_->Tick(effects);
  EXPECT_TRUE(effects.end_sessions.empty());
  EXPECT_EQ(fleet_.core_->Status().online, 1);
}

TEST_F(CoreSessionsTest, MalformedMessagesEndTheSessionAndChangeNothing) {
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  agent::v1::AgentMessage message;
  EXPECT_EQ(fleet_.Deliver("a1", message).code(), absl::StatusCode::kInvalidArgument);
  message.mutable_lease_request()->set_request_id("short");
  EXPECT_EQ(fleet_.Deliver("a1", message).code(), absl::StatusCode::kInvalidArgument);
  message.mutable_heartbeat()->set_sent_at_ns(-1);
  EXPECT_EQ(fleet_.Deliver("a1", message).code(), absl::StatusCode::kInvalidArgument);
  message.mutable_lease_closed();
  EXPECT_EQ(fleet_.Deliver("a1", message).code(), absl::StatusCode::kInvalidArgument);
  message.mutable_hello()->set_boot_nonce(std::string(16, 'n'));
  EXPECT_EQ(fleet_.Deliver("a1", message).code(), absl::StatusCode::kAborted);
}

TEST_F(CoreSessionsTest, NoNodeReportsForAnother) {
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  agent::v1::AgentMessage message;
  agent::v1::LinkReport& report = *message.mutable_lease_closed()->mutable_usage();
  report.set_link("b1>a1");
  report.set_role(agent::v1::ROLE_SEND);
  report.set_closed(true);
  EXPECT_EQ(fleet_.Deliver("a1", message).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(CoreSessionsTest, EveryStateSaysWhy) {
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kNoQuota);
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kWaiting);
  EXPECT_THAT(fleet_.View(kLink).why, HasSubstr("a1 has not connected"));
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  EXPECT_THAT(fleet_.View(kLink).why, HasSubstr("b1 has not connected"));
  ASSERT_TRUE(fleet_.Hello("b1").ok());
  EXPECT_THAT(fleet_.View(kLink).why, HasSubstr("has not asked"));
  EXPECT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kOpen);
  EXPECT_EQ(fleet_.View(kLink).why, "");
  fleet_.Pass(absl::Seconds(12), /*beat=*/false);
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kExpired);
  EXPECT_THAT(fleet_.View(kLink).why, HasSubstr("a1 is not connected; last heard 12s ago"));
}

TEST_F(CoreSessionsTest, WordsOfNodesAreCleaned) {
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  fleet_.clock_.Advance(absl::Milliseconds(1));
  agent::v1::AgentMessage message;
  message.mutable_heartbeat()->set_sent_at_ns(fleet_.AgentNow(fleet_.agent("a1")).ns);
  message.mutable_heartbeat()->add_faults("bad\x1b[2Jnews");
  ASSERT_TRUE(fleet_.Deliver("a1", message).ok());
  EXPECT_THAT(fleet_.core_->Nodes()[0].faults, ElementsAre("bad?[2Jnews"));
}

TEST_F(CoreSessionsTest, AllPairsIncludeThoseWithoutAQuota) {
  EXPECT_THAT(fleet_.core_->Links(true), SizeIs(2));
  EXPECT_THAT(fleet_.core_->Links(false), SizeIs(0));
}

}  // namespace
}  // namespace sluice
