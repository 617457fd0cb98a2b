/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What a packet is: its addresses, and its bytes on the wire. */
#ifndef SLUICE_BPF_GATE_PACKET_BPF_H_
#define SLUICE_BPF_GATE_PACKET_BPF_H_

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "gate_maps.bpf.h"

#define IP_FRAGMENT_MASK 0x3fff /* more fragments, or an offset */
#define MAX_EXTENSION_HEADERS 4
/* ICMP error types, first to last where they are a range. */
#define ICMP_UNREACHABLE 3
#define ICMP_EXCEEDED 11
#define ICMP_PARAMETER 12
#define ICMPV6_FIRST_ERROR 1
#define ICMPV6_LAST_ERROR 4
#define JUMBO_HEADER 8 /* hop-by-hop header of a BIG TCP super-packet */

struct packet {
  struct address source;
  struct address destination;
  __u64 bytes;    /* of all its segments, IP headers included */
  __u32 segments; /* IP packets on the wire */
  __u32 v6;
  __u32 protocol; /* of the header behind the fixed one (options counted) */
  __u32 hop_limit;
  __u32 l4;  /* offset of that header in the frame */
  __u32 ect; /* ECN-capable transport */
};

/* Returns a pointer to `size` readable bytes at `offset`, or 0. */
static __always_inline void* bytes_at(struct __sk_buff* skb, __u32 offset, __u32 size) {
  void* data = (void*)(long)skb->data;
  if (data + offset + size > (void*)(long)skb->data_end) {
    if (bpf_skb_pull_data(skb, offset + size)) return 0;
    data = (void*)(long)skb->data;
    if (data + offset + size > (void*)(long)skb->data_end) return 0;
  }
  return data + offset;
}

/* Skips the extension headers of an IPv6 super-packet. A BIG TCP jumbo header
 * is in no segment on the wire: its length goes to `*jumbo`. */
static __always_inline void skip_extensions(struct __sk_buff* skb, __u32* next, __u32* offset,
                                            __u32* jumbo) {
  for (int i = 0; i < MAX_EXTENSION_HEADERS; ++i) {
    __u8 header[4];
    if (*next != IPPROTO_HOPOPTS && *next != IPPROTO_ROUTING && *next != IPPROTO_DSTOPTS) return;
    if (bpf_skb_load_bytes(skb, *offset, header, sizeof(header))) return;
    if (*next == IPPROTO_HOPOPTS && header[1] == 0 && header[2] == 0xc2 && header[3] == 4)
      *jumbo = JUMBO_HEADER;
    *next = header[0];
    *offset += (header[1] + 1) * 8;
  }
}

/* Length of the transport header that every segment repeats, or 0. */
static __always_inline __u32 transport_header(struct __sk_buff* skb, __u32 protocol, __u32 offset) {
  if (protocol == IPPROTO_UDP) return 8;
  __u8 data_offset;
  if (protocol != IPPROTO_TCP) return 0;
  if (bpf_skb_load_bytes(skb, offset + 12, &data_offset, 1)) return 0;
  return data_offset >> 4 < 5 ? 0 : (data_offset >> 4) * 4;
}

/* Counts a super-packet as its segments: each repeats the headers. Only TCP and
 * UDP straight behind IP can be counted so; others are refused. */
static __noinline int count_segments(struct __sk_buff* skb, __u32 l3, struct packet* p) {
  if (!p) return -1;
  __u32 offset = p->l4, protocol = p->protocol, jumbo = 0;
  if (p->v6) skip_extensions(skb, &protocol, &offset, &jumbo);
  __u32 transport = transport_header(skb, protocol, offset);
  __u32 header = offset - l3 - jumbo + transport;
  __u32 total = skb->len - l3 - jumbo;
  __u32 size = skb->gso_size;
  if (!transport || size == 0 || total <= header || skb->len <= l3 + jumbo) return -1;
  p->segments = (total - header + size - 1) / size;
  p->bytes = total + (__u64)(p->segments - 1) * header;
  return 0;
}

static __always_inline int parse_v4(struct __sk_buff* skb, __u32 l3, struct packet* p) {
  struct iphdr* ip = bytes_at(skb, l3, sizeof(*ip));
  if (!ip || ip->version != 4 || ip->ihl < 5) return -1;
  p->source.high = ip->saddr;
  p->destination.high = ip->daddr;
  p->bytes = bpf_ntohs(ip->tot_len);
  p->protocol = ip->protocol;
  p->hop_limit = ip->ttl;
  p->l4 = l3 + ip->ihl * 4;
  p->ect = ip->tos & 3;
  return skb->gso_size || p->bytes >= ip->ihl * 4 ? 0 : -1;
}

static __always_inline int parse_v6(struct __sk_buff* skb, __u32 l3, struct packet* p) {
  struct ipv6hdr* ip = bytes_at(skb, l3, sizeof(*ip));
  if (!ip || ip->version != 6) return -1;
  __builtin_memcpy(&p->source, &ip->saddr, 16);
  __builtin_memcpy(&p->destination, &ip->daddr, 16);
  p->bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
  p->protocol = ip->nexthdr;
  p->hop_limit = ip->hop_limit;
  p->l4 = l3 + sizeof(*ip);
  p->v6 = 1;
  p->ect = ip->flow_lbl[0] >> 4 & 3;
  /* A jumbogram (RFC 2675) that is no super-packet: its length is elsewhere. */
  if (!skb->gso_size && !ip->payload_len && ip->nexthdr == IPPROTO_HOPOPTS) return -1;
  return 0;
}

/* Fills `p` from the IP packet at `l3`. Returns 0, or the drop reason negated
 * and less one. Ethernet padding behind a short packet is not counted. */
static __always_inline int parse(struct __sk_buff* skb, __u32 l3, struct packet* p) {
  if (skb->vlan_present) return -1 - SLUICE_DROP_PROTOCOL;
  int bad;
  if (skb->protocol == bpf_htons(ETH_P_IP))
    bad = parse_v4(skb, l3, p);
  else if (skb->protocol == bpf_htons(ETH_P_IPV6))
    bad = parse_v6(skb, l3, p);
  else
    return -1 - SLUICE_DROP_PROTOCOL;
  if (bad) return -1 - SLUICE_DROP_MALFORMED;
  p->segments = 1;
  if (skb->gso_size)
    bad = count_segments(skb, l3, p);
  else if (p->bytes + l3 > skb->len)
    bad = -1;
  return bad ? -1 - SLUICE_DROP_MALFORMED : 0;
}

/* Neighbour discovery (RFC 4861): from this very link, never forwarded here. */
static __always_inline int is_nd(struct __sk_buff* skb, __u32 l3) {
  if (skb->protocol != bpf_htons(ETH_P_IPV6)) return 0;
  struct ipv6hdr* ip = bytes_at(skb, l3, sizeof(*ip) + 2);
  if (!ip || ip->nexthdr != IPPROTO_ICMPV6 || ip->hop_limit != 255) return 0;
  __u8* icmp = (__u8*)(ip + 1);
  return icmp[0] >= 133 && icmp[0] <= 137 && icmp[1] == 0;
}

/* Multicast listener discovery (RFC 3810), which always has a router alert. */
static __always_inline int is_mld(struct __sk_buff* skb, __u32 l3) {
  if (skb->protocol != bpf_htons(ETH_P_IPV6)) return 0;
  struct ipv6hdr* ip = bytes_at(skb, l3, sizeof(*ip) + 10);
  if (!ip || ip->nexthdr != IPPROTO_HOPOPTS || ip->hop_limit != 1) return 0;
  __u8* options = (__u8*)(ip + 1);
  __u8 type = options[8];
  return options[0] == IPPROTO_ICMPV6 && options[1] == 0 &&
         ((type >= 130 && type <= 132) || type == 143);
}

/* An ICMP error message (RFC 792, RFC 4443), not an answer or a query. */
static __always_inline int is_icmp_error(struct __sk_buff* skb, const struct packet* p) {
  __u32 wanted = p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  if (p->protocol != wanted) return 0;
  __u8 type;
  if (bpf_skb_load_bytes(skb, p->l4, &type, 1)) return 0;
  if (p->v6) return type >= ICMPV6_FIRST_ERROR && type <= ICMPV6_LAST_ERROR;
  return type == ICMP_UNREACHABLE || type == ICMP_EXCEEDED || type == ICMP_PARAMETER;
}

/* The protocol of an unfragmented packet without options or extension headers, and where its
 * header is; 0 for all else. */
static __always_inline __u32 plain_protocol(struct __sk_buff* skb, __u32 l3, __u32* l4) {
  if (skb->vlan_present) return 0;
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    struct iphdr* ip = bytes_at(skb, l3, sizeof(*ip));
    if (!ip || ip->version != 4 || ip->ihl != 5) return 0;
    if (ip->frag_off & bpf_htons(IP_FRAGMENT_MASK)) return 0;
    *l4 = l3 + sizeof(*ip);
    return ip->protocol;
  }
  if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* ip = bytes_at(skb, l3, sizeof(*ip));
    if (!ip || ip->version != 6) return 0;
    *l4 = l3 + sizeof(*ip);
    return ip->nexthdr;
  }
  return 0;
}

/* What a frame is to the fabric port. */
struct tunnel_frame {
  __u32 source; /* UDP ports; SLUICE_TUNNEL_ESP in both for ESP (RFC 4303) */
  __u32 destination;
};

/* Fills in what can be a tunnel's; returns 0 for all else. */
static __always_inline int tunnel_frame(struct __sk_buff* skb, __u32 l3, struct tunnel_frame* f) {
  __u32 l4 = 0;
  __u32 protocol = plain_protocol(skb, l3, &l4);
  __be16 header[4]; /* as long as UDP's, and ESP's SPI and sequence number */
  if (protocol != IPPROTO_UDP && protocol != IPPROTO_ESP) return 0;
  if (bpf_skb_load_bytes(skb, l4, header, sizeof(header))) return 0;
  f->source = protocol == IPPROTO_ESP ? SLUICE_TUNNEL_ESP : bpf_ntohs(header[0]);
  f->destination = protocol == IPPROTO_ESP ? SLUICE_TUNNEL_ESP : bpf_ntohs(header[1]);
  return 1;
}

#endif /* SLUICE_BPF_GATE_PACKET_BPF_H_ */
