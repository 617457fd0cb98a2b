#include "datapath/gate_words.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr BootTime kNow{5'000'000'000};

uint64_t Units(int64_t ns) { return static_cast<uint64_t>(ns) << SLUICE_CLOCK_SHIFT; }

ClockWords ClockOf(uint64_t bps) { return {CostQ24(BitRate{bps}), 1'000'000, 5'000'000, 0}; }

sluice_slot OpenSlot(uint64_t bps, int64_t waits_ns) {
  sluice_slot slot{};
  GateLease lease;
  lease.expires_at = kNow + absl::Seconds(10);
  WriteLease(slot, lease, ClockOf(bps));
  slot.next = Units(kNow.ns + waits_ns);
  return slot;
}

TEST(CarryClockTest, ClosedSlotHasNothingWaitingAndNoBurst) {
  sluice_slot slot = OpenSlot(8'000, 3'000'000'000);
  CloseSlot(slot);
  CarryClock(slot, ClockOf(10'000'000), kNow);
  EXPECT_EQ(slot.next, Units(kNow.ns));
}

TEST(CarryClockTest, HigherRateShortensWhatWaits) {
  sluice_slot slot = OpenSlot(1'000'000, 100'000'000);
  CarryClock(slot, ClockOf(10'000'000), kNow);
  EXPECT_NEAR(static_cast<double>(slot.next - Units(kNow.ns)),
              static_cast<double>(Units(10'000'000)), 1000);
}

TEST(CarryClockTest, LowerOrEqualRateAndRenewalChangeNothing) {
  for (const uint64_t bps : {1'000'000, 100'000}) {
    sluice_slot slot = OpenSlot(1'000'000, 100'000'000);
    const uint64_t before = slot.next;
    CarryClock(slot, ClockOf(bps), kNow);
    EXPECT_EQ(slot.next, before);
  }
}

TEST(CarryClockTest, ClockBehindNowKeepsItsBurst) {
  for (const bool closed : {false, true}) {
    sluice_slot slot = OpenSlot(1'000'000, -500'000);
    if (closed) CloseSlot(slot);
    const uint64_t before = slot.next;
    CarryClock(slot, ClockOf(10'000'000), kNow);
    EXPECT_EQ(slot.next, before);
  }
}

}  // namespace
}  // namespace sluice
