// What happened, as operators read it later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// a1 in enclosure east, b1 in west, connected.
class CoreEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.Join("a1", "10.1.0.0/24", "east");
    fleet_.Join("b1", "10.2.0.0/24", "west");
    for (const char* name : {"a1", "b1"}) ASSERT_TRUE(fleet_.Hello(name).ok());
    start_ = fleet_.core_->last_event();
  }
  // Since SetUp, the oldest first.
  std::vector<FleetEvent> News(EventFilter filter = {}) {
    std::vector<FleetEvent> events = fleet_.core_->Events(filter).events;
    std::erase_if(events, [&](const FleetEvent& e) { return e.id <= start_; });
    std::reverse(events.begin(), events.end());
    return events;
  }
  std::vector<std::string> Kinds(const EventFilter& filter = {}) {
    std::vector<std::string> kinds;
    for (const FleetEvent& event : News(filter)) kinds.push_back(event.kind);
    return kinds;
  }
  // At least the time in which all that is not durable becomes so.
  void Settle() {
    Effects effects;
    fleet_.clock_.Advance(absl::Seconds(1));
    fleet_.core_->Tick(effects);
    fleet_.Take(std::move(effects));
  }

  TestFleet fleet_;
  uint64_t start_ = 0;
};

TEST_F(CoreEventsTest, AQuotasHistorySaysWhatItWasBefore) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 3 * kMegabyte)).ok());
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 5 * kMegabyte)).ok());
  Effects effects;
  ASSERT_TRUE(fleet_.core_->DeleteQuota(Scope::Link(kLink), effects).ok());
  const std::vector<FleetEvent> news = News();
  ASSERT_EQ(news.size(), 3U);
  EXPECT_EQ(news[1].kind, "quota_set");
  EXPECT_EQ(news[1].scope, Scope::Link(kLink));
  EXPECT_THAT(news[1].text, HasSubstr("5MB per lifetime"));
  EXPECT_THAT(news[1].text, HasSubstr("before: "));
  EXPECT_THAT(news[1].text, HasSubstr("3MB per lifetime"));
  EXPECT_EQ(news[2].kind, "quota_deleted");
}

TEST_F(CoreEventsTest, WhatTheStoreRefusedDidNotHappen) {
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("the disk is full"));
  EXPECT_FALSE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  EXPECT_THAT(Kinds(), ElementsAre("store_failed"));
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  Settle();
  fleet_.Restart();
  EXPECT_THAT(Kinds({.kinds = {"store_failed", "store_ok", "quota_set"}}),
              ElementsAre("store_failed", "quota_set", "store_ok"));
}

TEST_F(CoreEventsTest, TheyOutliveTheController) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  fleet_.Restart();
  EXPECT_THAT(Kinds(), ElementsAre("quota_set", "controller_started"));
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  Settle();
  fleet_.Restart();
  EXPECT_THAT(Kinds(), ElementsAre("quota_set", "controller_started", "node_connected",
                                   "controller_started"));
}

TEST_F(CoreEventsTest, ACleanEndLosesNone) {
  Effects effects;
  fleet_.core_->OnSessionEnd("b1", fleet_.agent("b1").session, effects);
  fleet_.core_->Finish();
  fleet_.Restart();
  EXPECT_THAT(Kinds(), ElementsAre("node_disconnected", "controller_started"));
}

TEST_F(CoreEventsTest, ARevocationEndsWithItsMeasuredSilence) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  ASSERT_FALSE(fleet_.Request(kLink));
  Effects effects;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Node("a1"), "drill", effects).ok());
  fleet_.Take(std::move(effects));
  EXPECT_THAT(Kinds({.kinds = {"silent"}}), IsEmpty());
  fleet_.Obey("a1");
  fleet_.Obey("b1");
  const std::vector<FleetEvent> news = News({.kinds = {"revoked", "silent"}});
  ASSERT_EQ(news.size(), 2U);
  EXPECT_EQ(news[0].text, "drill");
  EXPECT_EQ(news[1].scope, Scope::Node("a1"));
  EXPECT_THAT(news[1].text, HasSubstr("silent at all ends after"));
}

TEST_F(CoreEventsTest, AScopeHasWhatIsInIt) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  Effects effects;
  fleet_.core_->OnSessionEnd("b1", fleet_.agent("b1").session, effects);
  const auto kinds_of = [&](const Scope& scope) { return Kinds({.scope = scope}); };
  EXPECT_THAT(kinds_of(Scope::Fleet()), ElementsAre("quota_set", "node_disconnected"));
  EXPECT_THAT(kinds_of(Scope::Enclosure("west")), ElementsAre("quota_set", "node_disconnected"));
  EXPECT_THAT(kinds_of(Scope::Enclosure("east")), ElementsAre("quota_set"));
  EXPECT_THAT(kinds_of(Scope::Node("b1")), ElementsAre("quota_set", "node_disconnected"));
  EXPECT_THAT(kinds_of(Scope::Link(kLink)), ElementsAre("quota_set"));
  EXPECT_THAT(kinds_of(Scope::Link({"b1", "a1"})), IsEmpty());
}

TEST_F(CoreEventsTest, PagesGoBackInTime) {
  for (uint64_t i = 1; i <= 5; ++i)
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, i * kMegabyte)).ok());
  const EventPage first = fleet_.core_->Events({.limit = 2});
  ASSERT_EQ(first.events.size(), 2U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.events[0].id, fleet_.core_->last_event());
  const EventPage next = fleet_.core_->Events({.before = first.events[1].id, .limit = 2});
  EXPECT_LT(next.events[0].id, first.events[1].id);
}

TEST_F(CoreEventsTest, OnlyTheLastAreKept) {
  for (size_t i = 0; i < kMostEvents + 50; ++i)
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, (1 + i % 9) * kMegabyte)).ok());
  const EventFilter changes{.limit = 3 * kMostEvents, .kinds = {"quota_set"}};
  EXPECT_GE(fleet_.core_->Events(changes).events.size(), kMostEvents - 10);
  EXPECT_LE(fleet_.core_->Events(changes).events.size(), kMostEvents);
  EXPECT_LE(fleet_.store_.Load()->events.size(), kMostEvents + 10);
}

TEST_F(CoreEventsTest, WhatNodesDoPushesOutNothingOfWhatOperatorsDid) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  for (size_t i = 0; i < kMostEvents; ++i) {
    ASSERT_TRUE(fleet_.Hello("a1").ok());
    Effects effects;
    fleet_.core_->OnSessionEnd("a1", fleet_.agent("a1").session, effects);
    if (i % 200 == 0) Settle();
  }
  for (int i = 0; i < 50; ++i) Settle();
  EXPECT_THAT(Kinds({.limit = 3 * kMostEvents, .kinds = {"quota_set"}}), ElementsAre("quota_set"));
  EXPECT_LE(fleet_.store_.Load()->events.size(), kMostEvents + 10);
  fleet_.Restart();
  EXPECT_THAT(Kinds({.limit = 3 * kMostEvents, .kinds = {"quota_set"}}), ElementsAre("quota_set"));
}

TEST_F(CoreEventsTest, ARefusedChangeNeverComesToLight) {
  fleet_.store_.FailCommitsAfterWriting(1, absl::UnavailableError("the disk fell silent"));
  ASSERT_FALSE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 3 * kMegabyte)).ok());
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 5 * kMegabyte)).ok());
  fleet_.Restart();
  const std::vector<FleetEvent> set = News({.kinds = {"quota_set"}});
  ASSERT_EQ(set.size(), 1U);
  EXPECT_THAT(set[0].text, HasSubstr("5MB"));
}

TEST_F(CoreEventsTest, EveryFaultIsNotedInTheEnd) {
  const auto say = [&](const std::vector<std::string>& faults) {
    fleet_.clock_.Advance(absl::Milliseconds(200));
    agent::v1::AgentMessage message;
    message.mutable_heartbeat()->set_sent_at_ns(fleet_.AgentNow(fleet_.agent("a1")).ns);
    for (const std::string& fault : faults) message.mutable_heartbeat()->add_faults(fault);
    ASSERT_TRUE(fleet_.Deliver("a1", message).ok());
  };
  say({"one"});
  for (int i = 0; i < 100; ++i) say({"one", "two"});
  const std::vector<FleetEvent> noted = News({.kinds = {"fault"}});
  ASSERT_EQ(noted.size(), 2U) << "each once, the second when ten seconds are over";
  EXPECT_EQ(noted[1].text, "two");
}

TEST_F(CoreEventsTest, ANodeThatIsTamperedWithAllTheTimeIsNotedOnce) {
  for (uint8_t i = 1; i < 20; ++i) {
    agent::v1::AgentMessage message;
    message.mutable_tamper()->set_id(ToWireBytes(TamperId{i}));
    message.mutable_tamper()->set_words("the lid is open");
    ASSERT_TRUE(fleet_.Deliver("a1", message).ok());
  }
  EXPECT_THAT(Kinds({.kinds = {"tampered"}}), ElementsAre("tampered"));
}

TEST_F(CoreEventsTest, AnExhaustedQuotaIsNotedOnce) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 10'000)).ok());
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 10'000);
  ASSERT_TRUE(fleet_.Heartbeat("a1").ok());
  for (int i = 0; i < 3; ++i) Settle();
  EXPECT_THAT(Kinds({.kinds = {"exhausted"}}), ElementsAre("exhausted"));
}

}  // namespace
}  // namespace sluice
