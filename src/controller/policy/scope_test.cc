#include "controller/policy/scope.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

ScopeRecord Fleet(uint64_t volume, std::optional<absl::Duration> window = std::nullopt) {
  ScopeRecord scope;
  scope.quota.volume = Bytes{volume};
  scope.quota.rate = BitRate{1'000'000};
  scope.quota.burst = Bytes{10'000};
  scope.quota.window = window;
  scope.quota.lease_lifetime = absl::Seconds(10);
  return scope;
}

LinkCharge Charge(uint64_t reported, uint64_t outstanding, uint64_t rate = 0) {
  return {Bytes{reported}, Bytes{outstanding}, BitRate{rate}, Bytes{rate / 100}};
}

TEST(ScopePolicyTest, SpentAndOutstandingAreChargedToTheVolume) {
  const ScopeRecord scope = Fleet(1'000);
  ScopeSums sums;
  sums += Charge(300, 100);
  sums += Charge(200, 50);
  EXPECT_EQ(Spent(scope, sums), Bytes{500});
  EXPECT_EQ(Left(scope, sums), Bytes{500});
  EXPECT_EQ(Available(scope, sums), Bytes{350});
  sums -= Charge(200, 50);
  EXPECT_EQ(Available(scope, sums), Bytes{600});
  sums += Charge(2'000, 0);
  EXPECT_EQ(Available(scope, sums), Bytes{0});
}

TEST(ScopePolicyTest, AWindowForgetsWhatIsSpentAndNotWhatIsOut) {
  ScopeRecord scope = Fleet(1'000, absl::Seconds(10));
  ScopeSums sums;
  sums += Charge(900, 60);
  EXPECT_EQ(Rolled(scope, sums, LedgerTime{9'999'999'999}), scope);
  scope = Rolled(scope, sums, LedgerTime{25'000'000'000});
  EXPECT_EQ(scope.window_start, LedgerTime{20'000'000'000});
  EXPECT_EQ(Spent(scope, sums), Bytes{0});
  EXPECT_EQ(Available(scope, sums), Bytes{940});
}

TEST(ScopePolicyTest, LinksComeAndGo) {
  ScopeRecord scope = Fleet(1'000);
  ScopeSums sums;
  const LinkCharge charge = Charge(300, 100);
  sums += charge;
  Leave(scope, charge);
  sums -= charge;
  EXPECT_EQ(Spent(scope, sums), Bytes{400}) << "what was out counts as spent";
  Enter(scope, charge);
  sums += charge;
  EXPECT_EQ(Spent(scope, sums), Bytes{400});
  EXPECT_EQ(Available(scope, sums), Bytes{500});
}

TEST(ScopePolicyTest, SumsOfExabytesDoNotWrap) {
  const ScopeRecord scope = Fleet(kMaxVolume.value);
  ScopeSums sums;
  for (int i = 0; i < 20'000; ++i) sums += {kMaxCount, kMaxCount, kMaxRate, kMaxBurst};
  EXPECT_EQ(Available(scope, sums), Bytes{0});
  EXPECT_TRUE(IsExceeded(scope, sums));
  for (int i = 0; i < 20'000; ++i) sums -= {kMaxCount, kMaxCount, kMaxRate, kMaxBurst};
  EXPECT_EQ(Available(scope, sums), kMaxVolume);
}

TEST(ScopePolicyTest, ARoomIsWhatOthersLeave) {
  const ScopeRecord scope = Fleet(1'000);
  ScopeSums sums;
  const LinkCharge own = Charge(100, 200, 600'000);
  sums += own;
  sums += Charge(0, 100, 300'000);
  const ScopeRoom room = RoomFor(scope, sums, own, 2, LedgerTime{});
  EXPECT_EQ(room.volume, Bytes{800});
  EXPECT_EQ(room.volume_share, Bytes{400});
  EXPECT_EQ(room.rate, BitRate{700'000});
  EXPECT_EQ(room.rate_share, BitRate{500'000});
  EXPECT_TRUE(room.returns);
}

TEST(ScopePolicyTest, WhatIsOutBeyondALoweredVolumeIsNoRoom) {
  ScopeSums sums;
  const LinkCharge own = Charge(100, 200);
  sums += own;
  sums += Charge(300, 400);
  EXPECT_EQ(RoomFor(Fleet(1'000), sums, own, 1, LedgerTime{}).volume, Bytes{200});
  EXPECT_EQ(RoomFor(Fleet(850), sums, own, 1, LedgerTime{}).volume, Bytes{50});
  EXPECT_EQ(RoomFor(Fleet(500), sums, own, 1, LedgerTime{}).volume, Bytes{0});
}

TEST(ScopePolicyTest, AChangedQuotaCarriesWhatWasSpent) {
  ScopeSums sums;
  sums += Charge(500, 0);
  const ScopeRecord first = Changed(std::nullopt, Fleet(1'000).quota, sums, LedgerTime{5});
  EXPECT_EQ(Spent(first, sums), Bytes{0}) << "a new life";
  sums += Charge(70, 0);
  const ScopeRecord second =
      Changed(first, Fleet(2'000, absl::Seconds(10)).quota, sums, LedgerTime{9});
  EXPECT_EQ(Spent(second, sums), Bytes{70});
  EXPECT_EQ(second.window_start, LedgerTime{9});
}

}  // namespace
}  // namespace sluice
