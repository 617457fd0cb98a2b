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

Bytes DefaultBurst(BitRate rate, Scope::Kind kind) {
  const Bytes most = kind == Scope::Kind::kLink ? kMostDefaultBurst : kMaxScopeBurst;
  return std::clamp(BytesIn(rate, absl::Milliseconds(40)), kLeastDefaultBurst, most);
}

absl::Status CheckQuota(const Quota& quota) {
  if (absl::Status status = ParseScope(quota.scope.ToString()).status(); !status.ok())
    return Annotate(status, quota.scope.is_link() ? "link" : "scope");
  const bool link = quota.scope.is_link();
  SLUICE_RETURN_IF_ERROR(CheckRange("rate", quota.rate, kMinRate, link ? kMaxRate : kMaxScopeRate));
  SLUICE_RETURN_IF_ERROR(
      CheckRange("burst", quota.burst, kMinBurst, link ? kMaxBurst : kMaxScopeBurst));
  SLUICE_RETURN_IF_ERROR(CheckRange("volume", quota.volume, Bytes{1}, kMaxVolume));
  SLUICE_RETURN_IF_ERROR(
      CheckRange("lease", quota.lease_lifetime, kMinLeaseLifetime, kMaxLeaseLifetime));
  if (quota.window)
    SLUICE_RETURN_IF_ERROR(CheckRange("per", *quota.window, kMinWindow, kMaxWindow));
  return absl::OkStatus();
}

std::string QuotaWords(const Quota& quota) {
  return StrCat(quota.rate == kAnyRate ? "any rate" : FormatExact(quota.rate), ", ",
                quota.volume == kAnyVolume ? "any volume" : FormatExact(quota.volume), " per ",
                quota.window ? FormatExact(*quota.window) : "lifetime", ", burst ",
                FormatExact(quota.burst), ", leases of ", FormatExact(quota.lease_lifetime));
}

std::string WordsOfChange(const std::optional<Quota>& before, const Quota& after) {
  return before ? StrCat(QuotaWords(after), "; before: ", QuotaWords(*before)) : QuotaWords(after);
}

}  // namespace sluice
