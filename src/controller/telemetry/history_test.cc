#include "controller/telemetry/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace sluice {
namespace {

constexpr int64_t kStart = 1'800'000'000;  // a multiple of 300

using Column = HistoryColumn;
constexpr size_t kRate = Column::Of(SLUICE_DROP_RATE);

HistoryPoint Sent(float bps) {
  HistoryPoint point;
  point[Column::kSentBps] = bps;
  point[Column::kReceivedBps] = bps / 2;
  point[Column::kLeasedBps] = 100;
  point[Column::kUsedBytes] = bps;
  return point;
}

// Nothing is known of what was refused with kUnknown.
HistoryPoint Refused(float at_rate) {
  HistoryPoint point;
  point[Column::kRefusedPps] = at_rate;
  for (size_t i = Column::kByReason; i < Column::kCount; ++i)
    point[i] = std::isnan(at_rate) ? kUnknown : 0;
  point[kRate] = at_rate;
  return point;
}

const std::vector<float>& SentIn(const HistorySeries& series) {
  return series.columns[Column::kSentBps];
}

size_t ColumnsIn(const HistorySeries& series) {
  return static_cast<size_t>(std::ranges::count_if(
      series.columns, [](const std::vector<float>& column) { return !column.empty(); }));
}

TEST(HistoryTest, SecondsBecomeMeans) {
  History history;
  for (int64_t s = 0; s <= 30; ++s) history.Add(kStart + s, Sent(static_cast<float>(s)));
  const auto series = history.Series();
  ASSERT_EQ(series.size(), 3U);
  EXPECT_EQ(series[0].step_s, 1);
  EXPECT_EQ(series[0].first_s, kStart);
  ASSERT_EQ(series[0].size, 30U);
  EXPECT_EQ(SentIn(series[0])[29], 29);
  EXPECT_EQ(series[1].step_s, 15);
  EXPECT_EQ(series[1].first_s, kStart);
  ASSERT_EQ(series[1].size, 2U);
  EXPECT_EQ(SentIn(series[1])[0], 7);
  EXPECT_EQ(SentIn(series[1])[1], 22);
  EXPECT_EQ(series[1].columns[Column::kReceivedBps][1], 11);
  EXPECT_EQ(series[1].columns[Column::kUsedBytes][1], 29) << "not a mean: it is a total";
  EXPECT_EQ(series[2].size, 0U);
}

TEST(HistoryTest, WhatWasNotSeenIsUnknown) {
  History history;
  history.Add(kStart, Sent(1));
  history.Add(kStart + 3, Sent(2));
  history.Add(kStart + 4, Sent(3));
  const HistorySeries series = history.Series()[0];
  ASSERT_EQ(series.size, 4U);
  EXPECT_TRUE(std::isnan(SentIn(series)[1]));
  EXPECT_TRUE(std::isnan(series.columns[Column::kLeasedBps][2]));
  EXPECT_EQ(SentIn(series)[3], 2);
}

TEST(HistoryTest, UnknownValuesAreNotInTheMean) {
  History history;
  history.Add(kStart, Sent(10));
  HistoryPoint unknown = Sent(0);
  unknown[Column::kSentBps] = kUnknown;
  history.Add(kStart + 1, unknown);
  history.Add(kStart + 15, Sent(0));
  EXPECT_EQ(SentIn(history.Series()[1]).at(0), 10);
  EXPECT_EQ(history.Series()[1].columns[Column::kLeasedBps].at(0), 100);
}

TEST(HistoryTest, MemoryIsBoundedAndADayIsKept) {
  History history;
  constexpr int64_t kTwoDays = 2 * 24 * 60 * 60;
  for (int64_t s = 0; s <= kTwoDays; ++s) history.Add(kStart + s, Sent(static_cast<float>(s)));
  const auto series = history.Series();
  EXPECT_EQ(series[0].size, 120U);
  EXPECT_EQ(SentIn(series[0]).back(), static_cast<float>(kTwoDays - 1));
  EXPECT_EQ(series[1].size, 240U);
  EXPECT_EQ(series[2].size, 288U);
  EXPECT_EQ(series[2].first_s, kStart + kTwoDays - 24 * 60 * 60);
  EXPECT_LT(SentIn(series[2]).front(), SentIn(series[2]).back());
}

TEST(HistoryTest, AReasonHasAColumnOnceItIsSeen) {
  History history;
  for (int64_t s = 0; s < 20; ++s) history.Add(kStart + s, Refused(0));
  EXPECT_EQ(ColumnsIn(history.Series()[0]), 1U) << "the sum alone";
  for (int64_t s = 20; s <= 30; ++s) history.Add(kStart + s, Refused(6));
  EXPECT_EQ(ColumnsIn(history.Series()[0]), 2U);
}

TEST(HistoryTest, AReasonIsNoneBeforeItIsSeenWhereTheSumWasKnown) {
  History history;
  history.Add(kStart, Refused(0));
  history.Add(kStart + 1, Refused(kUnknown));
  for (int64_t s = 3; s < 7; ++s) history.Add(kStart + s, Refused(0));
  for (int64_t s = 7; s <= 15; ++s) history.Add(kStart + s, Refused(13));
  const auto series = history.Series();
  const std::vector<float>& rate = series[0].columns[kRate];
  ASSERT_EQ(rate.size(), 15U);
  EXPECT_EQ(rate[0], 0);
  EXPECT_TRUE(std::isnan(rate[1])) << "nobody knew";
  EXPECT_TRUE(std::isnan(rate[2])) << "skipped";
  EXPECT_EQ(rate[3], 0);
  EXPECT_EQ(rate[7], 13);
  ASSERT_EQ(series[1].size, 1U);
  EXPECT_EQ(series[1].columns[kRate][0], 8) << "8 of 13 known seconds";
  EXPECT_EQ(series[1].columns[Column::kRefusedPps][0], 8);
}

TEST(HistoryTest, AReasonThatComesWithTheFirstKnownSumIsNotCountedTwice) {
  History history;
  for (int64_t s = 0; s <= 15; ++s) history.Add(kStart + s, Refused(4));
  EXPECT_EQ(history.Series()[1].columns[kRate].at(0), 4);
}

TEST(HistoryTest, WhatIsKnownLateWasUnknownBefore) {
  History history;
  history.Add(kStart, Refused(0));
  for (int64_t s = 1; s <= 2; ++s) history.Add(kStart + s, Sent(5));
  const HistorySeries series = history.Series()[0];
  EXPECT_TRUE(std::isnan(SentIn(series).at(0)));
  EXPECT_EQ(SentIn(series).at(1), 5);
}

TEST(HistoryTest, AGapLongerThanIsKeptIsUnknownThroughout) {
  History history;
  history.Add(kStart, Sent(7));
  history.Add(kStart + 200, Sent(8));
  const HistorySeries seconds = history.Series()[0];
  ASSERT_EQ(seconds.size, 120U);
  for (const float value : SentIn(seconds)) EXPECT_TRUE(std::isnan(value));
}

TEST(HistoryTest, TimeThatGoesBackIsLeftOut) {
  History history;
  for (const int64_t s : {5, 3, 5, 6, 7}) history.Add(kStart + s, Sent(static_cast<float>(s)));
  EXPECT_EQ(history.Series()[0].size, 2U);
}

TEST(HistoryTest, AfterALongStepBackItBeginsAnew) {
  History history;
  for (const int64_t s : {5, 6, 7}) history.Add(kStart + s, Sent(1));
  for (const int64_t s : {1, 2, 3, 4}) history.Add(kStart - 3'600 + s, Sent(2));
  const HistorySeries series = history.Series()[0];
  EXPECT_EQ(series.first_s, kStart - 3'600 + 1);
  EXPECT_EQ(series.size, 3U);
}

TEST(HistoryTest, ALongGapIsNoLongWork) {
  History history;
  history.Add(1, Sent(1));
  history.Add(int64_t{1} << 50, Sent(2));
  EXPECT_EQ(history.Series()[0].size, 120U);
}

}  // namespace
}  // namespace sluice
