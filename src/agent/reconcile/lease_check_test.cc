#include "agent/reconcile/lease_check.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/quota.h"

namespace sluice {
namespace {

constexpr BootTime kInstant{100'000'000'000};

Lease GoodLease() {
  Lease lease;
  lease.fleet = "f1";
  lease.node = "a1";
  lease.boot_nonce = {1, 2, 3};
  lease.side = {{"a1", "b1"}, Role::kSend};
  lease.sequence = 7;
  lease.rate = BitRate{100'000'000};
  lease.burst = Bytes{32'768};
  lease.volume_limit = Bytes{1'000'000};
  lease.anchor = kInstant + absl::Milliseconds(-5);
  lease.lifetime = absl::Seconds(30);
  return lease;
}

LeaseContext GoodContext() {
  LeaseContext context;
  context.fleet = "f1";
  context.node = "a1";
  context.boot_nonce = {1, 2, 3};
  context.link_configured = true;
  context.newest_sequence = 6;
  context.now = kInstant;
  return context;
}

TEST(CheckLeaseTest, AcceptsAGoodLease) {
  EXPECT_EQ(CheckLease(GoodLease(), GoodContext()), std::nullopt);
}

TEST(CheckLeaseTest, AcceptsTheReceivingEnd) {
  Lease lease = GoodLease();
  lease.side = {{"b1", "a1"}, Role::kReceive};
  EXPECT_EQ(CheckLease(lease, GoodContext()), std::nullopt);
}

TEST(CheckLeaseTest, RefusesForeignFleet) {
  Lease lease = GoodLease();
  lease.fleet = "f2";
  EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kForeignFleet);
}

TEST(CheckLeaseTest, RefusesForeignNode) {
  Lease lease = GoodLease();
  lease.node = "a2";
  EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kForeignNode);
}

TEST(CheckLeaseTest, RefusesTheWrongEndOfALink) {
  Lease lease = GoodLease();
  lease.side.role = Role::kReceive;  // of a1>b1, whose receiver is b1
  EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kForeignNode);
}

TEST(CheckLeaseTest, RefusesAnotherBoot) {
  Lease lease = GoodLease();
  lease.boot_nonce[15] = 1;
  EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kOtherBoot);
}

TEST(CheckLeaseTest, RefusesAnUnconfiguredLink) {
  LeaseContext context = GoodContext();
  context.link_configured = false;
  EXPECT_EQ(CheckLease(GoodLease(), context), LeaseRefusal::kUnknownLink);
}

TEST(CheckLeaseTest, RefusesReplayAndReordering) {
  LeaseContext context = GoodContext();
  context.newest_sequence = 7;
  EXPECT_EQ(CheckLease(GoodLease(), context), LeaseRefusal::kNotNewer);
  context.newest_sequence = 8;
  EXPECT_EQ(CheckLease(GoodLease(), context), LeaseRefusal::kNotNewer);
}

TEST(CheckLeaseTest, RefusesAnAnchorInTheFuture) {
  Lease lease = GoodLease();
  lease.anchor = kInstant + absl::Nanoseconds(1);
  EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kAnchorInFuture);
  lease.anchor = kInstant;
  EXPECT_EQ(CheckLease(lease, GoodContext()), std::nullopt);
}

TEST(CheckLeaseTest, RefusesWhatHasExpired) {
  Lease lease = GoodLease();
  lease.anchor = kInstant + -lease.lifetime;
  EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kExpired);
  lease.anchor = lease.anchor + absl::Nanoseconds(1);
  EXPECT_EQ(CheckLease(lease, GoodContext()), std::nullopt);
}

TEST(CheckLeaseTest, RefusesWhatIsOutOfRange) {
  for (int field = 0; field < 8; ++field) {
    Lease lease = GoodLease();
    if (field == 0) lease.rate = BitRate{kMinRate.bps - 1};
    if (field == 1) lease.rate = BitRate{kMaxRate.bps + 1};
    if (field == 2) lease.volume_limit = Bytes{kMaxVolume.value + 1};
    if (field == 3) lease.lifetime = absl::ZeroDuration();
    if (field == 4) lease.lifetime = absl::Nanoseconds(-1);
    if (field == 5) lease.lifetime = kMaxLeaseLifetime + absl::Minutes(6);
    if (field == 6) lease.burst = Bytes{~uint64_t{0}};
    if (field == 7) lease.anchor = BootTime{-1};
    EXPECT_EQ(CheckLease(lease, GoodContext()), LeaseRefusal::kOutOfRange) << "field " << field;
  }
}

TEST(CheckLeaseTest, TakesTheFastestAndTheSlowest) {
  Lease lease = GoodLease();
  lease.rate = kMaxRate;
  lease.volume_limit = kMaxVolume;
  lease.lifetime = kMaxLeaseLifetime;
  EXPECT_EQ(CheckLease(lease, GoodContext()), std::nullopt);
  lease.rate = kMinRate;
  EXPECT_EQ(CheckLease(lease, GoodContext()), std::nullopt);
}

TEST(CheckLeaseTest, EveryRefusalHasItsOwnWords) {
  std::set<std::string> words;
  for (size_t i = 0; i < kLeaseRefusals; ++i) {
    words.insert(std::string(LeaseRefusalWords(static_cast<LeaseRefusal>(i))));
  }
  EXPECT_EQ(words.size(), kLeaseRefusals);
  EXPECT_EQ(words.count("unknown"), 0u);
}

}  // namespace
}  // namespace sluice
