#include "agent/tamper/clock_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::HasSubstr;

class ClockCheckTest : public ::testing::Test {
 protected:
  // A second passes by the hardware's clock.
  std::optional<std::string> Second(double rate = 1, absl::Duration suspended = {}) {
    now_.raw += absl::Seconds(1);
    now_.monotonic += absl::Seconds(rate);
    now_.boot += absl::Seconds(rate) + suspended;
    return check_.Check(now_);
  }
  std::string Minute(double rate) {
    for (int i = 0; i < 60; ++i) {
      if (auto words = Second(rate)) return *words;
    }
    return "";
  }

  ClockReading now_{absl::Hours(3), absl::Hours(2), absl::Hours(2)};
  ClockCheck check_;
};

TEST_F(ClockCheckTest, NtpAndSuspendAreNoTampering) {
  EXPECT_EQ(Minute(1.0005), "");
  EXPECT_EQ(Minute(0.9995), "");
  EXPECT_EQ(Second(1, absl::Hours(8)), std::nullopt);
  EXPECT_EQ(Minute(1), "");
}

TEST_F(ClockCheckTest, AClockThatRunsSlowIsNoticed) {
  EXPECT_THAT(Minute(0.9), HasSubstr("differs"));
  EXPECT_THAT(Minute(1.1), HasSubstr("differs"));
}

TEST_F(ClockCheckTest, AStepIsNoticedAtOnce) {
  ASSERT_EQ(Second(), std::nullopt);
  now_.monotonic += absl::Seconds(2);
  now_.boot += absl::Seconds(2);
  EXPECT_THAT(Second().value_or(""), HasSubstr("stepped by 2s"));
}

TEST_F(ClockCheckTest, ABootTimeThatGoesBackIsNoticed) {
  ASSERT_EQ(Second(), std::nullopt);
  now_.boot -= absl::Seconds(5);
  EXPECT_THAT(Second().value_or(""), HasSubstr("went back"));
  now_.boot -= absl::Milliseconds(500);
  EXPECT_THAT(Second().value_or(""), HasSubstr("lost time"));
}

}  // namespace
}  // namespace sluice
