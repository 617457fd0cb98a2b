#include "controller/policy/mismatch.h"

namespace sluice {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(10);
constexpr Bytes kLeast{uint64_t{64} << 10};

bool ReceiverAhead(const EndCounts& counts, Bytes in_flight) {
  const Bytes headers{counts.sent.value / 32};
  return counts.received > SaturatingAdd(SaturatingAdd(counts.sent, headers), in_flight);
}

bool SenderAhead(const EndCounts& start, const EndCounts& counts, Bytes in_flight) {
  const Bytes sent = SaturatingSub(counts.sent, start.sent);
  const Bytes received = SaturatingSub(counts.received, start.received);
  const Bytes lost{sent.value / 4};
  return sent > SaturatingAdd(SaturatingAdd(received, lost), in_flight);
}

}  // namespace

Bytes InFlight(BitRate rate, Bytes burst) {
  return SaturatingAdd(SaturatingAdd(BytesIn(rate, absl::Seconds(1)), burst), kLeast);
}

Comparison Compared(Comparison before, const EndCounts& counts, Bytes in_flight, LedgerTime now) {
  Comparison after = before;
  if (!after.window) {
    after.window = counts;
    after.window_start = now;
  }
  if (ReceiverAhead(counts, in_flight) || SenderAhead(*after.window, counts, in_flight)) {
    if (!after.differs_since) after.differs_since = now;
    return after;
  }
  after.differs_since.reset();
  if (now - after.window_start < kWindow) return after;
  after.window = counts;
  after.window_start = now;
  return after;
}

}  // namespace sluice
