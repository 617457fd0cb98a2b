#include "agent/probe/capacity_check.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

class CapacityCheckTest : public ::testing::Test {
 protected:
  // A measurement whose every try gives this.
  std::optional<PortCapacity> Measured(uint64_t claimed, absl::Duration took,
                                       BootTime asked = BootTime{}) {
    check_.Begin(BitRate{1'000'000'000}, now_);
    while (check_.Due(now_)) {
      check_.Try(now_);
      check_.Take({"b1", "fab0"}, claimed, {now_, 1'000'000, asked}, now_ + took);
      now_ = now_ + absl::Milliseconds(100);
    }
    now_ = now_ + absl::Milliseconds(100);
    return check_.Finish(now_) ? check_.result() : std::nullopt;
  }

  CapacityCheck check_;
  BootTime now_{1'000'000'000};
};

TEST_F(CapacityCheckTest, NoMoreThanWasSentInTheTimeItTook) {
  const auto all = Measured(1'000'000, absl::Milliseconds(8));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->rate.bps, 1'000'000'000u);
  EXPECT_EQ(Measured(500'000, absl::Milliseconds(8))->rate.bps, 500'000'000u);
  EXPECT_EQ(Measured(UINT64_MAX, absl::Milliseconds(8))->rate, all->rate);
  EXPECT_EQ(Measured(UINT64_MAX, absl::Nanoseconds(1))->rate.bps, 8'000'000'000'000'000u);
  EXPECT_EQ(Measured(1, absl::Seconds(1))->number, 5u);
}

TEST_F(CapacityCheckTest, NothingFromTimesThatCannotBe) {
  EXPECT_FALSE(Measured(1'000'000, absl::ZeroDuration()));
  EXPECT_FALSE(Measured(1'000'000, -absl::Seconds(1)));
  EXPECT_FALSE(Measured(0, absl::Seconds(1)));
  EXPECT_FALSE(Measured(1'000'000, absl::Milliseconds(1), BootTime{INT64_MAX}))
      << "an answer before the question";
}

TEST_F(CapacityCheckTest, NothingOfACableThatIsNoLongerThere) {
  ASSERT_TRUE(Measured(1'000'000, absl::Milliseconds(8)));
  check_.Clear();
  EXPECT_FALSE(check_.result());
}

}  // namespace
}  // namespace sluice
