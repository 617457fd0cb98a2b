/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The gate: the in-kernel admission check that every packet passes. Five
 * programs on the tc hooks (clsact, and tcx where there is one), all direct-action:
 *
 *   acc_ingress     accelerators -> node      lease of the destination's link
 *   acc_egress      node -> accelerators      lease of the source's link
 *   tunnel_egress   node -> link tunnel       only what acc_ingress admitted
 *   fabric_ingress  network -> node           only tunnel and control frames
 *   fabric_egress   node -> network           the same
 *
 * What they do not know they refuse, and count (gate_abi.h, "drops").
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "gate_lease.bpf.h"
#include "gate_maps.bpf.h"
#include "gate_packet.bpf.h"

static __noinline int refuse(__u32 slot, __u32 reason, __u64 packets, __u64 bytes) {
  struct sluice_drops* d = bpf_map_lookup_elem(&drops, &slot);
  if (d && reason < SLUICE_DROP_REASON_COUNT) {
    __sync_fetch_and_add(&d->reason[reason].packets, packets);
    __sync_fetch_and_add(&d->reason[reason].bytes, bytes);
  }
  return TC_ACT_SHOT;
}

static __always_inline int refuse_frame(struct __sk_buff* skb, __u32 l3, __u32 reason) {
  return refuse(0, reason, 1, skb->len > l3 ? skb->len - l3 : 0);
}

static __always_inline int refuse_packet(const struct packet* p, __u32 slot, __u32 reason) {
  return refuse(slot, reason, p->segments, p->bytes);
}

SEC("tc")
int acc_ingress(struct __sk_buff* skb) {
  struct sluice_config* c = get_config();
  if (!c || READ_WORD(c->kill_switch)) return refuse_frame(skb, ETH_HLEN, SLUICE_DROP_KILL_SWITCH);
  skb->mark = 0;
  if (!skb->vlan_present && skb->protocol == bpf_htons(ETH_P_ARP)) return TC_ACT_OK;
  struct packet p = {};
  int bad = parse(skb, ETH_HLEN, &p);
  if (bad) return refuse_frame(skb, ETH_HLEN, -1 - bad);
  /* For this node alone: unmarked, so that it could not go into the tunnel. */
  if (p.v6 && p.protocol == IPPROTO_ICMPV6 && is_nd(skb, ETH_HLEN)) return TC_ACT_OK;
  __u64 generation = READ_WORD(c->generation);
  if (!route(generation, SLUICE_ROUTE_OWN, p.v6, &p.source))
    return refuse_packet(&p, 0, SLUICE_DROP_SPOOFED);
  /* Frames for another station would be debited here and dropped further on. */
  if (skb->pkt_type == PACKET_OTHERHOST) return refuse_packet(&p, 0, SLUICE_DROP_NO_LINK);
  __u32 slot = route(generation, SLUICE_ROUTE_SEND, p.v6, &p.destination);
  if (!slot) return refuse_packet(&p, 0, SLUICE_DROP_NO_LINK);
  struct sluice_slot* s = get_slot(slot);
  if (!s) return refuse_packet(&p, 0, SLUICE_DROP_NO_LINK);
  int verdict = admit(s, p.bytes, p.segments);
  if (verdict != ADMIT) return refuse_packet(&p, slot, verdict);
  skb->mark = SLUICE_MARK | slot;
  return TC_ACT_OK;
}

/* What the node itself has to say to its accelerators. */
static __always_inline int is_own_control(struct __sk_buff* skb) {
  if (skb->ingress_ifindex != 0 || skb->vlan_present) return 0;
  if (skb->protocol == bpf_htons(ETH_P_ARP)) return 1;
  return is_nd(skb, ETH_HLEN) || is_mld(skb, ETH_HLEN);
}

SEC("tc")
int acc_egress(struct __sk_buff* skb) {
  struct sluice_config* c = get_config();
  if (!c || READ_WORD(c->kill_switch)) return refuse_frame(skb, ETH_HLEN, SLUICE_DROP_KILL_SWITCH);
  if (is_own_control(skb)) return TC_ACT_OK;
  struct packet p = {};
  int bad = parse(skb, ETH_HLEN, &p);
  if (bad) return refuse_frame(skb, ETH_HLEN, -1 - bad);
  if (skb->ingress_ifindex == 0 && is_icmp_error(skb, &p)) return TC_ACT_OK;
  __u64 tunnel = READ_WORD(c->tunnel_ifindex);
  if (!tunnel || skb->ingress_ifindex != tunnel)
    return refuse_packet(&p, 0, SLUICE_DROP_NOT_FROM_TUNNEL);
  __u32 slot = route(READ_WORD(c->generation), SLUICE_ROUTE_RECEIVE, p.v6, &p.source);
  if (!slot) return refuse_packet(&p, 0, SLUICE_DROP_NO_LINK);
  struct sluice_slot* s = get_slot(slot);
  if (!s) return refuse_packet(&p, 0, SLUICE_DROP_NO_LINK);
  int verdict = admit(s, p.bytes, p.segments);
  return verdict == ADMIT ? TC_ACT_OK : refuse_packet(&p, slot, verdict);
}

/* Keeps the slot's virtual clock; marks and dates the packet by it. ADMIT, or why not:
 * acc_ingress judged it by the clock as it was before what other CPUs did meanwhile. */
static __always_inline int shape(struct __sk_buff* skb, struct sluice_slot* s, __u64 mode,
                                 struct packet* p) {
  __u64 cost = READ_WORD(s->cost_q24);
  if (!cost) return ADMIT;
  if (parse(skb, constants.tunnel_header, p)) return SLUICE_DROP_MALFORMED;
  __u64 now = bpf_ktime_get_boot_ns();
  __u64 start = clock_advance(s, cost, now, p->bytes);
  __u64 queue = clock_queue(start, now);
  __u64 mark_ns = READ_WORD(s->mark_ns);
  if (mark_ns && queue > mark_ns && p->ect && bpf_skb_ecn_set_ce(skb))
    __sync_fetch_and_add(&s->marked, p->segments);
  if (mode != SLUICE_SHAPER_EDT) return ADMIT;
  queue = clock_queue(start + clock_late(s, p->bytes, p->segments), now);
  if (READ_WORD(s->queue_ns) && now + queue >= READ_WORD(s->expires_ns)) return SLUICE_DROP_EXPIRED;
  skb->tstamp = queue ? bpf_ktime_get_ns() + queue : 0;
  return ADMIT;
}

SEC("tc")
int tunnel_egress(struct __sk_buff* skb) {
  __u32 l3 = constants.tunnel_header;
  struct sluice_config* c = get_config();
  if (!c || READ_WORD(c->kill_switch)) return refuse_frame(skb, l3, SLUICE_DROP_KILL_SWITCH);
  __u64 mode = READ_WORD(c->shaper_mode);
  __u32 slot = skb->mark & ~SLUICE_MARK_MASK;
  if ((skb->mark & SLUICE_MARK_MASK) != SLUICE_MARK || !slot || mode == SLUICE_SHAPER_CLOSED)
    return refuse_frame(skb, l3, SLUICE_DROP_NOT_GATED);
  struct sluice_slot* s = get_slot(slot);
  if (!s) return refuse_frame(skb, l3, SLUICE_DROP_NOT_GATED);
  struct packet p = {};
  int verdict = shape(skb, s, mode, &p);
  if (verdict == SLUICE_DROP_MALFORMED) return refuse_frame(skb, l3, verdict);
  if (verdict != ADMIT) return refuse_packet(&p, slot, verdict);
  if (mode == SLUICE_SHAPER_HTB) skb->priority = SLUICE_CLASS(slot);
  skb->mark = 0;
  return TC_ACT_OK;
}

/* Frames that both directions of a fabric port let pass without a tunnel. */
static __always_inline int is_fabric_control(struct __sk_buff* skb) {
  if (skb->vlan_present) return 0;
  return skb->protocol == bpf_htons(ETH_P_ARP) ||
         skb->protocol == bpf_htons(SLUICE_ETHERTYPE_LLDP) ||
         skb->protocol == bpf_htons(SLUICE_ETHERTYPE_PROBE) || is_nd(skb, ETH_HLEN);
}

/* ADMIT for a port of a tunnel, or SLUICE_TUNNEL_ESP where that is one, or why not. The kill switch
 * silences the link tunnel; the control tunnel stays, or nobody could hear of it or lift it. */
static __always_inline int check_port(struct sluice_config* c, __u32 port) {
  if (port && port == READ_WORD(c->control_port)) return ADMIT;
  if (!port || port != READ_WORD(c->tunnel_port)) return SLUICE_DROP_CLEARTEXT;
  return READ_WORD(c->kill_switch) ? SLUICE_DROP_KILL_SWITCH : ADMIT;
}

/* Inline: as a function it costs half as much again. */
static __always_inline void count_frame(struct __sk_buff* skb, __u32 direction, __u32 class,
                                        __u32 esp) {
  __u32 port = skb->ifindex;
  struct sluice_fabric* f = bpf_map_lookup_elem(&fabric, &port);
  if (!f || direction > SLUICE_FABRIC_TX || class >= SLUICE_FABRIC_CLASS_COUNT) return;
  struct sluice_frames* n = &f->frames[direction][class];
  __u32 segments = skb->gso_segs ? skb->gso_segs : 1;
  __u32 header = skb->protocol == bpf_htons(ETH_P_IPV6) ? SLUICE_SEGMENT_V6 : SLUICE_SEGMENT_V4;
  n->packets += segments;
  n->bytes += skb->len + (__u64)(segments - 1) * (esp ? SLUICE_SEGMENT_ESP : header);
}

static __always_inline int pass_control(struct __sk_buff* skb, __u32 direction) {
  count_frame(skb, direction, SLUICE_FABRIC_CONTROL, 0);
  return TC_ACT_OK;
}

static __always_inline int pass_tunnel(struct __sk_buff* skb, struct sluice_config* c,
                                       __u32 direction, __u32 port) {
  __u32 class = port == READ_WORD(c->control_port) ? SLUICE_FABRIC_CONTROL : SLUICE_FABRIC_TUNNEL;
  count_frame(skb, direction, class, port == SLUICE_TUNNEL_ESP);
  return TC_ACT_OK;
}

static __always_inline int refuse_fabric(struct __sk_buff* skb, __u32 direction, __u32 reason) {
  count_frame(skb, direction, SLUICE_FABRIC_REFUSED, 0);
  return refuse_frame(skb, ETH_HLEN, reason);
}

SEC("tc")
int fabric_ingress(struct __sk_buff* skb) {
  struct sluice_config* c = get_config();
  if (!c) return TC_ACT_SHOT;
  skb->mark = 0;
  if (is_fabric_control(skb)) return pass_control(skb, SLUICE_FABRIC_RX);
  struct tunnel_frame f = {};
  if (!tunnel_frame(skb, ETH_HLEN, &f))
    return refuse_fabric(skb, SLUICE_FABRIC_RX, SLUICE_DROP_CLEARTEXT);
  int verdict = check_port(c, f.destination);
  if (verdict != ADMIT) return refuse_fabric(skb, SLUICE_FABRIC_RX, verdict);
  return pass_tunnel(skb, c, SLUICE_FABRIC_RX, f.destination);
}

SEC("tc")
int fabric_egress(struct __sk_buff* skb) {
  struct sluice_config* c = get_config();
  if (!c) return TC_ACT_SHOT;
  /* Nothing is forwarded to the fabric, not even a frame that looks like a tunnel's. */
  if (skb->ingress_ifindex != 0) return refuse_fabric(skb, SLUICE_FABRIC_TX, SLUICE_DROP_CLEARTEXT);
  if (is_fabric_control(skb) || (!skb->vlan_present && is_mld(skb, ETH_HLEN)))
    return pass_control(skb, SLUICE_FABRIC_TX);
  __u64 mark = READ_WORD(c->tunnel_mark);
  struct tunnel_frame f = {};
  if (!mark || skb->mark != mark || !tunnel_frame(skb, ETH_HLEN, &f))
    return refuse_fabric(skb, SLUICE_FABRIC_TX, SLUICE_DROP_CLEARTEXT);
  int verdict = check_port(c, f.source);
  if (verdict != ADMIT) return refuse_fabric(skb, SLUICE_FABRIC_TX, verdict);
  /* The class of the inner packet, which a kernel tunnel leaves there, would be
   * taken for a band by the port's queue: some links would starve others. */
  skb->priority = 0;
  return pass_tunnel(skb, c, SLUICE_FABRIC_TX, f.source);
}

/* The word by which the kernel knows a GPL-compatible program. */
char _license[] SEC("license") = "GPL";
