#include "datapath/tc/shaper_plan.h"

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
// At this rate every packet costs 0 ns: TBF never waits and stays work-conserving.
constexpr uint64_t kEndless = 1'000'000'000'000'000;
// The longest GSO packet there is by default, headers of its segments included.
constexpr uint64_t kSuperPacket = 69'000;
constexpr uint64_t kMaxLimit = uint64_t{1} << 31;

constexpr absl::Duration kDepth = absl::Milliseconds(10);
constexpr uint64_t kLeastDepth = 32'768;
constexpr absl::Duration kWholeDepth = absl::Milliseconds(4);
constexpr absl::Duration kPeakBurst = absl::Milliseconds(2);
constexpr absl::Duration kQueue = absl::Milliseconds(5);
constexpr uint64_t kLeastQueue = 30'000;
constexpr uint64_t kClockSlack = 128;

uint64_t NsFor(uint64_t bytes, BitRate rate) {
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(TimeFor(Bytes{bytes}, rate)));
}

uint64_t BytesAt(BitRate rate, absl::Duration d) { return BytesIn(rate, d).value; }

absl::Status CheckBurst(Bytes burst, uint64_t packet) {
  if (burst.value >= packet) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat("a burst of ", FormatExact(burst),
                                           " is smaller than one packet of the tunnel (", packet,
                                           "B); raise the quota's burst"));
}

uint64_t QueueBytes(BitRate rate) { return std::max(BytesAt(rate, kQueue), kLeastQueue); }

}  // namespace

absl::StatusOr<ShaperPlan> PlanHtb(BitRate rate, Bytes burst, int mtu) {
  const auto packet = static_cast<uint64_t>(std::max(mtu, 1));
  SLUICE_RETURN_IF_ERROR(CheckBurst(burst, packet));
  const bool whole =
      burst.value >= kSuperPacket + BytesAt(rate, kWholeDepth) && rate.bps >= 50'000'000;
  const uint64_t unit = whole ? std::max(kSuperPacket, packet) : packet;
  ShaperPlan plan;
  plan.htb.rate = rate.bps / 8;
  plan.htb.burst = std::min(burst.value - unit, std::max(BytesAt(rate, kDepth), kLeastDepth));
  plan.htb.peak = plan.htb.rate + plan.htb.rate / 2;
  plan.htb.peak_burst = std::min(plan.htb.burst, std::max(BytesAt(rate, kPeakBurst), 4 * packet));
  plan.htb.quantum = static_cast<uint32_t>(unit);
  if (kNsPerSecond % plan.htb.rate != 0) {
    plan.htb.overhead = static_cast<uint16_t>(plan.htb.rate / kNsPerSecond + 1);
  }
  plan.words.rate = BitRate{rate.bps - rate.bps / kClockSlack};
  plan.words.burst_ns = NsFor(plan.htb.peak_burst, rate);
  plan.words.queue_ns = NsFor(QueueBytes(rate), rate);
  plan.words.mark_ns = plan.words.queue_ns / 2;
  plan.leaf.rate = kEndless;
  plan.leaf.max_size = static_cast<uint32_t>(unit);
  plan.leaf.limit = static_cast<uint32_t>(
      std::min(plan.htb.burst + QueueBytes(rate) + 2 * kSuperPacket, kMaxLimit));
  return plan;
}

absl::StatusOr<ShaperWords> PlanEdt(BitRate rate, Bytes burst, int mtu) {
  const auto packet = static_cast<uint64_t>(std::max(mtu, 1));
  SLUICE_RETURN_IF_ERROR(CheckBurst(burst, packet));
  const uint64_t at_once = std::max(BytesAt(rate, kPeakBurst), 4 * packet);
  ShaperWords words;
  words.rate = rate;
  words.burst_ns = NsFor(std::min(at_once, burst.value - packet), rate);
  words.queue_ns = NsFor(QueueBytes(rate), rate);
  words.mark_ns = words.queue_ns / 2;
  return words;
}

}  // namespace sluice
