#include "tunnel/xfrm/xfrm_limits.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

XfrmSaState State(uint64_t bytes, uint64_t packets, int64_t added) {
  XfrmSaState state;
  state.bytes = bytes;
  state.packets = packets;
  state.added = absl::FromUnixSeconds(added);
  return state;
}

TEST(XfrmLimitsTest, CountFromWhatTheSaHasCounted) {
  const XfrmSaState sa = State(5000, 7, 1000);
  const absl::Time now = absl::FromUnixSeconds(1010) + absl::Milliseconds(1);
  const XfrmLimits limits = LimitsFrom(sa, {Bytes{1000}, absl::Seconds(30)}, now);
  EXPECT_EQ(limits.bytes, 6000U);
  EXPECT_EQ(limits.packets, 7U + 1000 / 20 + 1);
  EXPECT_EQ(limits.seconds, 41U) << "rounded up";
}

TEST(XfrmLimitsTest, NeverWrapOrBecomeNone) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  EXPECT_EQ(LimitsFrom(State(5000, 0, 1000), {kMaxVolume, absl::InfiniteDuration()}, now).seconds,
            0U);
  EXPECT_EQ(LimitsFrom(State(~uint64_t{0}, 0, 1000), {kMaxVolume, absl::Seconds(1)}, now).bytes,
            kXfrmUnlimited);
  EXPECT_EQ(LimitsFrom(State(0, 0, 1000), {Bytes{0}, absl::ZeroDuration()}, now),
            (XfrmLimits{0, 1, 1}));
  EXPECT_EQ(LimitsFrom(State(0, 0, 2000), {Bytes{0}, absl::Seconds(1)}, now).seconds, 1U)
      << "a wall clock that was set back";
}

TEST(XfrmLimitsTest, WhatIsLeftGoesOver) {
  XfrmSaState old = State(400, 4, 1000);
  old.sa.limits = {1000, 10, 60};
  EXPECT_EQ(RemainingLimits(old, State(0, 0, 1020)), (XfrmLimits{600, 6, 40}));
  EXPECT_EQ(RemainingLimits(old, State(50, 1, 1020)), (XfrmLimits{650, 7, 40}));
  EXPECT_EQ(RemainingLimits(State(400, 4, 1000), State(0, 0, 1020)), XfrmLimits());
  old.bytes = 2000;
  EXPECT_EQ(RemainingLimits(old, State(0, 0, 2000)), (XfrmLimits{0, 6, 1}));
}

}  // namespace
}  // namespace sluice
