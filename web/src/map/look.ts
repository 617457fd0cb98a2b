// How links and enclosures look for their figures. Widths and uses go in steps, so that a second
// in which little changes draws little anew.
import type { LinkState } from '../api/types';
import type { Figures, LiveLink, LiveNode } from '../live/figures';
import { addKnown } from '../model/sums';
import type { MapBox, MapEdge } from './structure';

export type ShownState = LinkState | 'unknown';

export interface Sum {
  count: number;
  open: number;
  leasedBps: number;
  // The known part; null when nothing is known.
  sentBps: number | null;
  someUnknown: boolean;
  old: number;
  mismatch: number;
  state: ShownState;
}

// The first that there is stands for all. Open comes first: something passes.
const kOrder: ShownState[] = [
  'open',
  'revoked',
  'exhausted',
  'expired',
  'waiting',
  'no_quota',
  'unknown',
];

export function sumLinks(links: readonly (LiveLink | undefined)[]): Sum {
  const sum: Sum = {
    count: links.length,
    open: 0,
    leasedBps: 0,
    sentBps: null,
    someUnknown: false,
    old: 0,
    mismatch: 0,
    state: 'unknown',
  };
  let best = kOrder.length - 1;
  for (const link of links) {
    if (!link) {
      sum.someUnknown = true;
      continue;
    }
    if (link.state === 'open') sum.open += 1;
    if (link.old) sum.old += 1;
    if (link.mismatch) sum.mismatch += 1;
    sum.leasedBps += link.leasedBps;
    const sent = link.old ? null : link.sentBps;
    if (sent === null && link.leasedBps > 0) sum.someUnknown = true;
    sum.sentBps = addKnown(sum.sentBps, sent);
    best = Math.min(best, kOrder.indexOf(link.state));
  }
  sum.state = kOrder[best] ?? 'unknown';
  return sum;
}

// From 10 kbit/s to 400 Gbit/s on a logarithmic scale.
export function widthOf(leasedBps: number): number {
  if (leasedBps <= 0) return 2;
  const share = (Math.log10(leasedBps) - 4) / (Math.log10(4e11) - 4);
  return Math.round(2 * (1.5 + 6.5 * Math.min(1, Math.max(0, share)))) / 2;
}

// 0: nothing, to 5: all of what is leased; -1: not known.
export const kUseSteps = [0.01, 0.25, 0.5, 0.75, 0.95] as const;
export function stepOfUse(sum: Sum): number {
  if (sum.sentBps === null || sum.someUnknown || sum.leasedBps <= 0) return -1;
  const share = sum.sentBps / sum.leasedBps;
  return kUseSteps.filter((least) => share >= least).length;
}

export interface EdgeLook {
  width: number;
  // What decides which edges are drawn strongly where there are too many.
  weight: number;
  classes: string;
  label: string;
}

export function edgeLook(edge: MapEdge, figures: Figures | null): EdgeLook {
  const sum = sumLinks(edge.links.map((i) => figures?.links[i]));
  const classes = [`s-${sum.state}`];
  if (sum.state === 'open') classes.push(`u${stepOfUse(sum)}`);
  if (sum.old === sum.count) classes.push('old');
  const shut = sum.count - sum.open;
  const words: string[] = [];
  if (sum.state !== 'open') words.push(sum.state.replace('_', ' '));
  else if (shut > 0) words.push(`${shut}/${sum.count} not open`);
  if (sum.mismatch > 0) words.push('≠');
  if (sum.old === sum.count && sum.state === 'open') words.push('old');
  return {
    width: widthOf(sum.leasedBps),
    weight: sum.leasedBps,
    classes: classes.join(' '),
    label: words.join(' '),
  };
}

// All but the `strong` that have most rate leased.
export function faintOnes(looks: readonly EdgeLook[], strong: number): Set<EdgeLook> {
  return new Set([...looks].sort((a, b) => b.weight - a.weight).slice(strong));
}

const kNodeMarks = { online: '', pending: '○ ', offline: '◇ ', tampered: '✕ ', unknown: '? ' };

export function nodeLookOf(
  node: LiveNode | undefined,
  name: string,
  role: string,
): { classes: string; label: string } {
  const state = node?.state ?? 'unknown';
  const label = `${kNodeMarks[state]}${name}${role === 'gateway' ? '\ngateway' : ''}`;
  return { classes: `n-${state}${role === 'gateway' ? ' gateway' : ''}`, label };
}

export interface BoxSum {
  nodes: number;
  notOnline: number;
  tampered: number;
}

export function sumBox(box: MapBox, nodes: ReadonlyMap<string, LiveNode>): BoxSum {
  const sum: BoxSum = { nodes: box.nodes.length, notOnline: 0, tampered: 0 };
  for (const { name } of box.nodes) {
    const state = nodes.get(name)?.state;
    if (state !== 'online') sum.notOnline += 1;
    if (state === 'tampered') sum.tampered += 1;
  }
  return sum;
}

export function boxLook(
  box: MapBox,
  sum: BoxSum,
  compact: boolean,
): { classes: string; label: string } {
  const state = sum.tampered > 0 ? 'n-tampered' : sum.notOnline > 0 ? 'n-offline' : 'n-online';
  if (box.expanded) return { classes: 'enclosure', label: `enclosure ${box.name}` };
  const gateway = box.nodes.some((node) => node.role === 'gateway') ? ' gateway' : '';
  const marks =
    sum.tampered > 0 ? `✕${sum.tampered}` : sum.notOnline > 0 ? `◇${sum.notOnline}` : '';
  const label = compact
    ? `${box.name}\n${sum.nodes} ${marks}`
    : `${box.name}\n${sum.nodes} ${sum.nodes === 1 ? 'node' : 'nodes'}\n${marks ? `${marks} not online` : 'all online'}`;
  return { classes: `box ${state}${gateway}${compact ? ' compact' : ''}`, label };
}
