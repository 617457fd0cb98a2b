// Revoked scopes, and how fast they fall silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// Nodes a1 and a2 in enclosure east, b1 in west, with leases on all links but a2>a1.
class CoreStopsTest : public testing::Test {
 protected:
  const LinkName a1_b1_{"a1", "b1"};
  const LinkName b1_a1_{"b1", "a1"};
  const LinkName a1_a2_{"a1", "a2"};

  void SetUp() override {
    int net = 0;
    for (const char* name : {"a1", "a2", "b1"}) {
      fleet_.Join(name, "10." + std::to_string(++net) + ".0.0/24",
                  name[0] == 'a' ? "east" : "west");
      ASSERT_TRUE(fleet_.Hello(name).ok());
    }
    for (const LinkName& link : {a1_b1_, b1_a1_, a1_a2_}) {
      ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(link, 30 * kMegabyte)).ok());
      ASSERT_FALSE(fleet_.Request(link));
    }
  }
  uint64_t Revoke(const Scope& scope) {
    Effects effects;
    const auto id = fleet_.core_->Revoke(scope, "drill", effects);
    EXPECT_TRUE(id.ok()) << id.status();
    fleet_.Take(std::move(effects));
    return id.value_or(0);
  }
  absl::Status Restore(const Scope& scope) {
    Effects effects;
    const absl::Status status = fleet_.core_->Restore(scope, effects);
    fleet_.Take(std::move(effects));
    return status;
  }
  void ObeyAll() {
    for (const char* name : {"a1", "a2", "b1"}) fleet_.Obey(name);
  }
  bool Carries(const LinkName& link) { return fleet_.Traffic(link, 100) == 100; }
  bool IsRevoked(const LinkName& link) {
    return fleet_.View(link).state == LinkView::State::kRevoked;
  }
  RevocationView Last() { return fleet_.core_->Revocations().at(0); }

  TestFleet fleet_;
};

TEST_F(CoreStopsTest, ANodeFallsSilentInBothDirections) {
  Revoke(Scope::Node("b1"));
  ObeyAll();
  EXPECT_FALSE(Carries(a1_b1_));
  EXPECT_FALSE(Carries(b1_a1_));
  EXPECT_TRUE(Carries(a1_a2_));
  EXPECT_TRUE(IsRevoked(a1_b1_));
  EXPECT_THAT(fleet_.View(a1_b1_).why, HasSubstr("node:b1, drill"));
  EXPECT_EQ(fleet_.Request(b1_a1_)->reason(), agent::v1::DENY_REVOKED);
}

TEST_F(CoreStopsTest, AnEnclosureFallsSilentWithItsInnerLinks) {
  Revoke(Scope::Enclosure("east"));
  ObeyAll();
  for (const LinkName& link : {a1_b1_, b1_a1_, a1_a2_}) EXPECT_FALSE(Carries(link));
}

TEST_F(CoreStopsTest, AStoppedFleetStaysStoppedAfterARestartUntilItIsRestored) {
  Revoke(Scope::Fleet());
  fleet_.Restart();
  for (const char* name : {"a1", "a2", "b1"}) ASSERT_TRUE(fleet_.Hello(name).ok());
  // A quota that is set meanwhile opens nothing.
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(a1_b1_, kMegabyte)).ok());
  EXPECT_EQ(fleet_.Request(a1_b1_)->reason(), agent::v1::DENY_REVOKED);
  for (const LinkName& link : {a1_b1_, b1_a1_, a1_a2_}) EXPECT_FALSE(Carries(link));
  ASSERT_EQ(fleet_.core_->Stops().size(), 1u);

  ASSERT_TRUE(Restore(Scope::Fleet()).ok());
  EXPECT_FALSE(fleet_.Request(a1_b1_));
  EXPECT_TRUE(Carries(a1_b1_));
  fleet_.Restart();
  EXPECT_TRUE(fleet_.core_->Stops().empty());
  EXPECT_FALSE(Restore(Scope::Fleet()).ok()) << "nothing to restore";
}

TEST_F(CoreStopsTest, RestoringAScopeLeavesWhatWasRevokedByName) {
  Revoke(Scope::Link(a1_b1_));
  Revoke(Scope::Node("a1"));
  ASSERT_TRUE(Restore(Scope::Node("a1")).ok());
  EXPECT_TRUE(IsRevoked(a1_b1_));
  EXPECT_FALSE(IsRevoked(b1_a1_));
}

TEST_F(CoreStopsTest, SaysWhenEachEndFellSilent) {
  const uint64_t id = Revoke(Scope::Link(a1_b1_));
  EXPECT_EQ(Last().id, id);
  ASSERT_EQ(Last().ends.size(), 2u);
  EXPECT_FALSE(Last().silent);
  fleet_.clock_.Advance(absl::Milliseconds(3));
  fleet_.Obey("a1");
  EXPECT_EQ(Last().ends[0].silent_after, absl::Milliseconds(3));
  EXPECT_FALSE(Last().ends[1].silent_after);
  EXPECT_GT(Last().ends[1].silent_within, absl::Seconds(9));
  fleet_.clock_.Advance(absl::Milliseconds(4));
  fleet_.Obey("b1");
  EXPECT_TRUE(Last().silent);
  EXPECT_EQ(Last().silent_after, absl::Milliseconds(7));
  EXPECT_FALSE(Last().ends[1].by_expiry);
}

TEST_F(CoreStopsTest, AnEndThatSaysNothingIsSilentWhenItsLeaseIsDead) {
  Revoke(Scope::Fleet());
  fleet_.Obey("a1");
  fleet_.Obey("a2");
  fleet_.Pass(absl::Seconds(9), /*beat=*/false);
  EXPECT_FALSE(Last().silent);
  fleet_.Pass(absl::Seconds(2), /*beat=*/false);
  EXPECT_TRUE(Last().silent);
  for (const SilenceView& end : Last().ends) EXPECT_EQ(end.by_expiry, end.node == "b1");
}

TEST_F(CoreStopsTest, OfScopesThatAreNotThere) {
  Effects effects;
  EXPECT_TRUE(absl::IsNotFound(fleet_.core_->Revoke(Scope::Node("zz"), "", effects).status()));
  EXPECT_TRUE(absl::IsNotFound(fleet_.core_->Revoke(Scope::Enclosure("zz"), "", effects).status()));
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(fleet_.core_->Revoke(Scope::Fleet(), "", effects).ok());
  EXPECT_TRUE(fleet_.core_->Revocations().empty());
  EXPECT_TRUE(Carries(a1_b1_));
}

}  // namespace
}  // namespace sluice
