// A fleet of any size whose figures move, for tests without a controller.
import type {
  FleetEvent,
  LinkInfo,
  LinkState,
  NodeInfo,
  Quota,
  QuotaUse,
  Revocation,
  Stop,
  WireFigures,
  WireFleet,
  WireLink,
} from '../src/api/types';
import { FakeWiring } from './fake_wiring';
import { generator } from './random';

export interface FleetSize {
  enclosures: number;
  nodesEach: number;
  links: number;
}

const kLinkStates: LinkState[] = ['open', 'no_quota', 'exhausted', 'revoked', 'waiting', 'expired'];
const kNodeStates = ['pending', 'offline', 'online', 'tampered'] as const;

export interface FakeLink {
  name: string;
  src: string;
  dst: string;
  rate: number;
  use: number;
  volume: number;
  used: number;
  state: LinkState;
  drops: number;
}

export class FakeFleet {
  readonly nodes: NodeInfo[] = [];
  readonly links: FakeLink[] = [];
  readonly quotas = new Map<string, Quota>();
  readonly events: FleetEvent[] = [];
  readonly revocations: (Revocation & { atMs: number })[] = [];
  stops: Stop[] = [];
  readonly wiring: FakeWiring;
  private readonly random = generator(7);

  constructor(size: FleetSize) {
    for (let e = 0; e < size.enclosures; e++)
      for (let n = 0; n < size.nodesEach; n++) this.addNode(`e${e + 1}`, `e${e + 1}n${n + 1}`);
    this.addNode('outside', 'gw', 'gateway');
    this.wiring = new FakeWiring(this.nodes);
    this.addLinks(size.links);
    this.setSpecial();
    this.addEvent('store_ok', 'info', 'fleet', 'the ledger can be written');
  }

  wireFleet(): WireFleet {
    return {
      version: 1,
      fleet: 'lab',
      controller: '0.1.0-fake',
      heartbeat_s: 0.2,
      nodes: this.nodes.map(({ name, enclosure, role }) => ({ name, enclosure, role })),
      links: this.links.map((link) => link.name),
    };
  }

  figures(nowMs: number): WireFigures {
    return {
      version: 1,
      at_ms: nowMs,
      store_ok: true,
      last_event: this.events[0]?.id ?? 0,
      wiring: this.wiring.pulse(),
      nodes: this.nodes.map((node) => [
        kNodeStates.indexOf(node.state),
        node.last_heartbeat_s,
        node.dark ? 1 : 0,
        node.faults.length,
        node.desired_generation,
        node.applied_generation,
      ]),
      links: this.links.map((link, i) => this.wireLink(link, i, nowMs)),
    };
  }

  linkInfo(name: string, nowMs: number): LinkInfo | null {
    const i = this.links.findIndex((link) => link.name === name);
    const link = this.links[i];
    if (!link) return null;
    const wire = this.wireLink(link, i, nowMs);
    const end = { bytes: link.used, packets: Math.floor(link.used / 1400), age_s: 0.1 };
    const open = link.state === 'open';
    return {
      link: name,
      src: link.src,
      dst: link.dst,
      state: link.state,
      why: open ? '' : this.why(link),
      wiring: i === 1 ? 'the cable e1n4:fab0 -- leaf1:p4 is missing' : '',
      rate_bps: link.state === 'no_quota' ? null : link.rate,
      leased_rate_bps: wire[1],
      burst_bytes: 500_000,
      volume_bytes: link.volume,
      volume_used_bytes: link.used,
      volume_left_bytes: link.volume - link.used,
      volume_outstanding_bytes: open ? 375_500_000 : 0,
      expires_in_s: wire[6],
      lease_sequence: 9,
      admitted_bytes: link.used,
      admitted_packets: end.packets,
      drops: { kill_switch: 0, rate: link.drops, volume: 0, no_lease: 3 },
      sender: { ...end, expires_in_s: Math.max(0, (wire[6] ?? 0) - 0.1) },
      receiver: { ...end, expires_in_s: Math.max(0, (wire[6] ?? 0) - 0.2) },
      key: open ? { epoch: 4, age_s: 312.5, in_use: true } : null,
      mismatch:
        i === 1
          ? {
              sent_bytes: 9_000_000,
              received_bytes: 8_500_000,
              since_s: 42,
              text: `${link.src} says that it sent 9000000 bytes and ${link.dst} that it received 8500000; for 42s now`,
            }
          : null,
    };
  }

  quotaUses(): QuotaUse[] {
    return [...this.quotas.values()].map((quota) => {
      const link = this.links.find((one) => one.name === quota.scope);
      const used = link?.used ?? Math.floor(quota.volume_bytes / 5);
      return {
        ...quota,
        volume_used_bytes: used,
        volume_left_bytes: quota.volume_bytes - used,
        volume_outstanding_bytes: 375_500_000,
        leased_rate_bps: link?.state === 'open' ? quota.rate_bps : 0,
        links: 1,
        recalling: 0,
        recalled_within_s: null,
      };
    });
  }

  sentBps(link: FakeLink, index: number, nowMs: number): number {
    const wave = 0.75 + 0.25 * Math.sin(nowMs / 9000 + index);
    return Math.round(link.rate * link.use * wave);
  }

  inScope(scope: string): FakeLink[] {
    if (scope === 'fleet') return this.links;
    if (scope.includes('>')) return this.links.filter((link) => link.name === scope);
    const [kind, name] = scope.split(':');
    const inside = (node: string) =>
      kind === 'node' ? node === name : this.enclosureOf(node) === name;
    return this.links.filter((link) => inside(link.src) || inside(link.dst));
  }

  addEvent(kind: string, severity: FleetEvent['severity'], subject: string, text: string): void {
    const id = (this.events[0]?.id ?? 0) + 1;
    this.events.unshift({ id, at_ms: Date.now(), kind, severity, subject, text });
  }

  private enclosureOf(node: string): string | undefined {
    return this.nodes.find((one) => one.name === node)?.enclosure;
  }

  private why(link: FakeLink): string {
    if (link.state === 'waiting') return `node ${link.src} is not connected; last heard 12s ago`;
    if (link.state === 'no_quota') return 'no quota is set on this link';
    if (link.state === 'revoked') return 'it was revoked by the operator';
    return `the link is ${link.state}`;
  }

  private wireLink(link: FakeLink, i: number, nowMs: number): WireLink {
    const open = link.state === 'open';
    const sent = open ? this.sentBps(link, i, nowMs) : 0;
    const flags = (i === 1 ? 1 : 0) | (open ? 2 : 0);
    const age = 30 - ((nowMs / 1000 + i) % 20);
    return [
      kLinkStates.indexOf(link.state),
      open ? link.rate : 0,
      i % 17 === 16 ? null : sent,
      i % 17 === 16 ? null : Math.round(sent * 0.99),
      link.used,
      link.volume - link.used,
      open ? Math.round(age * 10) / 10 : null,
      open ? (sent > link.rate * 0.9 ? 12.5 : 0) : null,
      flags,
    ];
  }

  private addNode(enclosure: string, name: string, role: NodeInfo['role'] = 'node'): void {
    this.nodes.push({
      name,
      enclosure,
      role,
      state: 'online',
      prefixes: ['10.1.0.0/24'],
      fabric_endpoints: ['192.0.2.1:51820'],
      last_heartbeat_s: 0.12,
      dark: false,
      tamper: null,
      boot_nonce: '00112233445566778899aabbccddeeff',
      version: '0.1.0',
      capabilities: [
        { name: 'gate', choice: 'eBPF on clsact', reason: 'the kernel has no tcx' },
        { name: 'shaper', choice: 'htb', reason: 'the kernel has no fq' },
        { name: 'tunnel', choice: 'wireguard-go', reason: 'the kernel has no WireGuard' },
      ],
      applied_generation: 4,
      desired_generation: 4,
      faults: [],
      unattributed_drops: { kill_switch: 0, cleartext: 17 },
    });
  }

  private addLinks(count: number): void {
    const names = new Set<string>();
    const pick = () => this.nodes[Math.floor(this.random() * this.nodes.length)]?.name ?? 'gw';
    while (names.size < count) {
      const src = pick();
      const dst = pick();
      if (src === dst || names.has(`${src}>${dst}`)) continue;
      // Traffic mostly goes both ways.
      for (const [a, b] of [
        [src, dst],
        [dst, src],
      ] as const) {
        if (names.size >= count || names.has(`${a}>${b}`)) continue;
        names.add(`${a}>${b}`);
        this.addLink(a, b);
      }
    }
  }

  private addLink(src: string, dst: string): void {
    const dice = this.random();
    const state: LinkState =
      dice < 0.9 ? 'open' : (kLinkStates[1 + (Math.floor(dice * 997) % 5)] ?? 'open');
    const rate = 10 ** (6 + Math.floor(this.random() * 5));
    const volume = 1e12;
    const name = `${src}>${dst}`;
    const used = Math.floor(this.random() * volume);
    const use = this.random();
    this.links.push({ name, src, dst, rate, use, volume, used, state, drops: 0 });
    if (state === 'no_quota') return;
    this.quotas.set(name, {
      scope: name,
      kind: 'link',
      link: name,
      rate_bps: rate,
      burst_bytes: 500_000,
      volume_bytes: volume,
      per: '24h',
      window_s: 86_400,
      lease_s: 30,
      version: 1,
    });
  }

  // One of each thing that must be shown: a tampered, an offline and a pending node, faults.
  private setSpecial(): void {
    const [, tampered, offline, pending] = this.nodes;
    if (tampered) {
      tampered.state = 'tampered';
      tampered.tamper = { source: 'lid', words: 'the lid is open', at: '2026-07-31T10:00:00Z' };
      tampered.faults = ['shaper: the qdisc is gone'];
      this.addEvent('tampered', 'critical', `node:${tampered.name}`, 'lid: the lid is open');
    }
    if (offline) {
      offline.state = 'offline';
      offline.last_heartbeat_s = 12.5;
      offline.dark = true;
      offline.applied_generation = 3;
      this.addEvent('node_dark', 'error', `node:${offline.name}`, 'no heartbeat for 600 ms');
    }
    if (pending) {
      pending.state = 'pending';
      pending.last_heartbeat_s = null;
    }
    (['exhausted', 'revoked', 'waiting', 'expired'] as const).forEach((state, i) => {
      const link = this.links[i + 3];
      if (link) link.state = state;
    });
    const link = this.links[0];
    if (link) this.addEvent('quota_set', 'info', link.name, 'rate 100Mbit, volume 1GB per 24h');
    this.addEvent('comet_seen', 'warning', 'fleet', 'a kind that the console does not know');
  }
}
