// What a change would do is what it does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Change = LinkChange::Change;

// a1 in east and b1 in west, connected.
class CorePreviewsTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.Join("a1", "10.1.0.0/24", "east");
    fleet_.Join("b1", "10.2.0.0/24", "west");
    for (const char* name : {"a1", "b1"}) ASSERT_TRUE(fleet_.Hello(name).ok());
  }
  ChangeView Preview(const Quota& quota) {
    const StoredState before = *fleet_.store_.Load();
    auto view = fleet_.core_->PreviewQuota(quota);
    EXPECT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(*fleet_.store_.Load(), before) << "a look changes nothing";
    return view.value_or(ChangeView{});
  }
  static Quota ScopeQuota(const Scope& scope, uint64_t rate, uint64_t volume) {
    Quota quota = TestFleet::MakeQuota(kLink, volume);
    quota.scope = scope;
    quota.rate = BitRate{rate};
    return quota;
  }
  void Open(uint64_t volume = 30 * kMegabyte) {
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, volume)).ok());
    ASSERT_FALSE(fleet_.Request(kLink));
  }

  TestFleet fleet_;
};

TEST_F(CorePreviewsTest, AFirstQuotaOpensTheLink) {
  const ChangeView view = Preview(TestFleet::MakeQuota(kLink, kMegabyte));
  EXPECT_FALSE(view.before);
  ASSERT_THAT(view.links, SizeIs(1));
  EXPECT_EQ(view.links[0].change, Change::kOpens);
  ASSERT_THAT(view.sums, SizeIs(1));
  EXPECT_EQ(view.sums[0].links_rate, BitRate{8 * kMegabyte});
  EXPECT_EQ(view.sums[0].leased_rate, BitRate{0});
}

TEST_F(CorePreviewsTest, ALowerQuotaRecallsAndAHigherDoesNot) {
  Open();
  Quota lower = TestFleet::MakeQuota(kLink, 30 * kMegabyte);
  lower.rate = BitRate{kMegabyte};
  EXPECT_EQ(Preview(lower).links.at(0).change, Change::kRecalled);
  EXPECT_EQ(Preview(TestFleet::MakeQuota(kLink, 60 * kMegabyte)).links.at(0).change, Change::kNone);
  ASSERT_TRUE(fleet_.SetQuota(lower).ok());
  EXPECT_EQ(fleet_.View(Scope::Link(kLink)).recalling, 1);
}

TEST_F(CorePreviewsTest, AQuotaBelowWhatIsUsedCloses) {
  Open();
  fleet_.Traffic(kLink, 2 * kMegabyte);
  ASSERT_TRUE(fleet_.Heartbeat("a1").ok());
  const ChangeView view = Preview(TestFleet::MakeQuota(kLink, kMegabyte));
  EXPECT_EQ(view.links.at(0).change, Change::kCloses);
  EXPECT_THAT(view.links[0].text, HasSubstr("used up"));
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  fleet_.Obey("a1");
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kExhausted);
}

TEST_F(CorePreviewsTest, OnlyWhatIsShutNowOpens) {
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kMegabyte)).ok());
  EXPECT_EQ(Preview(TestFleet::MakeQuota(kLink, 2 * kMegabyte)).links.at(0).change, Change::kNone)
      << "it waits for its nodes, with either quota";
  ASSERT_TRUE(fleet_.SetQuota(ScopeQuota(Scope::Fleet(), kMegabyte, 1)).ok());
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 1);
  ASSERT_TRUE(fleet_.Heartbeat("a1").ok());
  const ChangeView view = Preview(TestFleet::MakeQuota({"b1", "a1"}, kMegabyte));
  EXPECT_EQ(view.links.at(0).change, Change::kNone);
  EXPECT_THAT(view.links[0].text, HasSubstr("the volume of fleet is used up"));
}

TEST_F(CorePreviewsTest, AScopeSaysWhatItsLinksComeTo) {
  Open();
  const ChangeView view = Preview(ScopeQuota(Scope::Enclosure("east"), kMegabyte, kMegabyte));
  ASSERT_THAT(view.links, SizeIs(1));
  EXPECT_EQ(view.links[0].change, Change::kRecalled);
  ASSERT_THAT(view.sums, SizeIs(1));
  EXPECT_EQ(view.sums[0].links_rate, BitRate{8 * kMegabyte});
  EXPECT_EQ(view.sums[0].leased_rate, BitRate{8 * kMegabyte});
  EXPECT_THAT(view.notes, Contains(HasSubstr("more than its 1Mbit")));
  EXPECT_THAT(Preview(ScopeQuota(Scope::Node("b1"), kMegabyte, kMegabyte)).notes,
              Contains(HasSubstr("only a link's own quota opens it")));
}

TEST_F(CorePreviewsTest, TheScopesAroundALinkAreSummed) {
  ASSERT_TRUE(fleet_.SetQuota(ScopeQuota(Scope::Fleet(), 5 * kMegabyte, kMegabyte)).ok());
  ASSERT_TRUE(fleet_.SetQuota(ScopeQuota(Scope::Node("b1"), kMegabyte, kMegabyte)).ok());
  const ChangeView view = Preview(TestFleet::MakeQuota(kLink, kMegabyte));
  ASSERT_THAT(view.sums, SizeIs(2));
  EXPECT_EQ(view.sums[1].scope, Scope::Fleet());
  EXPECT_EQ(view.sums[1].links_rate, BitRate{8 * kMegabyte});
  EXPECT_THAT(view.notes, Contains(HasSubstr("in fleet come to 8Mbit")));
}

TEST_F(CorePreviewsTest, DeletingClosesALinkAndFreesAScope) {
  Open();
  ASSERT_TRUE(fleet_.SetQuota(ScopeQuota(Scope::Fleet(), 80 * kMegabyte, 90 * kMegabyte)).ok());
  const auto link = fleet_.core_->PreviewDelete(Scope::Link(kLink));
  ASSERT_TRUE(link.ok());
  EXPECT_EQ(link->links.at(0).change, Change::kCloses);
  EXPECT_EQ(link->sums.at(0).links_rate, BitRate{0});
  const auto scope = fleet_.core_->PreviewDelete(Scope::Fleet());
  ASSERT_TRUE(scope.ok());
  EXPECT_EQ(scope->links.at(0).change, Change::kNone);
  EXPECT_THAT(scope->sums, IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(fleet_.core_->PreviewDelete(Scope::Node("a1")).status()));
}

TEST_F(CorePreviewsTest, RevokingNamesWhatFallsSilent) {
  Open();
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota({"b1", "a1"}, kMegabyte)).ok());
  const auto view = fleet_.core_->PreviewRevoke(Scope::Enclosure("west"));
  ASSERT_TRUE(view.ok());
  ASSERT_THAT(view->links, SizeIs(2));
  EXPECT_EQ(view->links[0].change, Change::kCloses);
  EXPECT_EQ(view->links[1].change, Change::kNone) << "it has no lease";
  EXPECT_TRUE(absl::IsNotFound(fleet_.core_->PreviewRevoke(Scope::Enclosure("north")).status()));
}

TEST_F(CorePreviewsTest, RefusesWhatTheChangeWouldRefuse) {
  Quota quota = TestFleet::MakeQuota({"a1", "c1"}, kMegabyte);
  EXPECT_EQ(fleet_.core_->PreviewQuota(quota).status(), fleet_.SetQuota(quota));
  quota = TestFleet::MakeQuota(kLink, 0);
  EXPECT_EQ(fleet_.core_->PreviewQuota(quota).status(), fleet_.SetQuota(quota));
}

}  // namespace
}  // namespace sluice
