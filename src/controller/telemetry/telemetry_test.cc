#include "controller/telemetry/telemetry.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

const LinkName kLink{"a1", "b1"};
const absl::Time kWall = absl::FromUnixSeconds(1'800'000'000);

LinkView View(uint64_t sent, absl::Duration age = absl::ZeroDuration()) {
  LinkView view;
  view.link = kLink;
  view.leased_rate = BitRate{1'000};
  view.sender = EndView{sent, 1, age, absl::Seconds(1)};
  return view;
}

class TelemetryTest : public testing::Test {
 protected:
  void Take(const LinkView& view) {
    now_ = now_ + absl::Seconds(1);
    wall_ += absl::Seconds(1);
    telemetry_.Take({view}, now_, wall_);
  }
  std::optional<double> Sent() { return telemetry_.RatesOf(kLink).sent_bps; }

  Telemetry telemetry_{absl::Milliseconds(200)};
  BootTime now_{1'000'000'000};
  absl::Time wall_ = kWall;
};

TEST_F(TelemetryTest, ARateIsBetweenTwoReports) {
  Take(View(1'000));
  EXPECT_EQ(Sent(), std::nullopt) << "one report says nothing of a rate";
  Take(View(2'000));
  EXPECT_DOUBLE_EQ(*Sent(), 8'000);
  EXPECT_EQ(telemetry_.RatesOf(kLink).received_bps, std::nullopt);
  EXPECT_EQ(telemetry_.RatesOf({"b1", "a1"}).sent_bps, std::nullopt);
}

TEST_F(TelemetryTest, TheReportsTimeCountsNotOurs) {
  Take(View(0, absl::Milliseconds(500)));
  Take(View(1'000, absl::Milliseconds(100)));
  EXPECT_NEAR(*Sent(), 8'000 / 1.4, 1e-6);
}

TEST_F(TelemetryTest, WithoutNewReportsTheRateBecomesUnknown) {
  Take(View(0));
  Take(View(1'000));
  for (int i = 1; i <= 3; ++i) {
    Take(View(1'000, absl::Seconds(i)));
    EXPECT_DOUBLE_EQ(*Sent(), 8'000);
  }
  Take(View(1'000, absl::Seconds(4)));
  EXPECT_EQ(Sent(), std::nullopt);
}

TEST_F(TelemetryTest, ACounterThatBeginsAnewHasNoRate) {
  Take(View(5'000));
  Take(View(100));
  EXPECT_EQ(Sent(), std::nullopt);
  Take(View(200));
  EXPECT_DOUBLE_EQ(*Sent(), 800);
}

TEST_F(TelemetryTest, RefusedPacketsHaveARate) {
  Take(View(0));
  LinkView view = View(0);
  view.sender->refused = 7;
  view.receiver = EndView{0, 0, absl::ZeroDuration(), absl::Seconds(1), 40};
  Take(view);
  EXPECT_DOUBLE_EQ(*telemetry_.RatesOf(kLink).refused_pps, 7) << "the receiver's are not known yet";
  view.receiver->refused = 43;
  Take(view);
  EXPECT_DOUBLE_EQ(*telemetry_.RatesOf(kLink).refused_pps, 3);
}

TEST_F(TelemetryTest, AReportIsTheSameThoughItsAgeWasReckonedLater) {
  Take(View(0));
  Take(View(1'000));
  Take(View(1'000, absl::Milliseconds(998)));
  EXPECT_DOUBLE_EQ(*Sent(), 8'000);
}

TEST_F(TelemetryTest, SlowHeartbeatsAreNotOld) {
  Telemetry slow(absl::Seconds(5));
  slow.Take({View(0)}, now_, wall_);
  slow.Take({View(1'000)}, now_ + absl::Seconds(5), wall_);
  slow.Take({View(1'000, absl::Seconds(5))}, now_ + absl::Seconds(10), wall_);
  EXPECT_DOUBLE_EQ(*slow.RatesOf(kLink).sent_bps, 1'600);
}

TEST_F(TelemetryTest, HistoryOutlivesTheLinkByADay) {
  Take(View(0));
  Take(View(1'000));
  Take(View(2'000));
  ASSERT_TRUE(telemetry_.HistoryOf(kLink));
  EXPECT_EQ(telemetry_.HistoryOf(kLink)->at(0).points.size(), 2U);
  telemetry_.Take({}, now_ + absl::Hours(23), wall_);
  EXPECT_EQ(Sent(), std::nullopt);
  EXPECT_TRUE(telemetry_.HistoryOf(kLink));
  telemetry_.Take({}, now_ + absl::Hours(25), wall_);
  EXPECT_FALSE(telemetry_.HistoryOf(kLink));
}

}  // namespace
}  // namespace sluice
