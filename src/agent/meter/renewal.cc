#include "agent/meter/renewal.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr absl::Duration kFirstRepeat = absl::Milliseconds(500);
constexpr absl::Duration kLongestRepeat = absl::Seconds(2);
constexpr absl::Duration kFirstDenial = absl::Milliseconds(100);
constexpr absl::Duration kLongestDenial = absl::Seconds(1);
constexpr absl::Duration kLongestAdvice = absl::Minutes(5);
constexpr absl::Duration kNoVolumePause = absl::Seconds(1);
constexpr absl::Duration kShortestCheck = absl::Milliseconds(10);

absl::Duration Doubled(absl::Duration first, int times, absl::Duration longest) {
  absl::Duration d = first;
  for (int i = 0; i < times && d < longest; ++i) d *= 2;
  return std::min(d, longest);
}

BootTime DueByTime(const LeaseProgress& lease) { return lease.anchor + lease.lifetime * 2 / 3; }

// The count at which 80 % of the slice is used. A fifth is taken off instead
// of multiplying by four, which could overflow.
Bytes DueAtCount(const LeaseProgress& lease) {
  const Bytes slice = SaturatingSub(lease.volume_limit, lease.slice_start);
  return SaturatingSub(lease.volume_limit, Bytes{slice.value / 5});
}

}  // namespace

bool RenewalDue(const LeaseProgress& lease, BootTime now) {
  if (now >= DueByTime(lease)) return true;
  if (lease.brought_no_volume && now < lease.anchor + kNoVolumePause) return false;
  return lease.admitted >= DueAtCount(lease);
}

BootTime RenewalCheckAt(const LeaseProgress& lease, BootTime now) {
  const BootTime by_time = DueByTime(lease);
  const Bytes left = SaturatingSub(DueAtCount(lease), lease.admitted);
  BootTime by_count = now + std::max(TimeFor(left, lease.rate), kShortestCheck);
  if (lease.brought_no_volume) by_count = std::max(by_count, lease.anchor + kNoVolumePause);
  return std::max(now, std::min(by_time, by_count));
}

RenewalConversation::Ask RenewalConversation::Decide(const std::optional<LeaseProgress>& lease,
                                                     BootTime now) const {
  if (outstanding_) return now >= repeat_at_ ? Ask::kRepeat : Ask::kNothing;
  if (hurry_) return Ask::kNewRequest;
  if (now < not_before_) return Ask::kNothing;
  if (lease && !RenewalDue(*lease, now)) return Ask::kNothing;
  return Ask::kNewRequest;
}

BootTime RenewalConversation::NextAt(const std::optional<LeaseProgress>& lease,
                                     BootTime now) const {
  if (outstanding_) return std::max(now, repeat_at_);
  if (hurry_) return now;
  const BootTime wanted = lease && !RenewalDue(*lease, now) ? RenewalCheckAt(*lease, now) : now;
  return std::max(wanted, not_before_);
}

void RenewalConversation::Sent(const RequestId& id, BootTime now) {
  repeats_ = outstanding_ && id == id_ ? repeats_ + 1 : 0;
  id_ = id;
  outstanding_ = true;
  hurry_ = false;
  repeat_at_ = now + Doubled(kFirstRepeat, repeats_, kLongestRepeat);
}

bool RenewalConversation::Granted(const RequestId& id) {
  if (!outstanding_ || id != id_) return false;
  outstanding_ = false;
  denials_ = 0;
  not_before_ = BootTime{};
  return true;
}

void RenewalConversation::Unusable(BootTime now) { BackOff(absl::ZeroDuration(), now); }

void RenewalConversation::Denied(const RequestId& id, absl::Duration retry_after, BootTime now) {
  if (!outstanding_ || id != id_) return;
  outstanding_ = false;
  BackOff(std::clamp(retry_after, absl::ZeroDuration(), kLongestAdvice), now);
}

void RenewalConversation::BackOff(absl::Duration at_least, BootTime now) {
  not_before_ = now + std::max(at_least, Doubled(kFirstDenial, denials_, kLongestDenial));
  ++denials_;
}

void RenewalConversation::Hurry() {
  hurry_ = true;
  denials_ = 0;
  not_before_ = BootTime{};
}

void RenewalConversation::Reconnected() {
  repeats_ = 0;
  repeat_at_ = BootTime{};
  denials_ = 0;
  not_before_ = BootTime{};
}

}  // namespace sluice
