/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The lease of a slot: whether it lives, what is left of it, how fast it goes. */
#ifndef SLUICE_BPF_GATE_LEASE_BPF_H_
#define SLUICE_BPF_GATE_LEASE_BPF_H_

#include "gate_maps.bpf.h"

#define ADMIT (-1)
#define CAS_TRIES 64
#define MAX_PACKET (1u << 20) /* times the cost at 8 kbit/s is below 2^64 */

/* Counts a packet against the volume, or says why not. The compare-and-exchange
 * makes the count exact on any number of CPUs: it never exceeds the limit, and
 * nothing is added once SLUICE_CLOSED is set. */
static __always_inline int debit(struct sluice_slot* s, __u64 bytes, __u32 segments) {
  __u64 old = READ_WORD(s->admitted);
  for (int i = 0; i < CAS_TRIES; ++i) {
    __u64 limit = READ_WORD(s->volume_limit);
    if (old & SLUICE_CLOSED) return SLUICE_DROP_NO_LEASE;
    if (bytes > limit || old > limit - bytes) return SLUICE_DROP_VOLUME;
    __u64 seen = __sync_val_compare_and_swap(&s->admitted, old, old + bytes);
    if (seen == old) {
      __sync_fetch_and_add(&s->packets, segments);
      return ADMIT;
    }
    old = seen;
  }
  return SLUICE_DROP_CONTENDED;
}

/* When the slot's next packet leaves, in clock units. */
static __always_inline __u64 clock_start(__u64 next, __u64 now, __u64 burst_ns) {
  __u64 now_units = now << SLUICE_CLOCK_SHIFT;
  __u64 start = now_units - (burst_ns << SLUICE_CLOCK_SHIFT);
  __s64 ahead = next - now_units;
  if (ahead > (__s64)(SLUICE_CLOCK_STALE_NS << SLUICE_CLOCK_SHIFT)) return start;
  return (__s64)(next - start) > 0 ? next : start;
}

/* How long a packet that comes now waits, in ns. */
static __always_inline __u64 clock_queue(__u64 start, __u64 now) {
  __s64 queue = start - (now << SLUICE_CLOCK_SHIFT);
  return queue > 0 ? queue >> SLUICE_CLOCK_SHIFT : 0;
}

static __always_inline __u64 clock_cost(__u64 bytes, __u64 cost_q24) {
  if (bytes > MAX_PACKET) bytes = MAX_PACKET;
  return bytes * cost_q24 >> (SLUICE_COST_SHIFT - SLUICE_CLOCK_SHIFT);
}

/* How long after its start a super-packet leaves that the shaper does not split. */
static __always_inline __u64 clock_late(struct sluice_slot* s, __u64 bytes, __u32 segments) {
  if (segments <= 1) return 0;
  __u64 room = READ_WORD(s->room_ns) << SLUICE_CLOCK_SHIFT;
  __u64 cost = clock_cost(bytes, READ_WORD(s->cost_q24));
  return room && cost > room ? cost - room : 0;
}

/* A time that is not after now and not older than a tick; see struct sluice_tick. */
static __always_inline __u64 recent_time(void) {
  __u32 cpu = bpf_get_smp_processor_id();
  struct sluice_tick* tick = bpf_map_lookup_elem(&ticks, &cpu);
  if (!tick) return bpf_ktime_get_boot_ns();
  __u64 jiffies = bpf_jiffies64();
  if (READ_WORD(tick->jiffies) == jiffies) return READ_WORD(tick->boot_ns);
  __u64 now = bpf_ktime_get_boot_ns();
  WRITE_WORD(tick->boot_ns, now);
  WRITE_WORD(tick->jiffies, jiffies);
  return now;
}

/* Whether the queue has room and the packet would leave while the lease lives. */
static __always_inline int check_queue(struct sluice_slot* s, __u64 now, __u64 expires, __u64 bytes,
                                       __u32 segments) {
  __u64 queue_ns = READ_WORD(s->queue_ns);
  if (!queue_ns || !READ_WORD(s->cost_q24)) return ADMIT;
  if (bytes <= SLUICE_SMALL_PACKET) queue_ns += queue_ns >> 1;
  __u64 burst_ns = READ_WORD(s->burst_ns);
  __u64 start = clock_start(READ_WORD(s->next), now, burst_ns);
  if (clock_queue(start, now) > queue_ns) return SLUICE_DROP_RATE;
  __u64 late = clock_late(s, bytes, segments);
  if (late > burst_ns << SLUICE_CLOCK_SHIFT) return SLUICE_DROP_RATE;
  if (now + clock_queue(start + late, now) >= expires) return SLUICE_DROP_EXPIRED;
  return ADMIT;
}

/* Whether the lease lives and its queue has room, by the clock itself. */
static __noinline int check_precisely(struct sluice_slot* s, __u64 bytes, __u32 segments) {
  if (!s) return SLUICE_DROP_NO_LEASE;
  __u64 expires = READ_WORD(s->expires_ns);
  __u64 now = bpf_ktime_get_boot_ns();
  if (!expires) return SLUICE_DROP_NO_LEASE;
  return now >= expires ? SLUICE_DROP_EXPIRED : check_queue(s, now, expires, bytes, segments);
}

static __always_inline int admit(struct sluice_slot* s, __u64 bytes, __u32 segments) {
  __u64 expires = READ_WORD(s->expires_ns);
  if (!expires) return SLUICE_DROP_NO_LEASE;
  /* What a time before now admits, now admits too, far from the lease's end. */
  __u64 recent = recent_time();
  int verdict = SLUICE_DROP_EXPIRED;
  if (recent + SLUICE_PRECISE_NS < expires)
    verdict = check_queue(s, recent, expires, bytes, segments);
  if (verdict != ADMIT) verdict = check_precisely(s, bytes, segments);
  return verdict == ADMIT ? debit(s, bytes, segments) : verdict;
}

/* Puts the packet into the virtual queue and returns its start, in clock units. */
static __always_inline __u64 clock_advance(struct sluice_slot* s, __u64 cost_q24, __u64 now,
                                           __u64 bytes) {
  __u64 cost = clock_cost(bytes, cost_q24);
  __u64 burst_ns = READ_WORD(s->burst_ns);
  __u64 latest = (now + SLUICE_CLOCK_AHEAD_NS) << SLUICE_CLOCK_SHIFT;
  int capped = !READ_WORD(s->queue_ns);
  __u64 old = READ_WORD(s->next);
  for (int i = 0; i < CAS_TRIES; ++i) {
    __u64 start = clock_start(old, now, burst_ns);
    __u64 next = start + cost;
    if (capped && (__s64)(next - latest) > 0) next = latest;
    __u64 seen = __sync_val_compare_and_swap(&s->next, old, next);
    if (seen == old) return start;
    old = seen;
  }
  /* Contended: the time is taken all the same, only its start may be off by
   * what the others took meanwhile. */
  __sync_fetch_and_add(&s->next, cost);
  return old;
}

#endif /* SLUICE_BPF_GATE_LEASE_BPF_H_ */
