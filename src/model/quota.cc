#include "model/quota.h"

#include <algorithm>
#include <string>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr Bytes kLeastDefaultBurst{uint64_t{32} << 10};
constexpr Bytes kMostDefaultBurst{uint64_t{64} << 20};

template <typename T>
absl::Status CheckRange(std::string_view field, T value, T least, T most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(field, ": ", FormatExact(value), " is too ",
                                           value < least ? "small" : "large", "; write ",
                                           FormatExact(least), " to ", FormatExact(most)));
}

}  // namespace

Bytes DefaultBurst(BitRate rate) {
  return std::clamp(BytesIn(rate, absl::Milliseconds(40)), kLeastDefaultBurst, kMostDefaultBurst);
}

absl::Status CheckQuota(const Quota& quota) {
  SLUICE_RETURN_IF_ERROR(CheckName("link: the source", quota.link.src));
  SLUICE_RETURN_IF_ERROR(CheckName("link: the destination", quota.link.dst));
  if (quota.link.src == quota.link.dst)
    return absl::InvalidArgumentError("link: source and destination are the same node");
  SLUICE_RETURN_IF_ERROR(CheckRange("rate", quota.rate, kMinRate, kMaxRate));
  SLUICE_RETURN_IF_ERROR(CheckRange("burst", quota.burst, kMinBurst, kMaxBurst));
  SLUICE_RETURN_IF_ERROR(CheckRange("volume", quota.volume, Bytes{1}, kMaxVolume));
  SLUICE_RETURN_IF_ERROR(
      CheckRange("lease", quota.lease_lifetime, kMinLeaseLifetime, kMaxLeaseLifetime));
  if (quota.window)
    SLUICE_RETURN_IF_ERROR(CheckRange("per", *quota.window, kMinWindow, kMaxWindow));
  return absl::OkStatus();
}

}  // namespace sluice
