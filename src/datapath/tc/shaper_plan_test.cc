#include "datapath/tc/shaper_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/quota.h"
#include "os/netlink/tc.h"

namespace sluice {
namespace {

constexpr int kMtu = 1500;
constexpr uint64_t kSuperPacket = 69'000;

std::vector<BitRate> Rates() {
  std::vector<BitRate> rates;
  for (uint64_t bps = kMinRate.bps; bps < kMaxRate.bps; bps = bps * 3 / 2 + 1) {
    rates.push_back(BitRate{bps});
  }
  rates.push_back(kMaxRate);
  return rates;
}

// The longest packet that leaves the leaf in one piece.
uint64_t LongestPiece(const ShaperPlan& plan) {
  return std::min<uint64_t>(plan.leaf.max_size, kSuperPacket);
}

TEST(PlanHtbTest, NeverLetsMoreOutThanTheLeaseAllows) {
  for (const BitRate rate : Rates()) {
    for (const uint64_t burst : {1'500UL, 3'000UL, 4'000UL, 10'000UL, 32'768UL, 66'000UL, 100'000UL,
                                 DefaultBurst(rate).value, 1UL << 26}) {
      const auto plan = PlanHtb(rate, Bytes{burst}, kMtu);
      ASSERT_TRUE(plan.ok()) << rate.bps << " " << burst << ": " << plan.status();
      // HTB lets a piece out while the class is not in debt.
      EXPECT_LE(plan->htb.burst + LongestPiece(*plan), burst) << rate.bps;
      EXPECT_LE(plan->htb.rate * 8, rate.bps);
      EXPECT_GT((plan->htb.rate + 1) * 8, rate.bps);
      EXPECT_GE(plan->leaf.max_size, static_cast<uint32_t>(kMtu)) << "or full packets are lost";
    }
  }
}

// What the kernel charges for a packet of `size` (psched_l2t_ns), in ns.
uint64_t KernelCost(const HtbClass& htb, uint64_t size) {
  uint64_t factor = 1'000'000'000, mult = 1;
  int shift = 0;
  for (;;) {
    mult = factor / htb.rate;
    if ((mult & (1ULL << 31)) || (factor & (1ULL << 63))) break;
    factor <<= 1;
    ++shift;
  }
  return (size + htb.overhead) * static_cast<uint32_t>(mult) >> shift;
}

TEST(PlanHtbTest, OutweighsTheKernelsRounding) {
  for (const BitRate rate : Rates()) {
    const auto plan = PlanHtb(rate, DefaultBurst(rate), kMtu);
    ASSERT_TRUE(plan.ok());
    for (const uint64_t size : {20UL, 64UL, 577UL, 1'500UL}) {
      const uint64_t exact = static_cast<uint64_t>(
          absl::ToInt64Nanoseconds(absl::Floor(TimeFor(Bytes{size}, rate), absl::Nanoseconds(1))));
      EXPECT_GE(KernelCost(plan->htb, size), exact) << rate.bps << " " << size;
    }
  }
  EXPECT_EQ(PlanHtb(BitRate{100'000'000}, Bytes{125'000}, kMtu)->htb.overhead, 0)
      << "80 ns a byte are exact";
}

TEST(PlanHtbTest, KeepsTheSameQueueAsTheGatesClock) {
  for (const BitRate rate : Rates()) {
    const auto plan = PlanHtb(rate, DefaultBurst(rate), kMtu);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(absl::Nanoseconds(plan->words.burst_ns), TimeFor(Bytes{plan->htb.burst}, rate));
    EXPECT_EQ(plan->htb.peak, plan->htb.rate);
    EXPECT_EQ(plan->htb.peak_burst, plan->htb.burst);
    EXPECT_EQ(plan->words.rate, rate) << "a slower clock would police what never queues";
  }
}

// A packet that the gate has debited must not be dropped behind it.
TEST(PlanHtbTest, HasRoomForAllThatTheGateAdmits) {
  for (const BitRate rate : Rates()) {
    const auto plan = PlanHtb(rate, DefaultBurst(rate), kMtu);
    ASSERT_TRUE(plan.ok());
    const uint64_t admitted =
        BytesIn(rate, absl::Nanoseconds(plan->words.queue_ns)).value + kSuperPacket;
    EXPECT_GE(plan->leaf.limit, std::min<uint64_t>(admitted, 1UL << 31)) << rate.bps;
  }
}

TEST(PlanHtbTest, MarksBeforeItDrops) {
  for (const BitRate rate : Rates()) {
    const auto plan = PlanHtb(rate, DefaultBurst(rate), kMtu);
    ASSERT_TRUE(plan.ok());
    EXPECT_GT(plan->words.mark_ns, 0U);
    EXPECT_LT(plan->words.mark_ns, plan->words.queue_ns);
  }
}

TEST(PlanHtbTest, RefusesABurstSmallerThanAPacket) {
  EXPECT_TRUE(PlanHtb(BitRate{8'000}, Bytes{3'000}, 3'000).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(PlanHtb(BitRate{8'000}, Bytes{3'000}, 9'000).status()));
}

TEST(PlanEdtTest, KeepsTheWindowForPacketsThatFit) {
  for (const BitRate rate : Rates()) {
    const auto words = PlanEdt(rate, DefaultBurst(rate), kMtu);
    ASSERT_TRUE(words.ok());
    const uint64_t sent_at_once = BytesIn(rate, absl::Nanoseconds(words->burst_ns)).value + kMtu;
    EXPECT_LE(sent_at_once, DefaultBurst(rate).value + rate.bps / 8'000'000'000 + 1) << rate.bps;
    const auto whole = absl::Nanoseconds(words->burst_ns + words->room_ns);
    EXPECT_LE(BytesIn(rate, whole).value, DefaultBurst(rate).value + rate.bps / 8'000'000'000)
        << rate.bps;
    EXPECT_GE(BytesIn(rate, absl::Nanoseconds(words->room_ns)).value + 1, kMtu) << rate.bps;
  }
}

}  // namespace
}  // namespace sluice
