/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The gate's maps and the few ways to reach them. gate_abi.h says what is in them. */
#ifndef SLUICE_BPF_GATE_MAPS_BPF_H_
#define SLUICE_BPF_GATE_MAPS_BPF_H_

#include <linux/bpf.h>
/* After linux/bpf.h, which has the types they need. */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gate_abi.h"

#define READ_WORD(x) (*(volatile __u64*)&(x))
#define WRITE_WORD(x, v) (*(volatile __u64*)&(x) = (v))

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sluice_config);
} config SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, SLUICE_MAX_SLOTS);
  __type(key, __u32);
  __type(value, struct sluice_slot);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, SLUICE_MAX_SLOTS);
  __type(key, __u32);
  __type(value, struct sluice_drops);
} drops SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, SLUICE_MAX_SLOTS);
  __type(key, __u32);
  __type(value, struct sluice_name);
} names SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, SLUICE_MAX_ROUTES);
  __type(key, struct sluice_route_key);
  __type(value, __u32);
} routes SEC(".maps");

/* A plain array indexed by CPU and hash: one load less per look-up than a
 * per-CPU array. Mmap-able only to start on a cache line. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* user space: CPUs << constants.cache_bits */
  __type(key, __u32);
  __type(value, struct sluice_cache_set);
} cache SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* user space: CPUs << (constants.cache_bits - SLUICE_CACHE4_LESS) */
  __type(key, __u32);
  __type(value, struct sluice_cache4_set);
} cache4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* user space: CPUs */
  __type(key, __u32);
  __type(value, struct sluice_tick);
} ticks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, SLUICE_MAX_FABRIC_PORTS);
  __type(key, __u32);
  __type(value, struct sluice_fabric);
} fabric SEC(".maps");

const volatile struct sluice_constants constants = {.cache_bits = SLUICE_CACHE_BITS};

static __always_inline struct sluice_config* get_config(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline struct sluice_slot* get_slot(__u32 slot) {
  return bpf_map_lookup_elem(&slots, &slot);
}

/* An address as two words of memory; equality is all that they are for. */
struct address {
  __u64 high;
  __u64 low;
};

/* The slot of the longest route that covers `a`, from the trie. */
static __always_inline __u32 look_up(__u32 role, __u32 v6, const struct address* a) {
  struct sluice_route_key key = {};
  key.role = role;
  key.v6 = v6;
  key.prefixlen = 32 + (v6 ? 128 : 32);
  __builtin_memcpy(key.address, &a->high, 8);
  __builtin_memcpy(key.address + 8, &a->low, 8);
  __u32* found = bpf_map_lookup_elem(&routes, &key);
  return found ? *found : 0;
}

static __noinline __u32 find_route4(struct sluice_cache4_set* set, __u64 tag, __u32 role) {
  struct address a = {.high = tag >> 32};
  __u32 slot = look_up(role, 0, &a);
  if (!set) return slot;
  __u32 victim = (tag >> 32) * 0x9e3779b1u >> 29;
  for (int i = 0; i < SLUICE_CACHE4_WAYS; ++i) {
    __u32 other = (__u32)set->way[i] ^ (__u32)tag;
    if (other >> 17) victim = i; /* of another generation */
  }
  WRITE_WORD(set->way[victim & (SLUICE_CACHE4_WAYS - 1)], tag | slot);
  return slot;
}

/* The slot of the longest route that covers the IPv4 address, or 0. */
static __always_inline __u32 route4(__u64 generation, __u32 role, __u32 address) {
  __u64 tag = (__u64)address << 32 | (__u32)(generation << 17 | role << 15 | 1 << 14);
  __u64 hash = (tag >> 32 ^ (__u64)role << 32) * 0x9e3779b97f4a7c15ull;
  __u32 bits = constants.cache_bits - SLUICE_CACHE4_LESS;
  __u32 index = (bpf_get_smp_processor_id() << bits) + (__u32)(hash >> (64 - bits));
  struct sluice_cache4_set* set = bpf_map_lookup_elem(&cache4, &index);
  if (set) {
    for (int i = 0; i < SLUICE_CACHE4_WAYS; ++i) {
      __u64 word = READ_WORD(set->way[i]);
      if ((word & ~SLUICE_CACHE4_SLOT_MASK) == tag) return word & SLUICE_CACHE4_SLOT_MASK;
    }
  }
  return find_route4(set, tag, role);
}

static __noinline __u32 find_route(struct sluice_cache_set* set, __u64 base,
                                   const struct address* a) {
  __u32 slot = look_up(base >> 28 & 7, 1, a);
  if (!set) return slot;
  __u64 turn = set->turn++;
  struct sluice_cache_way* way = turn & 1 ? &set->way[1] : &set->way[0];
  WRITE_WORD(way->word, 0);
  WRITE_WORD(way->high, a->high);
  WRITE_WORD(way->low, a->low);
  WRITE_WORD(way->word, base | slot);
  return slot;
}

/* Whether `way` is of this address, role and generation. The word is read again
 * after the address: on a preemptible kernel another task may have replaced it. */
static __always_inline int way_hit(struct sluice_cache_way* way, __u64 base,
                                   const struct address* a, __u64* word) {
  *word = READ_WORD(way->word);
  return (*word & ~SLUICE_CACHE_SLOT_MASK) == base && READ_WORD(way->high) == a->high &&
         READ_WORD(way->low) == a->low && READ_WORD(way->word) == *word;
}

/* The slot of the longest route that covers `a`, or 0. `generation` was read
 * before, so that what an older trie said is never cached as of a newer one. */
static __always_inline __u32 route(__u64 generation, __u32 role, __u32 v6,
                                   const struct address* a) {
  if (!v6) return route4(generation, role, a->high);
  __u64 base = generation << 32 | (__u64)role << 28 | (__u64)v6 << 27 | 1 << 26;
  __u64 hash = (a->high ^ base << 1) * 0x9e3779b97f4a7c15ull + a->low;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ull;
  __u32 bits = constants.cache_bits;
  __u32 index = (bpf_get_smp_processor_id() << bits) + (__u32)(hash >> (64 - bits));
  struct sluice_cache_set* set = bpf_map_lookup_elem(&cache, &index);
  if (set) {
    __u64 word;
    if (way_hit(&set->way[0], base, a, &word)) return word & SLUICE_CACHE_SLOT_MASK;
    if (way_hit(&set->way[1], base, a, &word)) return word & SLUICE_CACHE_SLOT_MASK;
  }
  return find_route(set, base, a);
}

#endif /* SLUICE_BPF_GATE_MAPS_BPF_H_ */
