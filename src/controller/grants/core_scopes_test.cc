// Budgets that links share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/grants/core_test_fleet.h"
#include "controller/policy/scope.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

const LinkName kA1B1{"a1", "b1"};
const LinkName kA1B2{"a1", "b2"};
const LinkName kA2B1{"a2", "b1"};
const LinkName kA1A2{"a1", "a2"};
const std::vector<LinkName> kLinks{kA1B1, kA1B2, kA2B1, kA1A2};

// Nodes a1 and a2 in enclosure east, b1 and b2 in west.
class CoreScopesTest : public testing::Test {
 protected:
  void SetUp() override {
    int net = 0;
    for (const char* name : {"a1", "a2", "b1", "b2"}) {
      fleet_.Join(name, "10." + std::to_string(++net) + ".0.0/24",
                  name[0] == 'a' ? "east" : "west");
      ASSERT_TRUE(fleet_.Hello(name).ok());
    }
    for (const LinkName& link : kLinks)
      ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(link, 30 * kMegabyte)).ok());
  }

  static Quota ScopeQuota(const Scope& scope, uint64_t volume, BitRate rate = kAnyRate) {
    Quota quota;
    quota.scope = scope;
    quota.rate = rate;
    quota.volume = Bytes{volume};
    quota.lease_lifetime = kMaxLeaseLifetime;
    return quota;
  }
  bool Set(const Scope& scope, uint64_t volume, BitRate rate = kAnyRate) {
    const absl::Status status = fleet_.SetQuota(ScopeQuota(scope, volume, rate));
    EXPECT_TRUE(status.ok()) << status;
    ObeyAll();
    return status.ok();
  }
  void ObeyAll() {
    for (const char* name : {"a1", "a2", "b1", "b2"}) fleet_.Obey(name);
  }
  void ExpectConserved(const Scope& scope) {
    const QuotaView view = fleet_.View(scope);
    EXPECT_LE(view.used.value + view.outstanding.value, view.quota.volume.value);
    EXPECT_LE(view.leased_rate, view.quota.rate);
  }
  // Asks on every link again and again, and sends as much as is let through.
  uint64_t Drain(const std::vector<LinkName>& links, uint64_t most_each = ~uint64_t{0}) {
    uint64_t sent = 0;
    for (int round = 0; round < 200; ++round) {
      for (const LinkName& link : links) {
        (void)fleet_.Request(link);
        sent += fleet_.Traffic(link, std::min<uint64_t>(most_each, 100'000));
      }
      fleet_.Pass(absl::Milliseconds(200));
    }
    return sent;
  }
  TestFleet fleet_;
};

TEST_F(CoreScopesTest, SplittingOverLinksGainsNothing) {
  ASSERT_TRUE(Set(Scope::Fleet(), 3 * kMegabyte));
  const uint64_t sent = Drain(kLinks);
  EXPECT_LE(sent, 3 * kMegabyte);
  EXPECT_GE(sent, 3 * kMegabyte - 4 * kLeastSlice.value) << "nothing is stranded";
  ExpectConserved(Scope::Fleet());
  const auto denied = fleet_.Request(kA1B1);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason(), agent::v1::DENY_EXHAUSTED);
  EXPECT_THAT(denied->text(), HasSubstr("fleet"));
  EXPECT_EQ(fleet_.View(kA1B1).state, LinkView::State::kExhausted);
  EXPECT_THAT(fleet_.View(kA1B1).why, HasSubstr("fleet"));
}

TEST_F(CoreScopesTest, EachScopeCountsItsLinks) {
  for (const Scope& scope :
       {Scope::Fleet(), Scope::Enclosure("east"), Scope::Enclosure("west"), Scope::Node("a1")})
    ASSERT_TRUE(Set(scope, 30 * kMegabyte));
  for (const LinkName& link : kLinks) {
    ASSERT_FALSE(fleet_.Request(link));
    ASSERT_EQ(fleet_.Traffic(link, 1'000), 1'000u);
  }
  fleet_.Pass(absl::Milliseconds(200));
  EXPECT_EQ(fleet_.View(Scope::Fleet()).used, Bytes{4'000});
  EXPECT_EQ(fleet_.View(Scope::Enclosure("east")).used, Bytes{3'000}) << "what leaves it";
  EXPECT_EQ(fleet_.View(Scope::Enclosure("west")).used, Bytes{0});
  EXPECT_EQ(fleet_.View(Scope::Node("a1")).used, Bytes{3'000});
}

TEST_F(CoreScopesTest, WhatIdleLinksHoldComesToThoseWhoUseIt) {
  ASSERT_TRUE(Set(Scope::Fleet(), 2 * kMegabyte));
  for (const LinkName& link : kLinks) (void)fleet_.Request(link);
  // Three renew and send nothing; one sends.
  uint64_t sent = 0;
  for (int second = 0; second < 60; ++second) {
    for (const LinkName& link : kLinks) (void)fleet_.Request(link);
    sent += fleet_.Traffic(kA2B1, kMegabyte);
    fleet_.Pass(absl::Seconds(1));
    ExpectConserved(Scope::Fleet());
  }
  EXPECT_GE(sent, 2 * kMegabyte - 4 * kLeastSlice.value);
  EXPECT_LE(sent, 2 * kMegabyte);
}

TEST_F(CoreScopesTest, RatesAreSharedMaxMinFairWithinALeaseLifetime) {
  ASSERT_FALSE(fleet_.Request(kA1B1));  // alone it has all that its quota says: 8 Mbit/s
  ASSERT_TRUE(Set(Scope::Fleet(), 30 * kMegabyte, BitRate{9 * kMegabyte}));
  Quota small = TestFleet::MakeQuota(kA1A2, 30 * kMegabyte);
  small.rate = BitRate{kMegabyte};
  ASSERT_TRUE(fleet_.SetQuota(small).ok());
  // Renewals at two thirds of the leases' 10 s, and every 500 ms for who was refused.
  for (int i = 0; i < 40; ++i) {
    for (const LinkName& link : kLinks) {
      const bool due = fleet_.View(link).leased_rate == BitRate{0} || i % 13 == 0;
      if (due) (void)fleet_.Request(link);
      ExpectConserved(Scope::Fleet());
    }
    fleet_.Pass(absl::Milliseconds(500));
  }
  const BitRate fair{8 * kMegabyte / 3};
  for (const LinkName& link : {kA1B1, kA1B2, kA2B1})
    EXPECT_EQ(fleet_.View(link).leased_rate, fair) << link.ToString();
  EXPECT_EQ(fleet_.View(kA1A2).leased_rate, BitRate{kMegabyte});
}

TEST_F(CoreScopesTest, AnOldRateCountsUntilTheNodeHasTheNewOne) {
  ASSERT_TRUE(Set(Scope::Fleet(), 30 * kMegabyte, BitRate{8 * kMegabyte}));
  ASSERT_FALSE(fleet_.Request(kA1B1));
  (void)fleet_.Request(kA1B2);  // now there are two that ask
  fleet_.Pass(absl::Milliseconds(200));
  ASSERT_TRUE(fleet_.Deliver("a1", fleet_.RequestFor(kA1B1)).ok());
  fleet_.agent("a1").inbox.clear();  // the lease with the lower rate is lost
  EXPECT_EQ(fleet_.View(Scope::Fleet()).leased_rate, BitRate{8 * kMegabyte});
  EXPECT_TRUE(fleet_.Request(kA1B2));
  fleet_.Restart();
  EXPECT_EQ(fleet_.View(Scope::Fleet()).leased_rate, BitRate{8 * kMegabyte}) << "survives a crash";
}

TEST_F(CoreScopesTest, LoweredBelowWhatIsOutItRecalls) {
  for (const LinkName& link : kLinks) ASSERT_FALSE(fleet_.Request(link));
  ASSERT_EQ(fleet_.Traffic(kA1B1, 500'000), 500'000u);
  Effects effects;
  ASSERT_TRUE(fleet_.core_->SetQuota(ScopeQuota(Scope::Fleet(), kMegabyte), effects).ok());
  QuotaView view = fleet_.View(Scope::Fleet());
  EXPECT_EQ(view.recalling, 4);
  EXPECT_GT(view.recalled_within, absl::ZeroDuration());
  EXPECT_LT(view.recalled_within, absl::Seconds(11));
  const auto denied = fleet_.Request(kA1B2);
  ASSERT_TRUE(denied) << "no new grants while the old are out";
  fleet_.Take(std::move(effects));
  ObeyAll();
  view = fleet_.View(Scope::Fleet());
  EXPECT_EQ(view.recalling, 0);
  EXPECT_EQ(view.outstanding, Bytes{0}) << "what was not used came back";
  EXPECT_EQ(view.used, Bytes{500'000}) << "what was out when the quota was set counts";
  EXPECT_LE(Drain(kLinks), kMegabyte);
  ExpectConserved(Scope::Fleet());
}

TEST_F(CoreScopesTest, ARecallEndsWithTheLeasesOfNodesThatAreGone) {
  for (const LinkName& link : kLinks) ASSERT_FALSE(fleet_.Request(link));
  Effects effects;  // lost: nobody hears of it
  ASSERT_TRUE(fleet_.core_->SetQuota(ScopeQuota(Scope::Fleet(), kMegabyte), effects).ok());
  fleet_.Pass(absl::Seconds(11), /*beat=*/false);
  const QuotaView view = fleet_.View(Scope::Fleet());
  EXPECT_EQ(view.recalling, 0);
  EXPECT_GT(view.outstanding.value, kMegabyte) << "unreported counts as spent";
}

TEST_F(CoreScopesTest, AWindowSurvivesACrashRightAfterItBegan) {
  Quota quota = ScopeQuota(Scope::Fleet(), 2 * kMegabyte);
  quota.window = absl::Seconds(20);
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  uint64_t total = Drain({kA1B1}, 10'000);
  fleet_.Pass(absl::Seconds(20) - (fleet_.core_->Status().ledger_time % absl::Seconds(20)));
  // In the new window: used, made durable by a grant, and then a crash.
  ASSERT_FALSE(fleet_.Request(kA2B1));
  const uint64_t used = fleet_.Traffic(kA2B1, 1'500'000);
  EXPECT_GT(used, 0u);
  (void)fleet_.Request(kA2B1);
  const Bytes before = fleet_.View(Scope::Fleet()).used;
  EXPECT_GE(before.value, used);
  fleet_.Restart();
  EXPECT_EQ(fleet_.View(Scope::Fleet()).used, before);
  EXPECT_GT(total, 0u);
}

TEST_F(CoreScopesTest, WhatARemovedNodeHadOutStaysSpent) {
  ASSERT_TRUE(Set(Scope::Enclosure("east"), 30 * kMegabyte));
  ASSERT_FALSE(fleet_.Request(kA2B1));
  ASSERT_EQ(fleet_.Traffic(kA2B1, 1'000), 1'000u);
  const Bytes out = fleet_.View(Scope::Enclosure("east")).outstanding;
  ASSERT_GT(out, Bytes{0});
  Effects effects;
  ASSERT_TRUE(fleet_.core_->RemoveNode("a2", effects).ok());
  EXPECT_EQ(fleet_.View(Scope::Enclosure("east")).used, out);
  EXPECT_EQ(fleet_.View(Scope::Enclosure("east")).outstanding, Bytes{0});
  // Elsewhere it begins with nothing spent.
  ASSERT_TRUE(Set(Scope::Enclosure("west"), 30 * kMegabyte));
  fleet_.Join("a2", "10.2.0.0/24", "west");
  EXPECT_EQ(fleet_.View(Scope::Enclosure("west")).used, Bytes{0});
  fleet_.Restart();
  EXPECT_EQ(fleet_.View(Scope::Enclosure("east")).used, out);
  EXPECT_EQ(fleet_.View(Scope::Enclosure("west")).used, Bytes{0});
}

TEST_F(CoreScopesTest, WithoutItsQuotaAScopeBoundsNothing) {
  ASSERT_TRUE(Set(Scope::Node("a1"), 1'000));
  ASSERT_FALSE(fleet_.Request(kA1B1));
  EXPECT_EQ(fleet_.Traffic(kA1B1, kMegabyte), 1'000u);
  Effects effects;
  ASSERT_TRUE(fleet_.core_->DeleteQuota(Scope::Node("a1"), effects).ok());
  EXPECT_TRUE(absl::IsNotFound(fleet_.core_->DeleteQuota(Scope::Node("a1"), effects)));
  ASSERT_FALSE(fleet_.Request(kA1B1));
  EXPECT_EQ(fleet_.Traffic(kA1B1, kMegabyte), kMegabyte);
  fleet_.Restart();
  EXPECT_EQ(fleet_.core_->Quotas().size(), kLinks.size());
}

TEST_F(CoreScopesTest, ADeletedQuotaStaysDeletedThoughItsWindowHasJustBegun) {
  Quota quota = ScopeQuota(Scope::Fleet(), kMegabyte);
  quota.window = absl::Seconds(1);
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  quota.scope = Scope::Node("a2");
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  Effects effects;
  for (int i = 0; i < 2; ++i) {  // the second begins a window that is not yet in the store
    fleet_.clock_.Advance(absl::Seconds(2));
    fleet_.core_->Tick(effects);
  }
  ASSERT_TRUE(fleet_.core_->DeleteQuota(Scope::Fleet(), effects).ok());
  ASSERT_TRUE(fleet_.core_->RemoveNode("a2", effects).ok());
  fleet_.Restart();
  for (const QuotaView& view : fleet_.core_->Quotas()) EXPECT_TRUE(view.quota.scope.is_link());
}

TEST_F(CoreScopesTest, AScopeIsStoredWithTheReportsThatItBeganAfter) {
  ASSERT_FALSE(fleet_.Request(kA1B1));
  ASSERT_EQ(fleet_.Traffic(kA1B1, 5'000), 5'000u);
  fleet_.clock_.Advance(absl::Milliseconds(200));
  ASSERT_TRUE(fleet_.Heartbeat("a1").ok());  // not in the store by itself
  ASSERT_TRUE(Set(Scope::Fleet(), kMegabyte));
  fleet_.Restart();
  EXPECT_EQ(fleet_.View(Scope::Link(kA1B1)).used, Bytes{5'000});
}

TEST_F(CoreScopesTest, AChangeThatTheStoreRefusedDoesNotOutliveTheNextGrant) {
  ASSERT_TRUE(Set(Scope::Fleet(), 10 * kMegabyte));
  const absl::Status full = absl::ResourceExhaustedError("disk full");
  Effects effects;
  fleet_.store_.FailCommitsAfterWriting(3, full);
  EXPECT_FALSE(fleet_.SetQuota(ScopeQuota(Scope::Fleet(), 1'000)).ok());
  EXPECT_FALSE(fleet_.SetQuota(ScopeQuota(Scope::Node("a1"), 1'000)).ok());
  EXPECT_FALSE(fleet_.core_->DeleteQuota(Scope::Fleet(), effects).ok());
  ASSERT_FALSE(fleet_.Request(kA1B1));
  ASSERT_EQ(fleet_.Traffic(kA1B1, kMegabyte), kMegabyte);
  fleet_.Restart();
  EXPECT_EQ(fleet_.View(Scope::Fleet()).quota.volume, Bytes{10 * kMegabyte});
  EXPECT_EQ(fleet_.core_->Quotas().size(), kLinks.size() + 1) << "none of node:a1";
}

TEST_F(CoreScopesTest, OfScopesThatAreNotThere) {
  EXPECT_TRUE(absl::IsNotFound(fleet_.SetQuota(ScopeQuota(Scope::Node("zz"), 1))));
  EXPECT_TRUE(absl::IsNotFound(fleet_.SetQuota(ScopeQuota(Scope::Enclosure("zz"), 1))));
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(fleet_.SetQuota(ScopeQuota(Scope::Fleet(), 1)).ok());
  EXPECT_FALSE(fleet_.Request(kA1B1)) << "a quota that could not be stored bounds nothing";
}

}  // namespace
}  // namespace sluice
