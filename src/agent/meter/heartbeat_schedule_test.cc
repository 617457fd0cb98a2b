#include "agent/meter/heartbeat_schedule.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr BootTime kStart{1'000'000'000};

TEST(HeartbeatScheduleTest, IsRegular) {
  HeartbeatSchedule schedule;
  EXPECT_TRUE(schedule.Due(kStart));
  schedule.Sent(kStart);
  EXPECT_FALSE(schedule.Due(kStart + absl::Milliseconds(199)));
  EXPECT_TRUE(schedule.Due(kStart + absl::Milliseconds(200)));
}

TEST(HeartbeatScheduleTest, ChangesAreToldSoonButTogether) {
  HeartbeatSchedule schedule;
  schedule.Sent(kStart);
  schedule.Changed();
  EXPECT_FALSE(schedule.Due(kStart + absl::Milliseconds(19)));
  EXPECT_TRUE(schedule.Due(kStart + absl::Milliseconds(20)));
  schedule.Sent(kStart + absl::Milliseconds(20));
  EXPECT_FALSE(schedule.Due(kStart + absl::Milliseconds(200)));
}

TEST(HeartbeatScheduleTest, AChangeAfterAQuietTimeIsToldAtOnce) {
  HeartbeatSchedule schedule;
  schedule.Sent(kStart);
  schedule.Changed();
  EXPECT_TRUE(schedule.Due(kStart + absl::Milliseconds(100)));
}

TEST(HeartbeatScheduleTest, ANewSessionBeginsWithOne) {
  HeartbeatSchedule schedule;
  schedule.Sent(kStart);
  schedule.Restart();
  EXPECT_TRUE(schedule.Due(kStart));
}

TEST(HeartbeatScheduleTest, IntervalsFromOutsideAreCut) {
  HeartbeatSchedule schedule;
  schedule.SetInterval(absl::ZeroDuration());
  EXPECT_EQ(schedule.interval(), HeartbeatSchedule::kShortestInterval);
  schedule.SetInterval(-absl::InfiniteDuration());
  EXPECT_EQ(schedule.interval(), HeartbeatSchedule::kShortestInterval);
  schedule.SetInterval(absl::InfiniteDuration());
  EXPECT_EQ(schedule.interval(), HeartbeatSchedule::kLongestInterval);
}

}  // namespace
}  // namespace sluice
