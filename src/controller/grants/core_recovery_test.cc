// Crashes of the controller at each step, reboots of nodes, old backups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

constexpr uint64_t kBudget = 30 * kMegabyte;

class CoreRecoveryTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.Join("a1", "10.1.0.0/24");
    fleet_.Join("b1", "10.2.0.0/24");
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kBudget)).ok());
    Connect();
  }
  void Connect() {
    ASSERT_TRUE(fleet_.Hello("a1").ok());
    ASSERT_TRUE(fleet_.Hello("b1").ok());
  }
  TestGate& send() { return fleet_.agent("a1").gates[{kLink, Role::kSend}]; }
  uint64_t Charged() {
    const LinkView view = fleet_.View(kLink);
    return view.used.value + view.outstanding.value;
  }
  TestFleet fleet_;
};

TEST_F(CoreRecoveryTest, TheBudgetHoldsThroughACrashBeforeEveryStep) {
  uint64_t arrived = 0;
  for (int i = 0; i < 40; ++i) {
    fleet_.Restart();
    EXPECT_LE(Charged(), kBudget);
    Connect();
    fleet_.Restart();  // sessions gone again, before the request
    Connect();
    (void)fleet_.Request(kLink);
    if (i % 3 != 0) fleet_.Restart();
    arrived += fleet_.Traffic(kLink, 2 * kMegabyte);
    EXPECT_LE(Charged(), kBudget);
    EXPECT_LE(arrived, kBudget);
    fleet_.clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(arrived, kBudget);
}

TEST_F(CoreRecoveryTest, AGrantThatWasStoredAndNeverSentIsRepeatedOnRequest) {
  const agent::v1::AgentMessage request = fleet_.RequestFor(kLink);
  ASSERT_TRUE(fleet_.Deliver("a1", request).ok());
  const auto first = fleet_.LeasesIn("a1");
  fleet_.agent("a1").inbox.clear();  // the crash came before it left
  fleet_.Restart();
  Connect();
  fleet_.agent("a1").inbox.clear();
  ASSERT_TRUE(fleet_.Deliver("a1", request).ok());
  const auto second = fleet_.LeasesIn("a1");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].sequence, first[0].sequence);
  EXPECT_EQ(second[0].volume_limit, first[0].volume_limit);
}

TEST_F(CoreRecoveryTest, AWriteThatFailedButReachedTheDiskDoesNoHarm) {
  fleet_.store_.FailCommitsAfterWriting(1, absl::UnavailableError("fsync failed"));
  ASSERT_TRUE(fleet_.Request(kLink));
  fleet_.Restart();
  Connect();
  EXPECT_LE(Charged(), kBudget);
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(send().limit, 10 * kMegabyte + 100'000);
  EXPECT_LE(Charged(), kBudget);
}

TEST_F(CoreRecoveryTest, ARebootSpendsWhatWasOutstanding) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, kMegabyte);
  fleet_.Reboot("a1");
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  const LinkView view = fleet_.View(kLink);
  EXPECT_EQ(view.used.value, 10 * kMegabyte + 100'000);
  EXPECT_EQ(view.outstanding, Bytes{0});
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_EQ(fleet_.Traffic(kLink, 5 * kMegabyte), 5 * kMegabyte);
  EXPECT_LE(Charged(), kBudget);
}

TEST_F(CoreRecoveryTest, ARebootIsChargedOnceThoughTheControllerCrashesBesideIt) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Reboot("a1");
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  fleet_.Restart();  // the charge was not flushed
  Connect();
  EXPECT_EQ(fleet_.View(kLink).used.value, 10 * kMegabyte + 100'000);
  fleet_.Pass(absl::Seconds(2));
  fleet_.Restart();
  Connect();
  EXPECT_EQ(fleet_.View(kLink).used.value, 10 * kMegabyte + 100'000);
}

TEST_F(CoreRecoveryTest, ACounterThatWentBackIsTakenAsARestart) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 4 * kMegabyte);
  fleet_.Pass(absl::Seconds(1));
  // Same boot nonce, but the gate's slot is new.
  send() = TestGate{};
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_LE(send().limit, kBudget - 10 * kMegabyte - 100'000);
  EXPECT_LE(Charged(), kBudget);
}

TEST_F(CoreRecoveryTest, AnOldReportThatComesAgainLeavesALiveLeaseCharged) {
  Quota quota = TestFleet::MakeQuota(kLink, kBudget);
  quota.window = absl::Minutes(1);
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  fleet_.clock_.Advance(absl::Seconds(55));
  const agent::v1::AgentMessage old = fleet_.RequestFor(kLink);
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, kMegabyte);
  ASSERT_FALSE(fleet_.Request(kLink));
  ASSERT_TRUE(fleet_.Deliver("a1", old).ok());
  // A new window forgets what is spent, and not what is out.
  fleet_.clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(fleet_.Heartbeat("a1").ok());
  EXPECT_GE(Charged(), send().limit - send().admitted);
}

TEST_F(CoreRecoveryTest, LostReportsOnlyDelayWhatComesBack) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 4 * kMegabyte);
  fleet_.Pass(absl::Seconds(1));
  fleet_.Restart();  // less than a second of reports was not flushed
  EXPECT_EQ(Charged(), 10 * kMegabyte + 100'000);
  Connect();
  EXPECT_EQ(fleet_.View(kLink).used.value, 4 * kMegabyte);
  EXPECT_EQ(Charged(), 10 * kMegabyte + 100'000);
}

TEST_F(CoreRecoveryTest, ALostLeaseComesBackOnceItsTimeIsOverByTheNodesOwnClock) {
  ASSERT_TRUE(fleet_.Deliver("a1", fleet_.RequestFor(kLink)).ok());
  fleet_.agent("a1").inbox.clear();  // the lease is lost
  send().closed = true;
  fleet_.Pass(absl::Seconds(9));
  EXPECT_EQ(Charged(), 10 * kMegabyte + 100'000);
  fleet_.Pass(absl::Seconds(2));
  EXPECT_EQ(Charged(), 0u);
}

TEST_F(CoreRecoveryTest, AnOldBackupDoesNotGrantWhatTheGateStillHas) {
  const StoredState backup = fleet_.store_.Snapshot();
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.Traffic(kLink, 6 * kMegabyte);
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.store_.Restore(backup);
  fleet_.Restart();
  Connect();
  const LinkView view = fleet_.View(kLink);
  EXPECT_EQ(view.used.value + view.outstanding.value, send().limit);
  const uint64_t before = send().sequence;
  ASSERT_FALSE(fleet_.Request(kLink));
  EXPECT_GT(send().sequence, before);
}

TEST_F(CoreRecoveryTest, ALeaseIsDeadNoEarlierThanTheNodesClockMayHaveIt) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Effects effects;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Link(kLink), "", effects).ok());
  ASSERT_TRUE(fleet_.core_->Restore(Scope::Link(kLink), effects).ok());
  // The revocation was lost. A node whose clock is 0.1 % slow ends 10 ms late.
  fleet_.Pass(absl::Seconds(10), /*beat=*/false);
  EXPECT_EQ(fleet_.core_->Leases()[0].state, LeaseView::State::kLive);
  fleet_.Pass(absl::Milliseconds(60), /*beat=*/false);
  EXPECT_EQ(fleet_.core_->Leases()[0].state, LeaseView::State::kDead);
}

TEST_F(CoreRecoveryTest, WithinOneBootOfTheMachineTimeGoesOnWhileTheControllerIsDown) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.clock_.Advance(absl::Seconds(20));
  fleet_.Restart();
  EXPECT_EQ(fleet_.core_->Leases()[0].state, LeaseView::State::kDead);
}

TEST_F(CoreRecoveryTest, AfterARebootOfTheMachineTimeGoesOnFromWhatIsStored) {
  ASSERT_FALSE(fleet_.Request(kLink));
  const absl::Duration before = fleet_.core_->Leases()[0].expires_in;
  fleet_.clock_.Advance(absl::Seconds(20));
  fleet_.config_.machine_boot = "boot-b";
  fleet_.Restart();
  const LeaseView lease = fleet_.core_->Leases()[0];
  EXPECT_EQ(lease.state, LeaseView::State::kLive);  // for all the ledger knows
  EXPECT_LE(lease.expires_in, before + absl::Seconds(10));
}

TEST_F(CoreRecoveryTest, WallClockStepsChangeNothing) {
  ASSERT_FALSE(fleet_.Request(kLink));
  const LeaseView before = fleet_.core_->Leases()[0];
  fleet_.clock_.StepWall(absl::Hours(-1000));
  EXPECT_EQ(fleet_.core_->Leases()[0].expires_in, before.expires_in);
}

TEST_F(CoreRecoveryTest, ARevokedLinkStaysRevokedAfterARestart) {
  Effects effects;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Link(kLink), "drill", effects).ok());
  fleet_.Restart();
  EXPECT_EQ(fleet_.View(kLink).state, LinkView::State::kRevoked);
  Connect();
  EXPECT_EQ(fleet_.Request(kLink)->reason(), agent::v1::DENY_REVOKED);
}

TEST_F(CoreRecoveryTest, AGrantThatTheStoreRefusedDoesNotOutliveTheNext) {
  fleet_.store_.FailCommitsAfterWriting(1, absl::ResourceExhaustedError("disk full"));
  const agent::v1::AgentMessage request = fleet_.RequestFor(kLink);
  ASSERT_TRUE(fleet_.Deliver(kLink.src, request).ok());
  ASSERT_TRUE(fleet_.Denial(kLink.src));
  // Any other commit: here that of an operator.
  Quota quota = TestFleet::MakeQuota(kLink, kMegabyte);
  quota.scope = Scope::Fleet();
  ASSERT_TRUE(fleet_.SetQuota(quota).ok());
  fleet_.Restart();
  EXPECT_TRUE(fleet_.core_->Leases().empty());
  EXPECT_EQ(fleet_.View(Scope::Link(kLink)).outstanding, Bytes{0});
}

TEST_F(CoreRecoveryTest, RevokingWhatANodeReportsMeansWhatIsOnItsWayToo) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(fleet_.Deliver(kLink.src, fleet_.RequestFor(kLink)).ok());
  ASSERT_EQ(fleet_.LeasesIn(kLink.src).size(), 1u);
  fleet_.agent(kLink.src).inbox.clear();  // not obeyed yet
  Effects effects;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Link(kLink), "drill", effects).ok());
  fleet_.clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(fleet_.Heartbeat(kLink.src).ok());
  const auto& inbox = fleet_.agent(kLink.src).inbox;
  ASSERT_EQ(inbox.size(), 1u);
  EXPECT_GT(inbox[0].revoke().sequence(),
            fleet_.agent(kLink.src).gates.at({kLink, Role::kSend}).sequence);
}

TEST_F(CoreRecoveryTest, WhatWasOutOnADeletedQuotaComesBackInTheNextSession) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Effects lost;
  ASSERT_TRUE(fleet_.core_->DeleteQuota(Scope::Link(kLink), lost).ok());
  auto gate = std::exchange(fleet_.agent("a1").gates, {});  // not in its Config any more
  fleet_.Restart();
  Connect();
  auto& inbox = fleet_.agent("a1").inbox;
  EXPECT_TRUE(inbox.empty()) << "obeyed";
  ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, kBudget)).ok());
  EXPECT_EQ(fleet_.View(kLink).outstanding, Bytes{0});
}

TEST_F(CoreRecoveryTest, ARecallThatWasLostWithItsLeaseIsRepeatedUntilAnswered) {
  ASSERT_FALSE(fleet_.Request(kLink));
  fleet_.clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(fleet_.Deliver(kLink.src, fleet_.RequestFor(kLink)).ok());
  ASSERT_EQ(fleet_.LeasesIn(kLink.src).size(), 1u);
  Effects lost;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Link(kLink), "drill", lost).ok());
  ASSERT_TRUE(fleet_.core_->Restore(Scope::Link(kLink), lost).ok());
  send().closed = true;  // the lease before the lost one
  Connect();             // forgets what was sent in the session before
  fleet_.Pass(absl::Seconds(1.2));
  fleet_.Obey(kLink.src);
  EXPECT_FALSE(fleet_.Request(kLink)) << fleet_.View(kLink).why;
}

}  // namespace
}  // namespace sluice
