// Units and quotas: no input crashes; what parses, prints and parses to the same.
#include "base/units.h"
#include "fuzz/fuzz.h"
#include "model/quota.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = AsText(data, size);
  Quota quota{.scope = Scope::Link({"a1", "b1"}),
              .rate = kMinRate,
              .burst = kMinBurst,
              .volume = Bytes{1},
              .window = std::nullopt,
              .lease_lifetime = kDefaultLeaseLifetime};
  if (auto rate = ParseBitRate(text); rate.ok()) {
    Require(ParseBitRate(FormatExact(*rate)).value() == *rate);
    if (*rate <= kMaxRate) Require(FormatShort(*rate).size() <= 9);
    quota.rate = *rate;
    Require(CheckQuota(quota).ok() == (*rate >= kMinRate && *rate <= kMaxRate));
    Require(DefaultBurst(*rate) >= kMinBurst && DefaultBurst(*rate) <= kMaxBurst);
  }
  if (auto bytes = ParseBytes(text); bytes.ok()) {
    Require(ParseBytes(FormatExact(*bytes)).value() == *bytes);
    Require(FormatShort(*bytes).size() <= 7);
    quota.burst = quota.volume = *bytes;
    if (CheckQuota(quota).ok()) Require(*bytes >= kMinBurst && *bytes <= kMaxVolume);
    Require(TimeFor(*bytes, kMaxRate) <= TimeFor(*bytes, kMinRate));
  }
  if (auto d = ParseDuration(text); d.ok()) {
    Require(*d > absl::ZeroDuration() && *d <= absl::Hours(24 * 36'525));
    Require(ParseDuration(FormatExact(*d)).value() == *d);
    Require(TimeFor(BytesIn(kMinRate, *d), kMinRate) <= *d);
  }
  return 0;
}
