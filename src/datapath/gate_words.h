// The words of a gate's slot (bpf/gate_abi.h) as user space reads and writes
// them: one atomic access each, in orders that never open more than both the
// old and the new lease allow. The slot may be in memory shared with the gate.
#ifndef SLUICE_DATAPATH_GATE_WORDS_H_
#define SLUICE_DATAPATH_GATE_WORDS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/units.h"
#include "bpf/gate_abi.h"
#include "datapath/datapath_interface.h"
#include "model/lease.h"

namespace sluice {

inline uint64_t LoadWord(const __u64& word) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_acquire);
}
inline void StoreWord(__u64& word, uint64_t value) {
  std::atomic_ref<__u64>(word).store(value, std::memory_order_release);
}

// ns per byte times 2^24, rounded up, so that the gate's clock is never faster
// than the rate: too slow by less than rate / 1.3e17. 0 for rate 0.
constexpr uint64_t CostQ24(BitRate rate) {
  constexpr uint64_t kScale = 8'000'000'000ull << SLUICE_COST_SHIFT;
  return rate.bps == 0 ? 0 : (kScale + rate.bps - 1) / rate.bps;
}
static_assert(CostQ24(kMinRate) < (uint64_t{1} << 44), "times a packet of 2^20 bytes fits 64 bits");
static_assert(CostQ24(kMaxRate) == 335545);

// The virtual clock's words for one lease; cost_q24 0: none.
struct ClockWords {
  uint64_t cost_q24 = 0;
  uint64_t burst_ns = 0;
  uint64_t queue_ns = 0;
  uint64_t mark_ns = 0;
  uint64_t room_ns = 0;
};

// Longer than any sensible value and short enough for the clock's arithmetic.
inline constexpr uint64_t kMaxClockNs = uint64_t{1} << 50;  // 13 days

// Fits the slot's virtual clock to the lease that comes next. A closed slot's queue
// is gone, so nothing waits any more (and no burst is given anew); with a higher
// rate what waits leaves sooner. Else an old, slow lease's queue would hold up the
// traffic of a new, fast one. Call before WriteLease.
inline void CarryClock(sluice_slot& slot, const ClockWords& clock, BootTime now) {
  const bool open = (LoadWord(slot.admitted) & SLUICE_CLOSED) == 0;
  const uint64_t old_cost = LoadWord(slot.cost_q24);
  const uint64_t now_units = static_cast<uint64_t>(now.ns) << SLUICE_CLOCK_SHIFT;
  std::atomic_ref<__u64> next(slot.next);
  __u64 seen = next.load();
  while (true) {
    const auto ahead = static_cast<int64_t>(seen - now_units);
    if (ahead <= 0 || (open && clock.cost_q24 >= old_cost)) return;
    const double share =
        open ? static_cast<double>(clock.cost_q24) / static_cast<double>(old_cost) : 0.0;
    const auto left = static_cast<uint64_t>(static_cast<double>(ahead) * share);
    if (next.compare_exchange_weak(seen, now_units + left)) return;
  }
}

// Gives the slot `lease`, open or closed as it was. Counters stay.
inline void WriteLease(sluice_slot& slot, const GateLease& lease, const ClockWords& clock) {
  const bool open = (LoadWord(slot.admitted) & SLUICE_CLOSED) == 0;
  if (!open) StoreWord(slot.expires_ns, 0);
  StoreWord(slot.cost_q24, clock.cost_q24);
  StoreWord(slot.burst_ns, std::min(clock.burst_ns, kMaxClockNs));
  StoreWord(slot.queue_ns, std::min(clock.queue_ns, kMaxClockNs));
  StoreWord(slot.mark_ns, std::min(clock.mark_ns, kMaxClockNs));
  StoreWord(slot.room_ns, std::min(clock.room_ns, kMaxClockNs));
  StoreWord(slot.volume_limit, lease.volume_limit.value);
  StoreWord(slot.rate_bps, lease.rate.bps);
  StoreWord(slot.burst_bytes, lease.burst.value);
  StoreWord(slot.sequence, lease.sequence);
  std::atomic_ref<__u64>(slot.admitted).fetch_and(~SLUICE_CLOSED);
  StoreWord(slot.expires_ns, static_cast<uint64_t>(std::max<int64_t>(lease.expires_at.ns, 0)));
}

// When this returns, nothing more will be admitted: every compare-and-exchange
// of the gate that comes later sees the flag. The sequence stays, for the report.
inline void CloseSlot(sluice_slot& slot) {
  std::atomic_ref<__u64>(slot.admitted).fetch_or(SLUICE_CLOSED);
  StoreWord(slot.expires_ns, 0);
  StoreWord(slot.volume_limit, 0);
  StoreWord(slot.rate_bps, 0);
}

inline bool HasLease(const sluice_slot& slot) {
  return (LoadWord(slot.admitted) & SLUICE_CLOSED) == 0 && LoadWord(slot.expires_ns) != 0;
}

inline Drops ReadDrops(const sluice_drops& drops) {
  Drops out{};
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = {LoadWord(drops.reason[i].packets), LoadWord(drops.reason[i].bytes)};
  return out;
}

inline LinkReport ReadReport(const LinkSide& side, const sluice_slot& slot,
                             const sluice_drops& drops, BootTime now) {
  LinkReport report;
  report.side = side;
  const uint64_t admitted = LoadWord(slot.admitted);
  report.admitted = Bytes{admitted & ~SLUICE_CLOSED};
  report.closed = (admitted & SLUICE_CLOSED) != 0;
  report.admitted_packets = LoadWord(slot.packets);
  report.lease_sequence = report.closed ? 0 : LoadWord(slot.sequence);
  report.volume_limit = Bytes{LoadWord(slot.volume_limit)};
  const uint64_t expires = LoadWord(slot.expires_ns);
  if (expires != 0) report.expires_in = BootTime{static_cast<int64_t>(expires)} - now;
  report.drops = ReadDrops(drops);
  return report;
}

}  // namespace sluice

#endif  // SLUICE_DATAPATH_GATE_WORDS_H_
