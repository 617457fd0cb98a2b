// What the stream says, with names instead of indices.
import type { LinkState, NodeState, Role, WireFigures, WireFleet } from '../api/types';

export interface FleetNode {
  name: string;
  enclosure: string;
  role: Role;
}

export interface FleetLink {
  name: string;
  src: string;
  dst: string;
}

export interface Fleet {
  version: number;
  name: string;
  controller: string;
  heartbeatS: number;
  nodes: FleetNode[];
  links: FleetLink[];
  nodeIndex: Map<string, number>;
  linkIndex: Map<string, number>;
}

export interface LiveNode extends FleetNode {
  state: NodeState | 'unknown';
  heartbeatAgeS: number | null;
  dark: boolean;
  faults: number;
  desiredGeneration: number;
  appliedGeneration: number;
}

export interface LiveLink extends FleetLink {
  state: LinkState | 'unknown';
  leasedBps: number;
  sentBps: number | null;
  receivedBps: number | null;
  usedBytes: number;
  leftBytes: number;
  expiresInS: number | null;
  refusedPps: number | null;
  mismatch: boolean;
  keyAgreed: boolean;
  recalling: boolean;
  // An end does not report: the figures are the last that were heard.
  old: boolean;
}

// What the stream says of the wiring; the rest is read when it changes.
export interface WiringPulse {
  // 0: there is no plan.
  planVersion: number;
  // Grows with every verdict that changes.
  changes: number;
  findings: number;
}

export interface Figures {
  // Which stream they came by, counted from 1.
  stream: number;
  atMs: number;
  storeOk: boolean;
  lastEvent: number;
  wiring: WiringPulse;
  nodes: LiveNode[];
  links: LiveLink[];
}

const kNodeStates = ['pending', 'offline', 'online', 'tampered'] as const;
const kLinkStates = ['open', 'no_quota', 'exhausted', 'revoked', 'waiting', 'expired'] as const;
const kMismatch = 1;
const kKeyAgreed = 2;
const kRecalling = 4;

export function endsOf(link: string): { src: string; dst: string } {
  const at = link.indexOf('>');
  return at < 0 ? { src: link, dst: '' } : { src: link.slice(0, at), dst: link.slice(at + 1) };
}

export function decodeFleet(wire: WireFleet): Fleet {
  const links = wire.links.map((name) => ({ name, ...endsOf(name) }));
  return {
    version: wire.version,
    name: wire.fleet,
    controller: wire.controller,
    heartbeatS: wire.heartbeat_s,
    nodes: wire.nodes,
    links,
    nodeIndex: new Map(wire.nodes.map((node, i) => [node.name, i])),
    linkIndex: new Map(links.map((link, i) => [link.name, i])),
  };
}

function decodeNodes(fleet: Fleet, wire: WireFigures): LiveNode[] {
  return fleet.nodes.map((node, i) => {
    const [state, age, dark, faults, desired, applied] = wire.nodes[i] ?? [-1, null, 0, 0, 0, 0];
    return {
      name: node.name,
      enclosure: node.enclosure,
      role: node.role,
      state: kNodeStates[state] ?? 'unknown',
      heartbeatAgeS: age,
      dark: dark !== 0,
      faults,
      desiredGeneration: desired,
      appliedGeneration: applied,
    };
  });
}

// Whether the node's latest report can be trusted to be recent.
export function reports(node: LiveNode | undefined): boolean {
  if (!node || node.dark || node.heartbeatAgeS === null) return false;
  return node.state === 'online' || node.state === 'tampered';
}

// null if the figures do not belong to this fleet's lists.
export function decodeFigures(
  fleet: Fleet | null,
  wire: WireFigures,
  stream: number,
): Figures | null {
  if (!fleet || wire.version !== fleet.version) return null;
  const nodes = decodeNodes(fleet, wire);
  const speaks = new Set(nodes.filter(reports).map((node) => node.name));
  const links = fleet.links.map(({ name, src, dst }, i): LiveLink => {
    const row = wire.links[i] ?? [-1, 0, null, null, 0, 0, null, null, 0];
    const flags = row[8];
    return {
      name,
      src,
      dst,
      state: kLinkStates[row[0]] ?? 'unknown',
      leasedBps: row[1],
      sentBps: row[2],
      receivedBps: row[3],
      usedBytes: row[4],
      leftBytes: row[5],
      expiresInS: row[6],
      refusedPps: row[7],
      mismatch: (flags & kMismatch) !== 0,
      keyAgreed: (flags & kKeyAgreed) !== 0,
      recalling: (flags & kRecalling) !== 0,
      old: !speaks.has(src) || !speaks.has(dst),
    };
  });
  const [planVersion, changes, findings] = wire.wiring ?? [0, 0, 0];
  return {
    stream,
    atMs: wire.at_ms,
    storeOk: wire.store_ok,
    lastEvent: wire.last_event,
    wiring: { planVersion, changes, findings },
    nodes,
    links,
  };
}
