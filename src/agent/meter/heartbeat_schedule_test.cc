#include "agent/meter/heartbeat_schedule.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr BootTime kFirst{1'000'000'000};

TEST(HeartbeatScheduleTest, IsRegular) {
  HeartbeatSchedule schedule;
  EXPECT_TRUE(schedule.Due(kFirst));
  schedule.Sent(kFirst);
  EXPECT_FALSE(schedule.Due(kFirst + absl::Milliseconds(199)));
  EXPECT_TRUE(schedule.Due(kFirst + absl::Milliseconds(200)));
}

TEST(HeartbeatScheduleTest, ChangesAreToldSoonButTogether) {
  HeartbeatSchedule schedule;
  schedule.Sent(kFirst);
  schedule.Changed();
  EXPECT_FALSE(schedule.Due(kFirst + absl::Milliseconds(19)));
  EXPECT_TRUE(schedule.Due(kFirst + absl::Milliseconds(20)));
  schedule.Sent(kFirst + absl::Milliseconds(20));
  EXPECT_FALSE(schedule.Due(kFirst + absl::Milliseconds(200)));
}

TEST(HeartbeatScheduleTest, AChangeAfterAQuietTimeIsToldAtOnce) {
  HeartbeatSchedule schedule;
  schedule.Sent(kFirst);
  schedule.Changed();
  EXPECT_TRUE(schedule.Due(kFirst + absl::Milliseconds(100)));
}

TEST(HeartbeatScheduleTest, ANewSessionBeginsWithOne) {
  HeartbeatSchedule schedule;
  schedule.Sent(kFirst);
  schedule.Restart();
  EXPECT_TRUE(schedule.Due(kFirst));
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
