// Sluice's words for people, and the marks that tell states apart without colour.
import type { Change, LinkState, NodeState, Severity } from '../api/types';
import type { FindingVerdict, Verdict } from '../api/wiring_types';

export interface StateLook {
  words: string;
  mark: string;
  tone: Tone;
}
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

const kLinkLooks: Record<LinkState | 'unknown', StateLook> = {
  open: { words: 'open', mark: '●', tone: 'good' },
  waiting: { words: 'waiting', mark: '◔', tone: 'busy' },
  no_quota: { words: 'no quota', mark: '○', tone: 'idle' },
  exhausted: { words: 'exhausted', mark: '▣', tone: 'warn' },
  expired: { words: 'expired', mark: '◇', tone: 'warn' },
  revoked: { words: 'revoked', mark: '✕', tone: 'bad' },
  unknown: { words: 'unknown', mark: '?', tone: 'idle' },
};

const kNodeLooks: Record<NodeState | 'unknown', StateLook> = {
  online: { words: 'online', mark: '●', tone: 'good' },
  pending: { words: 'pending', mark: '○', tone: 'idle' },
  offline: { words: 'offline', mark: '◇', tone: 'warn' },
  tampered: { words: 'tampered', mark: '✕', tone: 'bad' },
  unknown: { words: 'unknown', mark: '?', tone: 'idle' },
};

export const linkLook = (state: LinkState | 'unknown'): StateLook => kLinkLooks[state];
export const nodeLook = (state: NodeState | 'unknown'): StateLook => kNodeLooks[state];
export const linkStates = Object.keys(kLinkLooks) as (LinkState | 'unknown')[];
export const nodeStates = Object.keys(kNodeLooks) as (NodeState | 'unknown')[];

const kSeverityLooks: Record<Severity, StateLook> = {
  info: { words: 'info', mark: '●', tone: 'idle' },
  warning: { words: 'warning', mark: '▲', tone: 'warn' },
  error: { words: 'error', mark: '◆', tone: 'bad' },
  critical: { words: 'critical', mark: '✕', tone: 'bad' },
};
export const severityLook = (severity: Severity): StateLook => kSeverityLooks[severity];
export const severities = Object.keys(kSeverityLooks) as Severity[];

const kVerdictLooks: Record<FindingVerdict, StateLook> = {
  'as-planned': { words: 'as planned', mark: '●', tone: 'good' },
  unproved: { words: 'unproved', mark: '○', tone: 'idle' },
  missing: { words: 'missing', mark: '✕', tone: 'bad' },
  unexpected: { words: 'unexpected', mark: '▲', tone: 'bad' },
  swapped: { words: 'swapped', mark: '⇄', tone: 'bad' },
  'wrong-port': { words: 'wrong port', mark: '◆', tone: 'bad' },
  'too-far': { words: 'too far', mark: '↔', tone: 'bad' },
  flapping: { words: 'flapping', mark: '≈', tone: 'bad' },
  undeclared: { words: 'undeclared', mark: '▲', tone: 'bad' },
  forged: { words: 'forged', mark: '◆', tone: 'bad' },
  replayed: { words: 'replayed', mark: '◆', tone: 'bad' },
  misplaced: { words: 'misplaced', mark: '◆', tone: 'bad' },
  cloned: { words: 'cloned', mark: '◆', tone: 'bad' },
};
// One that this console does not know is shown as it is written, and not as good.
export const verdictLook = (verdict: string): StateLook =>
  (kVerdictLooks as Record<string, StateLook | undefined>)[verdict] ?? {
    words: verdict.replaceAll('-', ' '),
    mark: '?',
    tone: 'bad',
  };
// The worst first.
export const wireVerdicts: Verdict[] = [
  'missing',
  'unexpected',
  'swapped',
  'wrong-port',
  'too-far',
  'flapping',
  'unproved',
  'as-planned',
];

export const eventKinds = [
  'quota_set',
  'quota_deleted',
  'revoked',
  'silent',
  'restored',
  'node_added',
  'node_enrolled',
  'node_removed',
  'node_connected',
  'node_disconnected',
  'node_dark',
  'node_speaks',
  'tampered',
  'readmitted',
  'exhausted',
  'mismatch',
  'mismatch_over',
  'fault',
  'plan_set',
  'wiring_policy',
  'wiring',
  'wiring_mended',
  'miswired',
  'store_failed',
  'store_ok',
] as const;

// A kind that this console does not know is shown as it is written.
export const kindWords = (kind: string): string => kind.replaceAll('_', ' ');

// From bpf/gate_abi.h.
const kDropWords: Record<string, string> = {
  kill_switch: "the node's kill switch is on",
  malformed: "the packet's headers are cut short or contradict",
  protocol: 'neither IPv4 nor IPv6, nor a frame that needs no lease',
  spoofed: "the source address is not one of this node's accelerators",
  no_link: 'no link is declared for the destination or source',
  no_lease: 'the link has no lease',
  expired: "the link's lease has expired",
  volume: "the link's leased volume is used up",
  rate: "the link's queue is full: traffic came faster than leased",
  not_from_tunnel: 'it did not come out of the link tunnel',
  not_gated: 'it reached the tunnel without passing the gate',
  cleartext: 'it is not a tunnel, control, probe or LLDP frame',
  contended: "the link's counter was contended; sent again by peers",
};
export const dropWords = (reason: string): string => kDropWords[reason] ?? kindWords(reason);

const kChangeLooks: Record<Change, StateLook> = {
  none: { words: 'no change', mark: '=', tone: 'idle' },
  opens: { words: 'opens', mark: '▲', tone: 'good' },
  recalled: { words: 'lease recalled', mark: '↻', tone: 'warn' },
  closes: { words: 'closes', mark: '✕', tone: 'bad' },
};
export const changeLook = (change: Change): StateLook => kChangeLooks[change];

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
