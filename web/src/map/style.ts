// Cytoscape's stylesheet in the page's two colour schemes. States differ in pattern and label,
// not in colour alone.
import type { StylesheetJson } from 'cytoscape';
import { boxSize } from './layout';
import { switchStyles, wireStyles } from './wire_style';

export interface Palette {
  ink: string;
  ground: string;
  box: string;
  edge: string;
  uses: string[];
  unknown: string;
  good: string;
  warn: string;
  bad: string;
  idle: string;
  chosen: string;
}

export const palettes: Record<'light' | 'dark', Palette> = {
  light: {
    ink: '#1a1b1e',
    ground: '#ffffff',
    box: '#f1f3f5',
    edge: '#868e96',
    uses: ['#b8c4d0', '#8fbce6', '#5a9bd8', '#2b76bd', '#184f8a', '#c2410c'],
    unknown: '#868e96',
    good: '#14662b',
    warn: '#8a4b00',
    bad: '#b3261e',
    idle: '#495057',
    chosen: '#7b1fa2',
  },
  dark: {
    ink: '#f1f3f5',
    ground: '#242424',
    box: '#2e2e2e',
    edge: '#868e96',
    uses: ['#495762', '#2d5f8f', '#3d83c4', '#6caee8', '#b5d8f7', '#ff922b'],
    unknown: '#868e96',
    good: '#69db7c',
    warn: '#ffc078',
    bad: '#ff8787',
    idle: '#ced4da',
    chosen: '#e599f7',
  },
};

export const kDashes: Record<string, number[]> = {
  waiting: [10, 5],
  expired: [3, 4],
  exhausted: [12, 4, 3, 4],
  revoked: [2, 7],
  no_quota: [1, 4],
  unknown: [1, 8],
};

function edgeStyles(p: Palette): StylesheetJson {
  const tones: Record<string, string> = {
    waiting: p.idle,
    expired: p.warn,
    exhausted: p.warn,
    revoked: p.bad,
    no_quota: p.edge,
    unknown: p.edge,
  };
  return [
    {
      selector: 'edge',
      style: {
        width: 'data(width)',
        'line-color': p.edge,
        'target-arrow-color': p.edge,
        'target-arrow-shape': 'triangle',
        'arrow-scale': 0.8,
        // Over the wires.
        'z-index': 3,
        // Each direction bends to its own side.
        'curve-style': 'unbundled-bezier',
        'control-point-distances': [26],
        'control-point-weights': [0.5],
        label: 'data(label)',
        'font-size': 10,
        color: p.ink,
        'text-background-color': p.ground,
        'text-background-opacity': 0.85,
        'text-background-padding': '2px',
        'min-zoomed-font-size': 8,
      },
    },
    ...Object.entries(tones).map(([state, color]) => ({
      selector: `edge.s-${state}`,
      style: {
        'line-style': 'dashed' as const,
        'line-dash-pattern': kDashes[state] ?? [1, 8],
        'line-color': color,
        'target-arrow-color': color,
      },
    })),
    ...p.uses.map((color, step) => ({
      selector: `edge.u${step}`,
      style: { 'line-color': color, 'target-arrow-color': color },
    })),
    { selector: 'edge.old', style: { 'line-color': p.unknown, opacity: 0.5 } },
    {
      selector: 'edge.faint',
      style: {
        width: 1,
        opacity: 0.13,
        label: '',
        'target-arrow-shape': 'none',
        'z-index': 0,
        // Straight from middle to middle: the cheapest to draw.
        'curve-style': 'haystack',
        'haystack-radius': 0,
      },
    },
    {
      selector: 'edge.near',
      style: {
        width: 'data(width)',
        opacity: 1,
        label: 'data(label)',
        'target-arrow-shape': 'triangle',
        'z-index': 5,
        'curve-style': 'unbundled-bezier',
      },
    },
    ...wireStyles(p),
    {
      selector: 'edge.chosen',
      style: { 'line-color': p.chosen, 'target-arrow-color': p.chosen, 'z-index': 10 },
    },
  ];
}

function nodeStyles(p: Palette): StylesheetJson {
  const box = boxSize(false);
  const compact = boxSize(true);
  const text = { 'text-wrap': 'wrap' as const, color: p.ink, 'text-valign': 'center' as const };
  return [
    {
      selector: 'node',
      style: {
        ...text,
        label: 'data(label)',
        shape: 'round-rectangle',
        width: 64,
        height: 36,
        'font-size': 12,
        'background-color': p.ground,
        'border-width': 1.5,
        'border-color': p.good,
        'text-max-width': '62px',
        'min-zoomed-font-size': 5,
      },
    },
    {
      selector: 'node.box',
      style: {
        width: box.w,
        height: box.h,
        'background-color': p.box,
        'text-max-width': `${box.w}px`,
      },
    },
    {
      selector: 'node.box.compact',
      style: {
        width: compact.w,
        height: compact.h,
        'font-size': 17,
        'text-max-width': `${compact.w}px`,
      },
    },
    {
      selector: 'node.enclosure',
      style: {
        'background-color': p.box,
        'border-color': p.edge,
        'border-width': 1,
        'text-valign': 'top',
        'font-size': 13,
        'text-max-width': '300px',
        padding: '14px',
      },
    },
    ...switchStyles(p),
    { selector: 'node.gateway', style: { shape: 'hexagon', width: 80, height: 42 } },
    {
      selector: 'node.n-offline',
      style: { 'border-color': p.warn, 'border-style': 'dashed', 'border-width': 2.5 },
    },
    {
      selector: 'node.n-pending, node.n-unknown',
      style: { 'border-color': p.idle, 'border-style': 'dotted' },
    },
    {
      selector: 'node.n-tampered',
      style: { 'border-color': p.bad, 'border-style': 'double', 'border-width': 5 },
    },
    {
      selector: 'node.chosen',
      style: { 'outline-color': p.chosen, 'outline-width': 4, 'outline-offset': 2 },
    },
  ];
}

export function styleFor(scheme: 'light' | 'dark'): StylesheetJson {
  const palette = palettes[scheme];
  const dim: StylesheetJson = [{ selector: 'edge.dim', style: { opacity: 0.06, label: '' } }];
  return [...nodeStyles(palette), ...edgeStyles(palette), ...dim];
}
