// The controller's JSON as docs/openapi.json describes it. Rates are bit/s, volumes bytes,
// durations seconds.

export type NodeState = 'pending' | 'offline' | 'online' | 'tampered';
export type LinkState = 'open' | 'no_quota' | 'exhausted' | 'revoked' | 'waiting' | 'expired';
export type ScopeKind = 'fleet' | 'enclosure' | 'node' | 'link';
export type Role = 'node' | 'gateway';

export interface Tamper {
  source: string;
  words: string;
  at: string;
}

export interface Capability {
  name: string;
  choice: string;
  reason: string;
}

export interface NodeInfo {
  name: string;
  enclosure: string;
  role: Role;
  state: NodeState;
  prefixes: string[];
  fabric_endpoints: string[];
  last_heartbeat_s: number | null;
  dark: boolean;
  tamper: Tamper | null;
  boot_nonce: string;
  version: string;
  capabilities: Capability[];
  applied_generation: number;
  desired_generation: number;
  faults: string[];
  unattributed_drops: Record<string, number>;
}

export interface End {
  bytes: number;
  packets: number;
  age_s: number;
  expires_in_s: number;
}

export interface Key {
  epoch: number;
  age_s: number;
  in_use: boolean;
}

export interface Mismatch {
  sent_bytes: number;
  received_bytes: number;
  since_s: number;
  text: string;
}

export interface LinkInfo {
  link: string;
  src: string;
  dst: string;
  state: LinkState;
  why: string;
  // Why its path is not as planned; empty: it is, or there is no plan.
  wiring: string;
  rate_bps: number | null;
  leased_rate_bps: number;
  burst_bytes: number | null;
  volume_bytes: number | null;
  volume_used_bytes: number;
  volume_left_bytes: number;
  volume_outstanding_bytes: number;
  expires_in_s: number | null;
  lease_sequence: number;
  admitted_bytes: number;
  admitted_packets: number;
  drops: Record<string, number>;
  sender: End | null;
  receiver: End | null;
  key: Key | null;
  mismatch: Mismatch | null;
}

export interface Quota {
  scope: string;
  kind: ScopeKind;
  link: string | null;
  rate_bps: number;
  burst_bytes: number;
  volume_bytes: number;
  per: string;
  window_s: number | null;
  lease_s: number;
  version: number;
}

export interface QuotaUse extends Quota {
  volume_used_bytes: number;
  volume_left_bytes: number;
  volume_outstanding_bytes: number;
  leased_rate_bps: number;
  links: number;
  recalling: number;
  recalled_within_s: number | null;
}

// What PUT /quotas/{scope} takes: text in the units that people write.
export interface NewQuota {
  rate?: string;
  burst?: string;
  volume?: string;
  per?: string;
  lease?: string;
}

export type Change = 'none' | 'opens' | 'recalled' | 'closes';

export interface LinkChange {
  link: string;
  state: LinkState;
  leased_rate_bps: number;
  change: Change;
  text: string;
}

export interface ScopeSum {
  scope: string;
  rate_bps: number;
  leased_rate_bps: number;
  links_rate_bps: number;
  volume_bytes: number;
  used_bytes: number;
  outstanding_bytes: number;
}

export interface QuotaDryRun {
  quota: Quota | null;
  before: Quota | null;
  links: LinkChange[];
  sums: ScopeSum[];
  notes: string[];
}

export interface RevokeDryRun {
  scope: string;
  links: LinkChange[];
  notes: string[];
}

export interface Silence {
  link: string;
  role: 'send' | 'receive';
  node: string;
  silent_after_s: number | null;
  by_expiry: boolean;
  silent_within_s: number | null;
}

export interface Revocation {
  id: number;
  scope: string;
  reason: string;
  age_s: number;
  silent: boolean;
  silent_after_s: number | null;
  ends: Silence[];
}

export interface Stop {
  scope: string;
  reason: string;
}

export interface Revocations {
  revocations: Revocation[];
  stops: Stop[];
}

export type Severity = 'info' | 'warning' | 'error' | 'critical';

export interface FleetEvent {
  id: number;
  at_ms: number;
  kind: string;
  severity: Severity;
  subject: string;
  text: string;
}

export interface EventPage {
  events: FleetEvent[];
  more: boolean;
}

export interface HistorySeries {
  step_s: number;
  first_ms: number;
  points: ((number | null)[] | null)[];
}

// Of a link or a node.
export interface History {
  link?: string;
  node?: string;
  now_ms: number;
  fields: string[];
  series: HistorySeries[];
}

// ---- /api/v1/console/stream

export interface WireFleet {
  version: number;
  fleet: string;
  controller: string;
  heartbeat_s: number;
  nodes: { name: string; enclosure: string; role: Role }[];
  links: string[];
}

// state, heartbeat age, dark, faults, desired generation, applied generation
export type WireNode = [number, number | null, number, number, number, number];
// state, leased, sent, received, used, left, expires in, refused/s, flags
export type WireLink = [
  number,
  number,
  number | null,
  number | null,
  number,
  number,
  number | null,
  number | null,
  number,
];

export interface WireFigures {
  version: number;
  at_ms: number;
  store_ok: boolean;
  last_event: number;
  // The plan's version or 0, changes of verdicts so far, findings; not from older controllers.
  wiring?: [number, number, number];
  nodes: WireNode[];
  links: WireLink[];
}
