#include "controller/policy/ledger.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr BootNonce kBoot{1};
constexpr BootNonce kOtherBoot{2};

Quota MakeQuota(uint64_t volume, std::optional<absl::Duration> window = std::nullopt) {
  Quota quota;
  quota.rate = BitRate{8'000'000};
  quota.burst = Bytes{10'000};
  quota.volume = Bytes{volume};
  quota.window = window;
  quota.lease_lifetime = absl::Seconds(1);
  return quota;
}

LinkAccount MakeAccount(uint64_t spent, uint64_t reported, uint64_t ceiling) {
  LinkAccount account;
  account.spent = Bytes{spent};
  account.boot = kBoot;
  account.reported = Bytes{reported};
  account.ceiling = Bytes{ceiling};
  return account;
}

SenderCount Count(uint64_t admitted, bool final = false) {
  SenderCount count{kBoot, Bytes{admitted}, std::nullopt, Bytes{0}};
  if (final) count.bound = count.admitted;
  return count;
}

TEST(LedgerTest, OutstandingAndAvailable) {
  const LinkAccount account = MakeAccount(300, 300, 500);
  EXPECT_EQ(Outstanding(account), Bytes{200});
  EXPECT_EQ(Left(MakeQuota(1000), account), Bytes{700});
  EXPECT_EQ(Available(MakeQuota(1000), account), Bytes{500});
  EXPECT_EQ(Available(MakeQuota(400), account), Bytes{0});
}

TEST(LedgerTest, ReportMovesOutstandingToSpent) {
  const LinkAccount account = Reported(MakeAccount(300, 300, 500), Count(450));
  EXPECT_EQ(account.spent, Bytes{450});
  EXPECT_EQ(Outstanding(account), Bytes{50});
}

TEST(LedgerTest, RepeatedAndReorderedReportsChangeNothing) {
  const LinkAccount account = Reported(MakeAccount(300, 300, 500), Count(450));
  EXPECT_EQ(Reported(account, Count(450)), account);
  EXPECT_EQ(Reported(account, Count(400)), account);
  EXPECT_EQ(Reported(account, Count(400, /*final=*/true)), account);
}

TEST(LedgerTest, ReportOfAnotherBootChangesNothing) {
  const LinkAccount account = MakeAccount(300, 300, 500);
  EXPECT_EQ(Reported(account, SenderCount{kOtherBoot, Bytes{450}, Bytes{450}, Bytes{0}}), account);
}

TEST(LedgerTest, FinalReportGivesBackTheRestOnce) {
  LinkAccount account = Reported(MakeAccount(300, 300, 500), Count(350, /*final=*/true));
  EXPECT_EQ(account.spent, Bytes{350});
  EXPECT_EQ(Outstanding(account), Bytes{0});
  EXPECT_EQ(Available(MakeQuota(1000), account), Bytes{650});
  EXPECT_EQ(Reported(account, Count(350, /*final=*/true)), account);
}

TEST(LedgerTest, TheNewestLeasesLimitInForceGivesBackWhatOlderOnesAllowed) {
  const LinkAccount account =
      Reported(MakeAccount(300, 300, 900), SenderCount{kBoot, Bytes{320}, Bytes{500}, Bytes{0}});
  EXPECT_EQ(account.spent, Bytes{320});
  EXPECT_EQ(Outstanding(account), Bytes{180});
}

TEST(LedgerTest, ABoundFromBeforeTheCloseDoesNotRaiseTheCeilingAgain) {
  const LinkAccount closed = Reported(MakeAccount(300, 300, 900), Count(320, /*final=*/true));
  const SenderCount repeated{kBoot, Bytes{320}, Bytes{500}, Bytes{0}};
  EXPECT_EQ(Reported(closed, repeated), closed);
}

TEST(LedgerTest, OverrunIsSpent) {
  const LinkAccount account = Reported(MakeAccount(300, 300, 500), Count(800));
  EXPECT_EQ(account.spent, Bytes{800});
  EXPECT_EQ(account.ceiling, Bytes{800});
}

TEST(LedgerTest, UnknownLimitOfTheGateIsOutstanding) {
  const LinkAccount account = Reported(MakeAccount(300, 300, 500),
                                       SenderCount{kBoot, Bytes{300}, std::nullopt, Bytes{900}});
  EXPECT_EQ(Outstanding(account), Bytes{600});
}

TEST(LedgerTest, RebootSpendsWhatWasOutstanding) {
  const LinkAccount account = Rebooted(MakeAccount(300, 300, 500), kOtherBoot, Bytes{0});
  EXPECT_EQ(account.spent, Bytes{500});
  EXPECT_EQ(Outstanding(account), Bytes{0});
  EXPECT_EQ(account.boot, kOtherBoot);
  EXPECT_EQ(LifeReported(account), Bytes{500});
}

TEST(LedgerTest, WhatTheFirstBootHasCountedAlreadyIsSpent) {
  const LinkAccount account = Rebooted(LinkAccount{}, kBoot, Bytes{7'000});
  EXPECT_EQ(account.spent, Bytes{7'000});
  EXPECT_EQ(account.reported, Bytes{7'000});
  EXPECT_EQ(Outstanding(account), Bytes{0});
}

TEST(LedgerTest, CountUnderAnUnknownBootIsSpent) {
  const LinkAccount account = Rebooted(MakeAccount(300, 300, 300), kOtherBoot, Bytes{40});
  EXPECT_EQ(account.spent, Bytes{340});
}

TEST(LedgerTest, WindowRollsOnItsGridAndKeepsOutstanding) {
  const Quota quota = MakeQuota(1000, absl::Hours(1));
  LinkAccount account = MakeAccount(900, 900, 1000);
  const LedgerTime start{};
  EXPECT_EQ(Rolled(quota, account, start + absl::Minutes(59)), account);
  account = Rolled(quota, account, start + absl::Hours(3) + absl::Minutes(20));
  EXPECT_EQ(account.spent, Bytes{0});
  EXPECT_EQ(account.window_start, start + absl::Hours(3));
  EXPECT_EQ(Outstanding(account), Bytes{100});
  EXPECT_EQ(Available(quota, account), Bytes{900});
  EXPECT_EQ(WindowRemaining(quota, account, start + absl::Hours(3) + absl::Minutes(20)),
            absl::Minutes(40));
}

TEST(LedgerTest, LifetimeQuotaNeverRolls) {
  const LinkAccount account = MakeAccount(900, 900, 1000);
  EXPECT_EQ(Rolled(MakeQuota(1000), account, LedgerTime{} + absl::Hours(24 * 365)), account);
  EXPECT_EQ(WindowRemaining(MakeQuota(1000), account, LedgerTime{}), std::nullopt);
}

TEST(LedgerTest, CountsStopAtTheLargestThatALeaseMayName) {
  LinkAccount account = MakeAccount(0, 0, 0);
  account = Reported(account, Count(~uint64_t{0}));
  EXPECT_EQ(account.reported, kMaxCount);
  EXPECT_EQ(account.spent, kMaxCount);
  account = Rebooted(account, kOtherBoot, Bytes{~uint64_t{0}});
  EXPECT_EQ(account.settled, kMaxCount);
  EXPECT_EQ(ReceiverLimit(account, ReceiverBase{}), kMaxCount);
}

TEST(LedgerTest, ReceiverLimitFollowsTheSendersCeiling) {
  LinkAccount account = MakeAccount(3'200'000, 3'200'000, 6'400'000);
  ReceiverBase base;  // both counters began together
  EXPECT_EQ(ReceiverLimit(account, base), Bytes{6'400'000 + 200'000 + 65'536});
  // The sender reboots: its next counter adds to what was charged before.
  account = Rebooted(account, kOtherBoot, Bytes{0});
  account.ceiling = Bytes{3'200'000};
  EXPECT_EQ(ReceiverLimit(account, base), Bytes{9'600'000 + 300'000 + 65'536});
  // The receiver reboots: only what the sender is still charged counts.
  base = ReceiverBase{kBoot, Bytes{0}, LifeReported(account)};
  EXPECT_EQ(ReceiverLimit(account, base), Bytes{3'200'000 + 100'000 + 65'536});
}

TEST(LedgerTest, ConservativeLifetimeIsLongerThanAnyClockWouldHaveIt) {
  const absl::Duration d = ConservativeLifetime(absl::Seconds(30), 0.001, absl::Milliseconds(10));
  EXPECT_GT(d, absl::Seconds(30) * 1.002);
  EXPECT_LT(d, absl::Seconds(30) * 1.003);
}

}  // namespace
}  // namespace sluice
