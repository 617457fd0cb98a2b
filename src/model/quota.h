// An operator's standing rule on a scope.
#ifndef SLUICE_MODEL_QUOTA_H_
#define SLUICE_MODEL_QUOTA_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/units.h"
#include "model/scope.h"

namespace sluice {

// Only a link's quota opens the link. Those of the scopes around it hold down what
// all links in them may do together.
struct Quota {
  Scope scope;
  BitRate rate;
  Bytes burst;
  Bytes volume;
  // Over which the volume is budgeted; none: the quota's whole life.
  std::optional<absl::Duration> window;
  absl::Duration lease_lifetime;  // the longest that a lease under it may have
  uint64_t version = 0;           // grows with every change; set by the controller
  friend bool operator==(const Quota&, const Quota&) = default;
};

inline constexpr Bytes kMinBurst{3'000};  // two packets of 1500 bytes
inline constexpr Bytes kMaxBurst{uint64_t{1} << 30};
// Of scopes that hold many links.
inline constexpr BitRate kMaxScopeRate{1'000'000'000'000'000};  // 1 Pbit/s
inline constexpr Bytes kMaxScopeBurst{uint64_t{1} << 44};
inline constexpr absl::Duration kMinLeaseLifetime = absl::Seconds(1);
inline constexpr absl::Duration kMaxLeaseLifetime = absl::Hours(24);
inline constexpr absl::Duration kDefaultLeaseLifetime = absl::Seconds(30);
inline constexpr absl::Duration kMinWindow = absl::Seconds(1);
inline constexpr absl::Duration kMaxWindow = absl::Hours(24 * 366);

// What a quota without a burst gets: 40 ms of its rate, at least 32 KiB and, on a
// link, at most 64 MiB. Small enough to bound a window, large enough that the shaper
// may be late by a scheduler tick without losing rate.
Bytes DefaultBurst(BitRate rate, Scope::Kind kind = Scope::Kind::kLink);
// What may be left out on a scope that is no link: then it bounds nothing.
inline constexpr BitRate kAnyRate = kMaxScopeRate;
inline constexpr Bytes kAnyVolume = kMaxVolume;

// Whether every field is in range. The error's message is "FIELD: what is wrong and
// what to write"; FIELD is link or scope, rate, burst, volume, lease or per.
absl::Status CheckQuota(const Quota& quota);

// In one line, for people: "100Mbit, 1GB per 24h, burst 500kB, leases of 30s".
std::string QuotaWords(const Quota& quota);
std::string WordsOfChange(const std::optional<Quota>& before, const Quota& after);

}  // namespace sluice

#endif  // SLUICE_MODEL_QUOTA_H_
