#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
constexpr absl::Duration kCentury = absl::Hours(24 * 36'525);

TEST(UnitsTest, SumsAndDifferencesStopAtTheEnds) {
  EXPECT_EQ(SaturatingAdd(Bytes{1}, Bytes{2}), Bytes{3});
  EXPECT_EQ(SaturatingAdd(Bytes{kMax - 1}, Bytes{1}), Bytes{kMax});
  EXPECT_EQ(SaturatingAdd(Bytes{kMax}, Bytes{1}), Bytes{kMax});
  EXPECT_EQ(SaturatingAdd(Bytes{kMax}, Bytes{kMax}), Bytes{kMax});
  EXPECT_EQ(SaturatingSub(Bytes{3}, Bytes{2}), Bytes{1});
  EXPECT_EQ(SaturatingSub(Bytes{2}, Bytes{3}), Bytes{0});
  EXPECT_EQ(SaturatingSub(Bytes{0}, Bytes{kMax}), Bytes{0});
}

TEST(UnitsTest, BytesInRoundsDown) {
  EXPECT_EQ(BytesIn(BitRate{8'000}, absl::Seconds(1)), Bytes{1'000});
  EXPECT_EQ(BytesIn(BitRate{8'000}, absl::Microseconds(1'999)), Bytes{1});
  EXPECT_EQ(BytesIn(BitRate{8'000}, absl::Nanoseconds(999'999)), Bytes{0});
  EXPECT_EQ(BytesIn(BitRate{8'000}, -absl::Seconds(1)), Bytes{0});
  EXPECT_EQ(BytesIn(BitRate{0}, absl::InfiniteDuration()), Bytes{0});
}

TEST(UnitsTest, BytesInDoesNotOverflow) {
  // 400 Gbit/s for a day is beyond 64 bits in bits times nanoseconds.
  EXPECT_EQ(BytesIn(kMaxRate, absl::Hours(24)), Bytes{4'320'000'000'000'000});
  // For 100 years it is beyond 64 bits in bytes.
  EXPECT_EQ(BytesIn(kMaxRate, kCentury), Bytes{kMax});
  EXPECT_EQ(BytesIn(BitRate{kMax}, kCentury), Bytes{kMax});
  EXPECT_EQ(BytesIn(kMinRate, kCentury), Bytes{3'155'760'000'000});
  EXPECT_EQ(BytesIn(kMinRate, absl::InfiniteDuration()), Bytes{kMax});
}

TEST(UnitsTest, TimeForRoundsUp) {
  EXPECT_EQ(TimeFor(Bytes{1'000}, BitRate{8'000}), absl::Seconds(1));
  EXPECT_EQ(TimeFor(Bytes{1}, BitRate{3}), absl::Nanoseconds(2'666'666'667));
  EXPECT_EQ(TimeFor(Bytes{1}, kMaxRate), absl::Nanoseconds(1));
  EXPECT_EQ(TimeFor(Bytes{0}, kMaxRate), absl::ZeroDuration());
}

TEST(UnitsTest, TimeForDoesNotOverflow) {
  EXPECT_EQ(TimeFor(Bytes{1}, BitRate{0}), absl::InfiniteDuration());
  EXPECT_EQ(TimeFor(Bytes{kMax}, BitRate{1}), absl::InfiniteDuration());
  EXPECT_EQ(TimeFor(Bytes{kMax}, BitRate{kMax}), absl::Seconds(8));
  EXPECT_EQ(TimeFor(kMaxVolume, kMinRate), absl::Seconds(int64_t{1} << 62) / 1'000);
}

TEST(UnitsTest, WhatARateCarriesTakesAtMostThatLong) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    BitRate rate{kMinRate.bps + random() % (kMaxRate.bps - kMinRate.bps + 1)};
    absl::Duration d = absl::Nanoseconds(static_cast<int64_t>(random() >> (1 + random() % 62)));
    Bytes bytes = BytesIn(rate, d);
    if (bytes.value == kMax) continue;
    EXPECT_LE(TimeFor(bytes, rate), d) << rate.bps;
    EXPECT_GT(TimeFor(Bytes{bytes.value + 1}, rate), d - absl::Nanoseconds(1)) << rate.bps;
  }
}

TEST(UnitsTest, ParsesRates) {
  const std::vector<std::pair<std::string, uint64_t>> kCases = {{"100Mbit", 100'000'000},
                                                                {"8kbit", 8'000},
                                                                {"400Gbit", 400'000'000'000},
                                                                {"1.5Gbit", 1'500'000'000},
                                                                {"250000bit", 250'000},
                                                                {"0bit", 0},
                                                                {"1.000bit", 1},
                                                                {"007Mbit", 7'000'000},
                                                                {"10Mbit/s", 10'000'000},
                                                                {"10Mbps", 10'000'000},
                                                                {"9bps", 9},
                                                                {"100mbit", 100'000'000},
                                                                {"1Kbit", 1'000},
                                                                {"1Tbit", 1'000'000'000'000},
                                                                {"18446744073709551615bit", kMax},
                                                                {"0.000001Mbit", 1}};
  for (const auto& [text, bps] : kCases) {
    absl::StatusOr<BitRate> rate = ParseBitRate(text);
    ASSERT_TRUE(rate.ok()) << text << ": " << rate.status();
    EXPECT_EQ(rate->bps, bps) << text;
  }
}

TEST(UnitsTest, RefusesBadRatesAndSaysWhatToWrite) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"", "is empty"},
      {"-1Mbit", "is negative"},
      {"100", "has no unit"},
      {"nan", "decimal number"},
      {"NaNMbit", "decimal number"},
      {"infMbit", "decimal number"},
      {"Mbit", "decimal number"},
      {" 1Mbit", "decimal number"},
      {"+1Mbit", "decimal number"},
      {".5Mbit", "decimal number"},
      {"1.Mbit", "decimal number"},
      {"1.2.3Mbit", "decimal number"},
      {".", "decimal number"},
      {"1e3bit", "unknown unit"},
      {"0x10bit", "unknown unit"},
      {"1Mbit ", "unknown unit"},
      {"1Mbitt", "unknown unit"},
      {"1 Mbit", "unknown unit"},
      {"1Mbit1", "unknown unit"},
      {"1Mbit/sec", "unknown unit"},
      {"1Mbps/s", "unknown unit"},
      {"1bit/s/s", "unknown unit"},
      {"1Mbit,", "unknown unit"},
      {"1Zbit", "unknown unit"},
      {"1MB", "bytes"},
      {"1GiB", "bytes"},
      {"1.5bit", "whole number"},
      {"0.0001kbit", "whole number"},
      {"18446744073709551616bit", "more digits than fit"},
      {"184467440737095516150000000000000000000bit", "more digits than fit"},
      {"1.00000000000000000000000001Gbit", "more digits than fit"},
      {"18446745Tbit", "too large"}};
  for (const auto& [text, problem] : kCases) {
    absl::StatusOr<BitRate> rate = ParseBitRate(text);
    ASSERT_FALSE(rate.ok()) << text;
    EXPECT_EQ(rate.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(rate.status().message()), HasSubstr(problem)) << text;
    EXPECT_THAT(std::string(rate.status().message()), HasSubstr("100Mbit")) << text;
  }
}

TEST(UnitsTest, ParsesVolumes) {
  const std::vector<std::pair<std::string, uint64_t>> kCases = {
      {"1GB", 1'000'000'000},
      {"512KiB", 524'288},
      {"1500B", 1'500},
      {"1500", 1'500},
      {"0", 0},
      {"1kB", 1'000},
      {"1.5KiB", 1'536},
      {"0.5MiB", 524'288},
      {"4EiB", uint64_t{1} << 62},
      {"15EiB", kMax - (uint64_t{1} << 60) + 1},
      {"18.446744073709551615EB", kMax}};
  for (const auto& [text, value] : kCases) {
    absl::StatusOr<Bytes> bytes = ParseBytes(text);
    ASSERT_TRUE(bytes.ok()) << text << ": " << bytes.status();
    EXPECT_EQ(bytes->value, value) << text;
  }
}

TEST(UnitsTest, RefusesBadVolumesAndSaysWhatToWrite) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"", "is empty"},           {"-5GB", "is negative"},
      {"1Gb", "in bits"},         {"1Mbit", "in bits"},
      {"5b", "in bits"},          {"1GB ", "unknown unit"},
      {"1Bi", "unknown unit"},    {"1iB", "unknown unit"},
      {"1GBB", "unknown unit"},   {"1G", "unknown unit"},
      {"1.5B", "whole number"},   {"1.5", "whole number"},
      {"0.1KiB", "whole number"}, {"16EiB", "too large"},
      {"19EB", "too large"},      {"99999999999999999999EiB", "more digits than fit"},
      {"1\n", "unknown unit"}};
  for (const auto& [text, problem] : kCases) {
    absl::StatusOr<Bytes> bytes = ParseBytes(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_THAT(std::string(bytes.status().message()), HasSubstr(problem)) << text;
    EXPECT_THAT(std::string(bytes.status().message()), HasSubstr("1GB")) << text;
  }
}

TEST(UnitsTest, ParsesDurations) {
  const std::vector<std::pair<std::string, absl::Duration>> kCases = {
      {"30s", absl::Seconds(30)},    {"500ms", absl::Milliseconds(500)},
      {"24h", absl::Hours(24)},      {"7d", absl::Hours(168)},
      {"1h30m", absl::Minutes(90)},  {"1.5s", absl::Milliseconds(1500)},
      {"1ns", absl::Nanoseconds(1)}, {"1d2h3m4s5ms6us7ns", absl::Nanoseconds(93'784'005'006'007)},
      {"36525d", kCentury}};
  for (const auto& [text, d] : kCases) {
    absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, d) << text;
  }
}

TEST(UnitsTest, RefusesBadDurationsAndSaysWhatToWrite) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"", "is empty"},
      {"-1s", "is negative"},
      {"30", "has no unit"},
      {"1h30", "has no unit"},
      {"0s", "is zero"},
      {"0.5ns", "whole number"},
      {"30 s", "unknown unit"},
      {"30S", "unknown unit"},
      {"1w", "unknown unit"},
      {"1s ", "decimal number"},
      {"1s1h", "large units"},
      {"1s1s", "large units"},
      {"1h-1m", "is negative"},
      {"36526d", "100 years"},
      {"36525d1ns", "100 years"},
      {"99999999999999999999d", "more digits than fit"},
      {"9999999999999999999d", "too large"},
      {"inf", "decimal number"}};
  for (const auto& [text, problem] : kCases) {
    absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(problem)) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("30s")) << text;
  }
}

TEST(UnitsTest, FormatsTheShortestExactText) {
  EXPECT_EQ(FormatExact(BitRate{100'000'000}), "100Mbit");
  EXPECT_EQ(FormatExact(BitRate{1'500'000'000}), "1.5Gbit");
  EXPECT_EQ(FormatExact(BitRate{8'000}), "8kbit");
  EXPECT_EQ(FormatExact(BitRate{0}), "0bit");
  EXPECT_EQ(FormatExact(BitRate{8'001}), "8001bit");
  EXPECT_EQ(FormatExact(Bytes{1'000'000'000}), "1GB");
  EXPECT_EQ(FormatExact(Bytes{524'288}), "512KiB");
  EXPECT_EQ(FormatExact(Bytes{1'500}), "1500B");
  EXPECT_EQ(FormatExact(kMaxVolume), "4EiB");
  EXPECT_EQ(FormatExact(Bytes{kMax}), "18446744073709551615B");
  EXPECT_EQ(FormatExact(absl::Seconds(30)), "30s");
  EXPECT_EQ(FormatExact(absl::Hours(24)), "24h");
  EXPECT_EQ(FormatExact(absl::Hours(168)), "7d");
  EXPECT_EQ(FormatExact(absl::Minutes(90)), "90m");
  EXPECT_EQ(FormatExact(absl::ZeroDuration()), "0s");
  EXPECT_EQ(FormatExact(-absl::Seconds(2)), "-2s");
  EXPECT_EQ(FormatExact(absl::InfiniteDuration()), "forever");
}

TEST(UnitsTest, ExactTextParsesBackToTheSameValue) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    uint64_t value = random() >> (random() % 64);
    // Half of the values are round, as people's values are.
    if (i % 2 == 0) value = value / 1'000'000 * 1'000'000;
    EXPECT_EQ(*ParseBitRate(FormatExact(BitRate{value})), BitRate{value}) << value;
    EXPECT_EQ(*ParseBytes(FormatExact(Bytes{value})), Bytes{value}) << value;
    absl::Duration d = absl::Nanoseconds(1 + static_cast<int64_t>(value >> 3));
    EXPECT_EQ(*ParseDuration(FormatExact(d)), d) << value;
  }
}

TEST(UnitsTest, FormatsFourDigitsForPeople) {
  EXPECT_EQ(FormatShort(Bytes{0}), "0B");
  EXPECT_EQ(FormatShort(Bytes{999}), "999B");
  EXPECT_EQ(FormatShort(Bytes{1'000}), "1KB");
  EXPECT_EQ(FormatShort(Bytes{1'234'567'890}), "1.235GB");
  EXPECT_EQ(FormatShort(Bytes{12'345'678}), "12.35MB");
  EXPECT_EQ(FormatShort(Bytes{123'456'789}), "123.5MB");
  EXPECT_EQ(FormatShort(Bytes{999'949'999}), "999.9MB");
  EXPECT_EQ(FormatShort(Bytes{999'950'000}), "1GB");
  EXPECT_EQ(FormatShort(Bytes{9'999'500}), "10MB");
  EXPECT_EQ(FormatShort(Bytes{524'288}), "524.3KB");
  EXPECT_EQ(FormatShort(Bytes{kMax}), "18.45EB");
  EXPECT_EQ(FormatShort(BitRate{94'900'000}), "94.9Mbit");
  EXPECT_EQ(FormatShort(BitRate{400'000'000'000}), "400Gbit");
}

TEST(BootTimeTest, SumsStopAtTheEnds) {
  BootTime late{std::numeric_limits<int64_t>::max() - 5};
  EXPECT_EQ((late + absl::Seconds(1)).ns, std::numeric_limits<int64_t>::max());
  EXPECT_EQ((BootTime{5} + absl::InfiniteDuration()).ns, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(BootTime{7} - BootTime{9}, -absl::Nanoseconds(2));
}

}  // namespace
}  // namespace sluice
