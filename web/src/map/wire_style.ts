// Cables are thin lines under the links: their verdicts differ in pattern and, if bad, in words.
import type { StylesheetJson } from 'cytoscape';
import type { Palette } from './style';

export interface WireStroke {
  width: number;
  dash: number[] | null;
}

export const kWireStrokes = {
  'as-planned': { width: 1.5, dash: null },
  unproved: { width: 1.5, dash: [9, 3] },
  missing: { width: 3, dash: [6, 6] },
  bad: { width: 3, dash: null },
  seen: { width: 3, dash: [1, 6] },
} as const satisfies Record<string, WireStroke>;

export type WireKind = keyof typeof kWireStrokes;

export function wireTones(p: Palette): Record<WireKind, string> {
  return {
    'as-planned': p.good,
    unproved: p.edge,
    missing: p.bad,
    bad: p.bad,
    seen: p.warn,
  };
}

export function wireStyles(p: Palette): StylesheetJson {
  const tones = wireTones(p);
  const selectorOf = (kind: WireKind) =>
    kind === 'seen' ? 'edge.wire.seen' : `edge.wire.v-${kind}`;
  return [
    {
      selector: 'edge.wire',
      style: {
        'curve-style': 'bezier',
        'control-point-step-size': 14,
        'target-arrow-shape': 'none',
        'line-cap': 'round',
        'z-index': 0,
      },
    },
    ...(Object.keys(kWireStrokes) as WireKind[]).map((kind) => {
      const { width, dash } = kWireStrokes[kind];
      const line = dash
        ? { 'line-style': 'dashed' as const, 'line-dash-pattern': [...dash] }
        : { 'line-style': 'solid' as const };
      return { selector: selectorOf(kind), style: { width, 'line-color': tones[kind], ...line } };
    }),
    {
      selector: 'edge.wire.many',
      style: { 'curve-style': 'haystack', 'haystack-radius': 0 },
    },
    { selector: 'edge.wire.bundle', style: { width: 2.5 } },
    // Beside the planned cable between the same two.
    {
      selector: 'edge.wire.seen',
      style: {
        'curve-style': 'unbundled-bezier',
        'control-point-distances': [16],
        'control-point-weights': [0.5],
        'z-index': 2,
      },
    },
    { selector: 'edge.wire.stale', style: { 'line-color': p.unknown, opacity: 0.5 } },
  ];
}

export function switchStyles(p: Palette): StylesheetJson {
  return [
    {
      selector: 'node.switch',
      style: {
        shape: 'rhomboid',
        width: 72,
        height: 30,
        'font-size': 11,
        'background-color': p.box,
        'border-color': p.idle,
        'text-max-width': '60px',
      },
    },
    {
      selector: 'node.switch.stale',
      style: { 'border-color': p.unknown, 'border-style': 'dotted' },
    },
  ];
}
