#include "model/quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Quota Good() {
  return {.scope = Scope::Link({"a1", "b1"}),
          .rate = BitRate{100'000'000},
          .burst = DefaultBurst(BitRate{100'000'000}),
          .volume = Bytes{1'000'000'000},
          .window = std::nullopt,
          .lease_lifetime = absl::Seconds(30)};
}

void ExpectRefused(const Quota& quota, const std::string& field, const std::string& bound) {
  absl::Status status = CheckQuota(quota);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
  EXPECT_THAT(std::string(status.message()), StartsWith(field + ": "));
  EXPECT_THAT(std::string(status.message()), HasSubstr(bound));
}

TEST(QuotaTest, TakesTheWholeRange) {
  EXPECT_TRUE(CheckQuota(Good()).ok());
  Quota least = Good();
  least.rate = kMinRate;
  least.burst = kMinBurst;
  least.volume = Bytes{1};
  least.window = kMinWindow;
  least.lease_lifetime = kMinLeaseLifetime;
  EXPECT_TRUE(CheckQuota(least).ok());
  Quota most = Good();
  most.rate = kMaxRate;
  most.burst = kMaxBurst;
  most.volume = kMaxVolume;
  most.window = kMaxWindow;
  most.lease_lifetime = kMaxLeaseLifetime;
  EXPECT_TRUE(CheckQuota(most).ok());
}

TEST(QuotaTest, RefusesRatesOutsideTheRange) {
  Quota quota = Good();
  quota.rate = BitRate{kMinRate.bps - 1};
  ExpectRefused(quota, "rate", "8kbit to 400Gbit");
  quota.rate = BitRate{kMaxRate.bps + 1};
  ExpectRefused(quota, "rate", "too large");
  quota.rate = BitRate{0};
  ExpectRefused(quota, "rate", "too small");
}

TEST(QuotaTest, RefusesBurstsOutsideTheRange) {
  Quota quota = Good();
  quota.burst = Bytes{kMinBurst.value - 1};
  ExpectRefused(quota, "burst", "3KB");
  quota.burst = Bytes{kMaxBurst.value + 1};
  ExpectRefused(quota, "burst", "1GiB");
}

TEST(QuotaTest, RefusesVolumesOutsideTheRange) {
  Quota quota = Good();
  quota.volume = Bytes{0};
  ExpectRefused(quota, "volume", "1B to 4EiB");
  quota.volume = Bytes{kMaxVolume.value + 1};
  ExpectRefused(quota, "volume", "too large");
}

TEST(QuotaTest, RefusesLifetimesOutsideTheRange) {
  Quota quota = Good();
  quota.lease_lifetime = kMinLeaseLifetime - absl::Nanoseconds(1);
  ExpectRefused(quota, "lease", "1s to 24h");
  quota.lease_lifetime = kMaxLeaseLifetime + absl::Nanoseconds(1);
  ExpectRefused(quota, "lease", "too large");
  quota.lease_lifetime = absl::InfiniteDuration();
  ExpectRefused(quota, "lease", "forever");
  quota.lease_lifetime = -absl::Seconds(1);
  ExpectRefused(quota, "lease", "too small");
}

TEST(QuotaTest, RefusesWindowsOutsideTheRange) {
  Quota quota = Good();
  quota.window = absl::Milliseconds(999);
  ExpectRefused(quota, "per", "1s to 366d");
  quota.window = kMaxWindow + absl::Seconds(1);
  ExpectRefused(quota, "per", "too large");
}

TEST(QuotaTest, RefusesBadLinks) {
  Quota quota = Good();
  quota.scope.link.src = "A";
  ExpectRefused(quota, "link", "source");
  quota.scope.link = {"a1", ""};
  ExpectRefused(quota, "link", "destination");
  quota.scope.link = {"a1", "a1"};
  ExpectRefused(quota, "link", "same node");
}

TEST(QuotaTest, DefaultBurstIsFortyMillisecondsWithinBounds) {
  EXPECT_EQ(DefaultBurst(kMinRate), Bytes{32 << 10});
  EXPECT_EQ(DefaultBurst(BitRate{1'000'000'000}), Bytes{5'000'000});
  EXPECT_EQ(DefaultBurst(kMaxRate), Bytes{64 << 20});
}

}  // namespace
}  // namespace sluice
