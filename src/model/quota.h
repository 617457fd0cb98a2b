// An operator's standing rule on a link.
#ifndef SLUICE_MODEL_QUOTA_H_
#define SLUICE_MODEL_QUOTA_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/units.h"
#include "model/names.h"

namespace sluice {

struct Quota {
  LinkName link;
  BitRate rate;
  Bytes burst;
  Bytes volume;
  // Over which the volume is budgeted; none: the quota's whole life.
  std::optional<absl::Duration> window;
  absl::Duration lease_lifetime;
  uint64_t version = 0;  // grows with every change; set by the controller
  friend bool operator==(const Quota&, const Quota&) = default;
};

inline constexpr Bytes kMinBurst{3'000};  // two packets of 1500 bytes
inline constexpr Bytes kMaxBurst{uint64_t{1} << 30};
inline constexpr absl::Duration kMinLeaseLifetime = absl::Seconds(1);
inline constexpr absl::Duration kMaxLeaseLifetime = absl::Hours(24);
inline constexpr absl::Duration kDefaultLeaseLifetime = absl::Seconds(30);
inline constexpr absl::Duration kMinWindow = absl::Seconds(1);
inline constexpr absl::Duration kMaxWindow = absl::Hours(24 * 366);

// What a quota without a burst gets: 40 ms of its rate, at least 32 KiB and at
// most 64 MiB. Small enough to bound a window, large enough that the shaper may
// be late by a scheduler tick without losing rate.
Bytes DefaultBurst(BitRate rate);

// Whether every field is in range. The error's message is "FIELD: what is wrong and
// what to write"; FIELD is link, rate, burst, volume, lease or per.
absl::Status CheckQuota(const Quota& quota);

}  // namespace sluice

#endif  // SLUICE_MODEL_QUOTA_H_
