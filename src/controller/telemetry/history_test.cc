#include "controller/telemetry/history.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice {
namespace {

constexpr int64_t kStart = 1'800'000'000;  // a multiple of 300

HistoryPoint Sent(float bps) { return {bps, bps / 2, 100, 1, bps}; }

TEST(HistoryTest, SecondsBecomeMeans) {
  History history;
  for (int64_t s = 0; s <= 30; ++s) history.Add(kStart + s, Sent(static_cast<float>(s)));
  const auto series = history.Series();
  ASSERT_EQ(series.size(), 3U);
  EXPECT_EQ(series[0].step_s, 1);
  EXPECT_EQ(series[0].first_s, kStart);
  ASSERT_EQ(series[0].points.size(), 30U);
  EXPECT_EQ(series[0].points[29].sent_bps, 29);
  EXPECT_EQ(series[1].step_s, 15);
  EXPECT_EQ(series[1].first_s, kStart);
  ASSERT_EQ(series[1].points.size(), 2U);
  EXPECT_EQ(series[1].points[0].sent_bps, 7);
  EXPECT_EQ(series[1].points[1].sent_bps, 22);
  EXPECT_EQ(series[1].points[1].received_bps, 11);
  EXPECT_EQ(series[1].points[1].used_bytes, 29) << "not a mean: it is a total";
  EXPECT_TRUE(series[2].points.empty());
}

TEST(HistoryTest, WhatWasNotSeenIsUnknown) {
  History history;
  history.Add(kStart, Sent(1));
  history.Add(kStart + 3, Sent(2));
  history.Add(kStart + 4, Sent(3));
  const HistorySeries series = history.Series()[0];
  ASSERT_EQ(series.points.size(), 4U);
  EXPECT_TRUE(std::isnan(series.points[1].sent_bps));
  EXPECT_TRUE(std::isnan(series.points[2].leased_bps));
  EXPECT_EQ(series.points[3].sent_bps, 2);
}

TEST(HistoryTest, UnknownValuesAreNotInTheMean) {
  History history;
  history.Add(kStart, Sent(10));
  HistoryPoint unknown = Sent(0);
  unknown.sent_bps = kUnknown;
  history.Add(kStart + 1, unknown);
  history.Add(kStart + 15, Sent(0));
  EXPECT_EQ(history.Series()[1].points.at(0).sent_bps, 10);
  EXPECT_EQ(history.Series()[1].points.at(0).leased_bps, 100);
}

TEST(HistoryTest, MemoryIsBoundedAndADayIsKept) {
  History history;
  constexpr int64_t kTwoDays = 2 * 24 * 60 * 60;
  for (int64_t s = 0; s <= kTwoDays; ++s) history.Add(kStart + s, Sent(static_cast<float>(s)));
  const auto series = history.Series();
  EXPECT_EQ(series[0].points.size(), 120U);
  EXPECT_EQ(series[0].points.back().sent_bps, static_cast<float>(kTwoDays - 1));
  EXPECT_EQ(series[1].points.size(), 240U);
  EXPECT_EQ(series[2].points.size(), 288U);
  EXPECT_EQ(series[2].first_s, kStart + kTwoDays - 24 * 60 * 60);
  EXPECT_LT(series[2].points.front().sent_bps, series[2].points.back().sent_bps);
}

TEST(HistoryTest, TimeThatGoesBackIsLeftOut) {
  History history;
  for (const int64_t s : {5, 3, 5, 6, 7}) history.Add(kStart + s, Sent(static_cast<float>(s)));
  EXPECT_EQ(history.Series()[0].points.size(), 2U);
}

TEST(HistoryTest, AfterALongStepBackItBeginsAnew) {
  History history;
  for (const int64_t s : {5, 6, 7}) history.Add(kStart + s, Sent(1));
  for (const int64_t s : {1, 2, 3, 4}) history.Add(kStart - 3'600 + s, Sent(2));
  const HistorySeries series = history.Series()[0];
  EXPECT_EQ(series.first_s, kStart - 3'600 + 1);
  EXPECT_EQ(series.points.size(), 3U);
}

TEST(HistoryTest, ALongGapIsNoLongWork) {
  History history;
  history.Add(1, Sent(1));
  history.Add(int64_t{1} << 50, Sent(2));
  EXPECT_EQ(history.Series()[0].points.size(), 120U);
}

}  // namespace
}  // namespace sluice
