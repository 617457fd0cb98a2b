/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What kernel and user space share of the gate: map layouts, limits and drop
 * reasons. There is no other such header; both sides assert the layout.
 *
 * Every instant is CLOCK_BOOTTIME in nanoseconds (bpf_ktime_get_boot_ns).
 * Every byte is one of an IP packet as it is on the wire after segmentation.
 */
#ifndef SLUICE_BPF_GATE_ABI_H_
#define SLUICE_BPF_GATE_ABI_H_

#include <linux/types.h>

/* Why a packet was refused. X(constant, name in reports, words for people). */
#define SLUICE_DROP_REASONS(X)                                                       \
  X(KILL_SWITCH, "kill_switch", "the node's kill switch is on")                      \
  X(MALFORMED, "malformed", "the packet's headers are cut short or contradict")      \
  X(PROTOCOL, "protocol", "neither IPv4 nor IPv6, nor a frame that needs no lease")  \
  X(SPOOFED, "spoofed", "the source address is not one of this node's accelerators") \
  X(NO_LINK, "no_link", "no link is declared for the destination or source")         \
  X(NO_LEASE, "no_lease", "the link has no lease")                                   \
  X(EXPIRED, "expired", "the link's lease has expired")                              \
  X(VOLUME, "volume", "the link's leased volume is used up")                         \
  X(RATE, "rate", "the link's queue is full: traffic came faster than leased")       \
  X(NOT_FROM_TUNNEL, "not_from_tunnel", "it did not come out of the link tunnel")    \
  X(NOT_GATED, "not_gated", "it reached the tunnel without passing the gate")        \
  X(CLEARTEXT, "cleartext", "it is not a tunnel, control, probe or LLDP frame")      \
  X(CONTENDED, "contended", "the link's counter was contended; sent again by peers")

enum sluice_drop_reason {
#define SLUICE_DROP_ENUM(constant, name, words) SLUICE_DROP_##constant,
  SLUICE_DROP_REASONS(SLUICE_DROP_ENUM)
#undef SLUICE_DROP_ENUM
      SLUICE_DROP_REASON_COUNT
};

/* Changes with every change of a layout or meaning below. An agent takes over
 * pinned maps only if they carry its own version. */
#define SLUICE_LAYOUT 5

/* A slot is one side of a link at this node. Slot 0 belongs to none: its
 * drops are those that no link can be blamed for. */
#define SLUICE_MAX_SLOTS 16384u
#define SLUICE_MAX_ROUTES 135168u /* 65,536 prefixes in both roles, 4,096 own */

/* acc_ingress puts SLUICE_MARK | slot on what it admits; tunnel_egress takes
 * nothing else. No other mark in the system may have these upper 16 bits. */
#define SLUICE_MARK 0x51c50000u
#define SLUICE_MARK_MASK 0xffff0000u

/* The HTB class of a slot on the tunnel device. tunnel_egress writes it to
 * skb->priority, which HTB takes for the class without any filter. Minors below
 * 0x4000 (root class, default class) are free for other use. */
#define SLUICE_HTB_HANDLE 0x00010000u /* 1: */
#define SLUICE_CLASS_MINOR(slot) (0x4000u + (slot))
#define SLUICE_CLASS(slot) (SLUICE_HTB_HANDLE | SLUICE_CLASS_MINOR(slot))

/* What tunnel_egress does for the shaper with an admitted packet. */
enum sluice_shaper_mode {
  SLUICE_SHAPER_CLOSED = 0, /* refuses it (NOT_GATED): no shaper has been set up */
  SLUICE_SHAPER_HTB = 1,    /* skb->priority = SLUICE_CLASS(slot) */
  SLUICE_SHAPER_EDT = 2,    /* skb->tstamp = earliest departure, CLOCK_MONOTONIC */
  SLUICE_SHAPER_NONE = 3    /* nothing: benchmarks of the gate alone */
};

/* In place of the link tunnel's port: it has none, its packets are ESP (IP protocol 50). */
#define SLUICE_TUNNEL_ESP 0x10000u

/* Map "config", one element, mmap-able. User space writes each word with one
 * atomic store. All words zero means: closed. */
struct sluice_config {
  __u64 layout;         /* SLUICE_LAYOUT */
  __u64 kill_switch;    /* not 0: everything is refused but control frames */
  __u64 generation;     /* of the routes; a change empties every cache */
  __u64 shaper_mode;    /* enum sluice_shaper_mode */
  __u64 tunnel_ifindex; /* what acc_egress lets packets come from */
  __u64 tunnel_port;    /* UDP, host byte order, or SLUICE_TUNNEL_ESP */
  __u64 control_port;   /* UDP, host byte order */
  __u64 tunnel_mark;    /* skb->mark of the tunnels' own packets */
};

/* The slot's virtual clock (a leaky bucket) says how long the queue of the
 * link is, in ns of its rate, whatever qdisc stands behind it:
 *   start = max(next, now - burst_ns);  queue = start - now;  next = start + cost.
 * acc_ingress refuses a packet (RATE, not debited) whose queue > queue_ns, half as
 * much again for one of at most SLUICE_SMALL_PACKET bytes, so that a sender which
 * keeps the queue full costs others no acknowledgements, pings and handshakes. It
 * refuses one that would leave after expires_ns (EXPIRED); tunnel_egress advances the
 * clock, sets CE on ECN-capable packets whose queue > mark_ns, and in EDT mode
 * lets the packet leave at `start`. A packet longer than what is left of the
 * queue is admitted whole, so a super-packet may exceed queue_ns by its own cost.
 * fq sends a super-packet whole. So that it exceeds rate * T + burst in no window, it
 * leaves at start + cost - room_ns where that is later, and one that is longer than
 * room_ns and burst_ns together is refused (RATE). room_ns 0: the shaper splits them.
 * What would then leave after expires_ns all the same, because several CPUs admitted at
 * once, tunnel_egress refuses (EXPIRED); it stays debited.
 *
 * cost_q24: ns per byte times 2^24, rounded up: 8e9 * 2^24 / rate. The rate is
 * too low by less than 3e-6 at 400 Gbit/s, less below. 0: no clock at all.
 * queue_ns 0: no RATE drops and no EXPIRED by departure; the clock then never
 * runs more than SLUICE_CLOCK_AHEAD_NS ahead. mark_ns 0: no CE marks.
 */
#define SLUICE_COST_SHIFT 24
#define SLUICE_SMALL_PACKET 256
#define SLUICE_CLOCK_SHIFT 8 /* next is in 1/256 ns, modulo 2^64 */
#define SLUICE_CLOCK_AHEAD_NS 1000000000ull
#define SLUICE_CLOCK_STALE_NS 3600000000000ull /* further ahead: years old, start anew */

#define SLUICE_CLOSED (1ull << 63) /* in `admitted`: the count is final */

/* Map "slots", SLUICE_MAX_SLOTS elements, mmap-able. All that an admission needs is
 * in the first line: with thousands of links each line is one fetched from afar. The
 * gate writes admitted, packets, next and marked; user space the rest, each word with
 * one atomic store, and also SLUICE_CLOSED and, where a new lease follows, next. */
struct sluice_slot {
  __u64 expires_ns;   /* 0: no lease */
  __u64 volume_limit; /* on `admitted` */
  __u64 admitted;     /* cumulative bytes | SLUICE_CLOSED */
  __u64 packets;      /* cumulative, as on the wire */
  __u64 cost_q24;
  __u64 burst_ns;
  __u64 queue_ns;
  __u64 next; /* the virtual clock, see SLUICE_CLOCK_SHIFT */

  __u64 mark_ns;
  __u64 marked;   /* packets that were given CE */
  __u64 sequence; /* of the lease; this and what follows only user space reads */
  __u64 rate_bps;
  __u64 burst_bytes;
  __u64 room_ns; /* read by the gate for super-packets alone */
  __u64 reserved[2];
} __attribute__((aligned(64)));

/* Map "drops", one element per slot, mmap-able; atomic adds of the gate. */
struct sluice_drop_count {
  __u64 packets;
  __u64 bytes;
};
struct sluice_drops {
  struct sluice_drop_count reason[16];
};

/* Map "names", one element per slot, mmap-able; only user space uses it: which
 * side a slot is, so that a restarted agent finds its counters again. */
#define SLUICE_NAME_SIZE 40
struct sluice_name {
  char src[SLUICE_NAME_SIZE]; /* zero-terminated */
  char dst[SLUICE_NAME_SIZE];
  __u64 state; /* written last: 0 free, 1 send, 2 receive */
};

/* Map "routes", an LPM trie. prefixlen counts from `role`: 32 + prefix length. */
enum sluice_route_role {
  SLUICE_ROUTE_SEND = 0,    /* by destination; value: slot */
  SLUICE_ROUTE_RECEIVE = 1, /* by source; value: slot */
  SLUICE_ROUTE_OWN = 2      /* by source, of this node's accelerators; value: 1 */
};
struct sluice_route_key {
  __u32 prefixlen;
  __u8 role;
  __u8 v6;
  __u8 zero[2];
  __u8 address[16]; /* network byte order; IPv4 in the first 4 bytes, rest 0 */
};

/* Map "cache4", in front of "routes" for IPv4, also for addresses that no route has:
 * per CPU a run of sets of eight ways, a line each. A way is one word, so that it is
 * always whole: address << 32 | tag << 14 | slot, and the tag is
 * generation << 3 | role << 1 | 1, of which 18 bits are kept. User space clears the map
 * before those of the generation come round (SLUICE_GENERATIONS). Small, because a
 * look-up that leaves the CPU's own caches costs more than all else in the gate. */
#define SLUICE_CACHE4_WAYS 8
#define SLUICE_CACHE4_SLOT_MASK 0x3fffull
#define SLUICE_GENERATIONS 0x8000u /* that a tag tells apart */
struct sluice_cache4_set {
  __u64 way[SLUICE_CACHE4_WAYS];
} __attribute__((aligned(64)));

/* Map "cache": the same for IPv6, in sets of two ways. */
#define SLUICE_CACHE_BITS 14 /* log2 of its sets per CPU, at most: few of 10,000 share one */
#define SLUICE_CACHE4_LESS 2 /* cache4 has so many bits fewer, and four times the ways */
#define SLUICE_CACHE_SLOT_MASK 0x3ffffffull
struct sluice_cache_way {
  __u64 high; /* the address as two words of memory */
  __u64 low;
  __u64 word; /* generation << 32 | role << 28 | v6 << 27 | 1 << 26 | slot; 0: empty */
};
struct sluice_cache_set {
  struct sluice_cache_way way[2];
  __u64 turn; /* which way is replaced next */
  __u64 reserved;
} __attribute__((aligned(64)));

/* Map "ticks", one element per CPU; only the gate uses it. Reading the clock
 * costs more than all the rest of an admission, so within one tick of the kernel
 * (1 to 10 ms) a CPU takes the first reading of that tick as a lower bound of the
 * time. That suffices while a lease has more than SLUICE_PRECISE_NS to live and
 * its queue is not full; else every packet reads the clock. */
#define SLUICE_PRECISE_NS 1000000000ull
struct sluice_tick {
  __u64 jiffies;
  __u64 boot_ns;
  __u64 reserved[6];
} __attribute__((aligned(64)));

/* Map "fabric", a per-CPU hash by the ifindex of a fabric port; the gate only adds. User
 * space puts the keys there: frames of a port that has none are not counted. Bytes are
 * those of frames from the Ethernet header on, and a super-packet counts as its segments. */
#define SLUICE_MAX_FABRIC_PORTS 64u
enum sluice_fabric_class {
  SLUICE_FABRIC_TUNNEL,  /* of the link tunnel, and passed */
  SLUICE_FABRIC_CONTROL, /* what else passes: control tunnel, ARP, ND, MLD, LLDP, probes */
  SLUICE_FABRIC_REFUSED,
  SLUICE_FABRIC_CLASS_COUNT
};
enum sluice_fabric_direction { SLUICE_FABRIC_RX, SLUICE_FABRIC_TX };
struct sluice_frames {
  __u64 packets;
  __u64 bytes;
};
struct sluice_fabric {
  struct sluice_frames frames[2][SLUICE_FABRIC_CLASS_COUNT]; /* by direction and class */
};

/* What every segment of a super-packet repeats, of the frame that the fabric port sees: exact
 * for UDP. ESP's trailers and inner headers come after the gate; this is about the most. */
#define SLUICE_SEGMENT_V4 42u
#define SLUICE_SEGMENT_V6 62u
#define SLUICE_SEGMENT_ESP 140u

/* The programs' constants, set before they are loaded. */
struct sluice_constants {
  __u32 cache_bits;    /* log2 of "cache"'s sets per CPU, <= SLUICE_CACHE_BITS */
  __u32 tunnel_header; /* bytes before the IP header on the tunnel device: 0, or
                        * 14 for the kernel's test runs, which know only Ethernet */
};

/* A frame that carries a link probe; LLDP has its own. */
#define SLUICE_ETHERTYPE_PROBE 0x88b5
#define SLUICE_ETHERTYPE_LLDP 0x88cc

#ifdef __cplusplus
#define SLUICE_STATIC_ASSERT static_assert
#else
#define SLUICE_STATIC_ASSERT _Static_assert
#endif
SLUICE_STATIC_ASSERT(SLUICE_DROP_REASON_COUNT <= 16, "struct sluice_drops");
SLUICE_STATIC_ASSERT(SLUICE_CLASS_MINOR(SLUICE_MAX_SLOTS) <= 0x8000, "HTB minors");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_config) == 64, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_slot) == 128, "layout");
SLUICE_STATIC_ASSERT(__builtin_offsetof(struct sluice_slot, mark_ns) == 64, "one line");
SLUICE_STATIC_ASSERT(SLUICE_MAX_SLOTS <= SLUICE_CACHE4_SLOT_MASK + 1, "struct sluice_cache4_set");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_cache4_set) == 64, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_drops) == 256, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_name) == 88, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_route_key) == 24, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_cache_set) == 64, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_tick) == 64, "layout");
SLUICE_STATIC_ASSERT(sizeof(struct sluice_fabric) == 96, "layout");

#endif /* SLUICE_BPF_GATE_ABI_H_ */
