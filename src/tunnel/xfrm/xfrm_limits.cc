#include "tunnel/xfrm/xfrm_limits.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr uint64_t kSmallestPacket = 20;  // an IPv4 header alone

uint64_t Plus(uint64_t a, uint64_t b) { return a > kXfrmUnlimited - b ? kXfrmUnlimited : a + b; }

// `limit` counts from zero; what `from` has used of it is gone, what `to` has counts again.
uint64_t Moved(uint64_t limit, uint64_t from, uint64_t to) {
  return limit == kXfrmUnlimited ? limit : Plus(limit - std::min(limit, from), to);
}

// Seconds from `added` to `end`. At least 1: 0 would be for ever.
uint64_t SecondsTo(absl::Time end, absl::Time added) {
  constexpr absl::Duration kSecond = absl::Seconds(1);
  return static_cast<uint64_t>(std::max<int64_t>(1, absl::Ceil(end - added, kSecond) / kSecond));
}

}  // namespace

XfrmLimits LimitsFrom(const XfrmSaState& sa, const TunnelLimits& limits, absl::Time now) {
  XfrmLimits out;
  out.bytes = Plus(sa.bytes, limits.volume.value);
  out.packets = Plus(sa.packets, limits.volume.value / kSmallestPacket + 1);
  // Beyond this the kernel's timers do not reach.
  constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 10);
  if (limits.lifetime < kLongest) out.seconds = SecondsTo(now + limits.lifetime, sa.added);
  return out;
}

XfrmLimits RemainingLimits(const XfrmSaState& from, const XfrmSaState& to) {
  XfrmLimits out;
  out.bytes = Moved(from.sa.limits.bytes, from.bytes, to.bytes);
  out.packets = Moved(from.sa.limits.packets, from.packets, to.packets);
  if (from.sa.limits.seconds != 0) {
    out.seconds = SecondsTo(
        from.added + absl::Seconds(static_cast<int64_t>(from.sa.limits.seconds)), to.added);
  }
  return out;
}

}  // namespace sluice
