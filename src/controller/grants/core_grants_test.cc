// The life of a lease: request, grant, renewal, exhaustion, revocation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class CoreGrantsTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.Join("a1", "10.1.0.0/24");
    fleet_.Join("b1", "10.2.0.0/24");
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 30 * kMegabyte)).ok());
    ASSERT_TRUE(fleet_.Hello("a1").ok());
    ASSERT_TRUE(fleet_.Hello("b1").ok());
  }
  TestGate& send() { return fleet_.agent("a1").gates[{kLink, Role::kSend}]; }
  TestGate& receive() { return fleet_.agent("b1").gates[{kLink, Role::kReceive}]; }
  void ExpectConserved(uint64_t budget = 30 * kMegabyte) {
    const LinkView view = fleet_.View(kLink);
    EXPECT_LE(view.used.value + view.outstanding.value, budget);
  }
  absl::Status Revoke() {
    Effects effects;
    const absl::Status status = fleet_.core_->Revoke(Scope::Link(kLink), "drill", effects).status();
    fleet_.Take(std::move(effects));
    return status;
  }
  TestFleet fleet_;
};

TEST_F(CoreGrantsTest, AGrantOpensBothEndsAndBothEndTogether) {
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(send().limit, 10 * kMegabyte + 100'000);
  EXPECT_GE(receive().limit, send().limit);
  const absl::Duration send_rest = send().expires_at - fleet_.AgentNow(fleet_.agent("a1"));
  const absl::Duration receive_rest = receive().expires_at - fleet_.AgentNow(fleet_.agent("b1"));
  EXPECT_EQ(send_rest, absl::Seconds(10));
  EXPECT_EQ(receive_rest, absl::Seconds(10));
  EXPECT_EQ(fleet_.Traffic(kLink, kMegabyte), kMegabyte);
  const LinkView view = fleet_.View(kLink);
  EXPECT_EQ(view.state, LinkView::State::kOpen);
  EXPECT_EQ(view.outstanding.value, 10 * kMegabyte + 100'000);
  ExpectConserved();
}

TEST_F(CoreGrantsTest, NothingLeavesBeforeItIsDurable) {
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("disk full"));
  const auto denied = fleet_.Request(kLink);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason(), agent::v1::DENY_UNAVAILABLE);
  EXPECT_THAT(denied->text(), HasSubstr("disk full"));
  EXPECT_EQ(fleet_.View(kLink).outstanding, Bytes{0});
  EXPECT_EQ(fleet_.Traffic(kLink, 1), 0u);
  EXPECT_FALSE(fleet_.Request(kLink));
}

TEST_F(CoreGrantsTest, GrantsOfSeveralLinksShareACommit) {
  const LinkName back{"b1", "a1"};
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(back, kMegabyte)).ok());
  const auto ask = [&](Effects& effects) {
    fleet_.clock_.Advance(absl::Milliseconds(1));
    for (const LinkName& link : {kLink, back})
      ASSERT_TRUE(fleet_.core_
                      ->OnMessage(link.src, fleet_.agent(link.src).session, fleet_.RequestFor(link),
                                  effects)
                      .ok());
    EXPECT_THAT(effects.sends, SizeIs(0)) << "nothing before the commit";
    fleet_.core_->Flush(effects);
  };
  const int before = fleet_.store_.commits();
  Effects effects;
  ask(effects);
  EXPECT_EQ(fleet_.store_.commits(), before + 1);
  EXPECT_THAT(effects.sends, SizeIs(4)) << "both ends of both links";
  const Bytes out = fleet_.View(kLink).outstanding;
  // The next fails: all of it is taken back.
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("disk full"));
  Effects failed;
  ask(failed);
  EXPECT_THAT(failed.sends, SizeIs(2));
  for (const Effects::Send& send : failed.sends) EXPECT_TRUE(send.message.has_denied());
  EXPECT_EQ(fleet_.View(kLink).outstanding, out);
  EXPECT_EQ(fleet_.View(kLink).lease_sequence, 1u);
}

TEST_F(CoreGrantsTest, RenewalAddsToWhatIsUsedAndResetsNothing) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 8 * kMegabyte);
  fleet_.Pass(absl::Seconds(6));
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(send().limit, 18 * kMegabyte + 100'000);
  EXPECT_EQ(fleet_.View(kLink).used.value, 8 * kMegabyte);
  ExpectConserved();
}

TEST_F(CoreGrantsTest, TheBudgetIsGivenToTheByteAndThenNoMore) {
  uint64_t arrived = 0;
  for (int i = 0; i < 20; ++i) {
    if (fleet_.Request(kLink)) break;
    arrived += fleet_.Traffic(kLink, 100 * kMegabyte);
    ExpectConserved();
  }
  EXPECT_EQ(arrived, 30 * kMegabyte);
  const auto denied = fleet_.Request(kLink);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason(), agent::v1::DENY_EXHAUSTED);
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kExhausted);
  EXPECT_EQ(fleet_.View(kLink).left, Bytes{0});
}

TEST_F(CoreGrantsTest, TheSameRequestGetsTheSameLeaseAgain) {
  const agent::v1::AgentMessage request = fleet_.RequestFor(kLink);
  ASSERT_TRUE(fleet_.Deliver("a1", request).ok());
  const int commits = fleet_.store_.commits();
  ASSERT_TRUE(fleet_.Deliver("a1", request).ok());
  EXPECT_EQ(fleet_.store_.commits(), commits);
  std::vector<std::string> leases;
  for (const auto& message : fleet_.agent("a1").inbox)
    if (message.has_lease()) leases.push_back(message.lease().SerializeAsString());
  ASSERT_THAT(leases, SizeIs(2));
  EXPECT_EQ(leases[0], leases[1]);
  EXPECT_THAT(fleet_.LeasesIn("b1"), SizeIs(1));
}

TEST_F(CoreGrantsTest, AnOlderRequestThanTheLastIsStale) {
  const agent::v1::AgentMessage older = fleet_.RequestFor(kLink);
  ASSERT_FALSE(fleet_.Request(kLink));
  ASSERT_TRUE(fleet_.Deliver("a1", older).ok());
  EXPECT_EQ(fleet_.Denial("a1")->reason(), agent::v1::DENY_STALE);
}

TEST_F(CoreGrantsTest, ARequestFromTheFutureIsStale) {
  agent::v1::AgentMessage request = fleet_.RequestFor(kLink);
  request.mutable_lease_request()->set_sent_at_ns(request.lease_request().sent_at_ns() +
                                                  60'000'000'000);
  ASSERT_TRUE(fleet_.Deliver("a1", request).ok());
  EXPECT_EQ(fleet_.Denial("a1")->reason(), agent::v1::DENY_STALE);
}

TEST_F(CoreGrantsTest, WithoutTheReceiverThereIsNoGrant) {
  Effects effects;
  fleet_.core_->OnSessionEnd("b1", fleet_.agent("b1").session, effects);
  EXPECT_EQ(fleet_.Request(kLink)->reason(), agent::v1::DENY_PEER_ABSENT);
  ASSERT_TRUE(fleet_.Hello("b1").ok());
  EXPECT_FALSE(fleet_.Request(kLink));
}

TEST_F(CoreGrantsTest, WithoutAQuotaThereIsNoGrant) {
  EXPECT_EQ(fleet_.Request({"b1", "a1"})->reason(), agent::v1::DENY_NO_QUOTA);
}

TEST_F(CoreGrantsTest, AReceiverThatComesBackIsOpenedForTheRestOfTheLease) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 2 * kMegabyte);
  fleet_.Pass(absl::Seconds(4));
  fleet_.Reboot("b1");
  ASSERT_TRUE(fleet_.Hello("b1").ok());
  EXPECT_FALSE(receive().closed);
  const absl::Duration rest = receive().expires_at - fleet_.AgentNow(fleet_.agent("b1"));
  EXPECT_LE(rest, absl::Seconds(6));
  EXPECT_GT(rest, absl::Seconds(5));
  EXPECT_EQ(fleet_.Traffic(kLink, 8 * kMegabyte), 8 * kMegabyte);
}

TEST_F(CoreGrantsTest, RevocationClosesBothEndsAndEitherAloneStopsTheTraffic) {
  for (const std::string first : {"a1", "b1"}) {
    ASSERT_FALSE(fleet_.Request(kLink));
    ASSERT_GT(fleet_.Traffic(kLink, 1'000), 0u);
    ASSERT_TRUE(Revoke().ok());
    fleet_.Obey(first);
    EXPECT_EQ(fleet_.Traffic(kLink, 1'000), 0u);
    fleet_.Obey(first == "a1" ? "b1" : "a1");
    EXPECT_TRUE(send().closed);
    EXPECT_TRUE(receive().closed);
    EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kRevoked);
    EXPECT_THAT(fleet_.View(kLink).why, HasSubstr("drill"));
    EXPECT_EQ(fleet_.Request(kLink)->reason(), agent::v1::DENY_REVOKED);
    Effects effects;
    ASSERT_TRUE(fleet_.core_->Restore(Scope::Link(kLink), effects).ok());
  }
}

TEST_F(CoreGrantsTest, AClosedLeaseGivesBackWhatWasNotUsed) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 3 * kMegabyte);
  ASSERT_TRUE(Revoke().ok());
  fleet_.Obey("a1");
  const LinkView view = fleet_.View(kLink);
  EXPECT_EQ(view.used.value, 3 * kMegabyte);
  EXPECT_EQ(view.outstanding, Bytes{0});
}

TEST_F(CoreGrantsTest, AnUnheardRevocationHoldsUntilTheLeaseIsDeadByTime) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 3 * kMegabyte);
  Effects effects;
  fleet_.core_->OnSessionEnd("a1", fleet_.agent("a1").session, effects);
  ASSERT_TRUE(Revoke().ok());
  ASSERT_TRUE(fleet_.core_->Restore(Scope::Link(kLink), effects).ok());
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kWaiting);
  fleet_.Pass(absl::Seconds(11), /*beat=*/false);
  // Dead, but unreported: it stays charged.
  EXPECT_EQ(fleet_.View(kLink).outstanding.value, 10 * kMegabyte + 100'000);
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  EXPECT_EQ(fleet_.View(kLink).used.value, 3 * kMegabyte);
  EXPECT_EQ(fleet_.View(kLink).outstanding, Bytes{0});
}

TEST_F(CoreGrantsTest, ANodeThatMissedARevocationIsToldAgain) {
  ASSERT_FALSE(fleet_.Request(kLink));
  ASSERT_TRUE(Revoke().ok());
  fleet_.agent("a1").inbox.clear();  // lost with its connection
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  EXPECT_TRUE(send().closed);
}

TEST_F(CoreGrantsTest, ALoweredQuotaIsRecalledBeforeTheNextGrant) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 2 * kMegabyte);
  Quota lower = TestFleet::MakeQuota(kLink, 5 * kMegabyte);
  ASSERT_TRUE(fleet_.SetQuota(lower).ok());
  agent::v1::AgentMessage early = fleet_.RequestFor(kLink);
  early.mutable_lease_request()->set_sent_at_ns(early.lease_request().sent_at_ns() + 1);
  auto inbox = std::exchange(fleet_.agent("a1").inbox, {});
  ASSERT_TRUE(fleet_.Deliver("a1", early).ok());
  EXPECT_EQ(fleet_.Denial("a1")->reason(), agent::v1::DENY_UNAVAILABLE);
  fleet_.agent("a1").inbox = std::move(inbox);
  fleet_.Obey("a1");
  fleet_.Obey("b1");
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(send().limit, 5 * kMegabyte);
  EXPECT_EQ(fleet_.Traffic(kLink, 100 * kMegabyte), 3 * kMegabyte);
  ExpectConserved(5 * kMegabyte);
}

TEST_F(CoreGrantsTest, ARaisedQuotaNeedsNoRecall) {
  ASSERT_FALSE(fleet_.Request(kLink));
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 60 * kMegabyte)).ok());
  fleet_.Obey("a1");
  EXPECT_FALSE(send().closed);
  EXPECT_FALSE(fleet_.Request(kLink));
}

TEST_F(CoreGrantsTest, ADeletedQuotaClosesTheLinkAndANewOneBeginsANewLife) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 2 * kMegabyte);
  Effects effects;
  ASSERT_TRUE(fleet_.core_->DeleteQuota(Scope::Link(kLink), effects).ok());
  fleet_.Take(std::move(effects));
  fleet_.Obey("a1");
  fleet_.Obey("b1");
  EXPECT_TRUE(send().closed);
  EXPECT_EQ(fleet_.Request(kLink)->reason(), agent::v1::DENY_NO_QUOTA);
  const uint64_t sequence = send().sequence;
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 4 * kMegabyte)).ok());
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_GT(send().sequence, sequence);
  EXPECT_EQ(fleet_.Traffic(kLink, 100 * kMegabyte), 4 * kMegabyte);
}

TEST_F(CoreGrantsTest, ARemovedNodesLinksAreClosedAtTheOtherEnd) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Effects effects;
  ASSERT_TRUE(fleet_.core_->RemoveNode("b1", effects).ok());
  fleet_.Take(std::move(effects));
  fleet_.Obey("a1");
  EXPECT_TRUE(send().closed);
  EXPECT_TRUE(fleet_.core_->Quotas().empty());
  EXPECT_THAT(fleet_.ended_, SizeIs(1));
}

TEST_F(CoreGrantsTest, AWindowBeginsWithTheWholeVolumeLessWhatIsOut) {
  Quota quota = TestFleet::MakeQuota(kLink, 8 * kMegabyte);
  quota.window = absl::Minutes(1);
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  fleet_.Obey("a1");
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(fleet_.Traffic(kLink, 100 * kMegabyte), 8 * kMegabyte);
  fleet_.Pass(absl::Seconds(30));
  const auto denied = fleet_.Request(kLink);
  EXPECT_EQ(denied->reason(), agent::v1::DENY_EXHAUSTED);
  EXPECT_LE(denied->retry_after_ns(), 30'000'000'000);
  EXPECT_THAT(fleet_.View(kLink).why, HasSubstr("next window begins in"));
  fleet_.Pass(absl::Seconds(31));
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(fleet_.Traffic(kLink, 100 * kMegabyte), 8 * kMegabyte);
  ExpectConserved(8 * kMegabyte);
}

TEST_F(CoreGrantsTest, BadQuotasAreRefusedWithWords) {
  Quota quota = TestFleet::MakeQuota({"a1", "zz"}, kMegabyte);
  EXPECT_EQ(fleet_.SetQuota(quota).code(), absl::StatusCode::kNotFound);
  quota = TestFleet::MakeQuota(kLink, 0);
  EXPECT_EQ(fleet_.SetQuota(quota).code(), absl::StatusCode::kInvalidArgument);
  Effects effects;
  EXPECT_EQ(fleet_.core_->DeleteQuota(Scope::Link({"b1", "a1"}), effects).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(fleet_.core_->Revoke(Scope::Link({"b1", "a1"}), "", effects).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(fleet_.core_->Restore(Scope::Link(kLink), effects).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(CoreGrantsTest, AFullDiskChangesNoQuota) {
  fleet_.store_.FailCommits(3, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(fleet_.SetQuota(TestFleet::MakeQuota({"b1", "a1"}, kMegabyte)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(fleet_.core_->Quotas(), SizeIs(1));
  EXPECT_EQ(Revoke().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(fleet_.View(kLink).state, LinkView::State::kRevoked);
  EXPECT_FALSE(fleet_.core_->Status().store.ok());
  Effects effects;
  EXPECT_EQ(fleet_.core_->DeleteQuota(Scope::Link(kLink), effects).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(fleet_.core_->Quotas(), SizeIs(1));
}

TEST_F(CoreGrantsTest, ExtremeQuotasDoNotOverflow) {
  Quota quota = TestFleet::MakeQuota(kLink, kMaxVolume.value);
  quota.rate = kMaxRate;
  quota.burst = Bytes{0};
  quota.lease_lifetime = kMaxLeaseLifetime;
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(send().limit, 50'000'000'000ull * 86'400 + DefaultBurst(kMaxRate).value);
  EXPECT_EQ(fleet_.Traffic(kLink, send().limit), send().limit);
}

}  // namespace
}  // namespace sluice
