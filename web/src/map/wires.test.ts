import { describe, expect, it } from 'vitest';
import type { PlanNode, Topology, Wire } from '../api/wiring_types';
import { decodeFleet } from '../live/figures';
import { layoutOf, nothingMoved, placeSwitches } from './layout';
import { parseArrangement } from './saved';
import { startExpanded, structureOf } from './structure';
import { describeWiring, kManyWires, shownWire, wireMapOf, wiresBehind } from './wires';

const kRead = { old: false, atMs: 0 };

function fleetOf(enclosures: number, each: number) {
  return decodeFleet({
    version: 1,
    fleet: 'lab',
    controller: '',
    heartbeat_s: 1,
    nodes: Array.from({ length: enclosures * each }, (_, i) => ({
      name: `e${Math.floor(i / each)}n${i % each}`,
      enclosure: `e${Math.floor(i / each)}`,
      role: 'node' as const,
    })),
    links: [],
  });
}

function topologyOf(cables: [string, string, Partial<Wire>?][]): Topology {
  const names = new Set(cables.flatMap(([a, b]) => [a, b]).map((port) => port.split(':')[0] ?? ''));
  const roleOf = (name: string): PlanNode['role'] =>
    /^leaf|^spine/.test(name) ? 'switch' : name === 'ctl' ? 'controller' : 'node';
  return {
    plan_version: 1,
    wires_by_verdict: {},
    findings: [],
    policies: [],
    nodes: [...names].map((name) => ({ name, role: roleOf(name), enclosure: null })),
    wires: cables.map(([a, b, change]) => ({
      a,
      b,
      verdict: 'unproved',
      bad: false,
      evidence: '',
      since_s: 1,
      a_sees: '',
      b_sees: '',
      rtt_s: null,
      max_rtt_s: null,
      speed_bps: null,
      ...change,
    })),
  };
}

const kSwapped = { verdict: 'swapped', bad: true } as const;
const kPlan = topologyOf([
  ['e0n0:f', 'leaf1:1', { ...kSwapped, a_sees: 'leaf2:1 (claimed)' }],
  ['e0n1:f', 'leaf1:2'],
  ['e1n0:f', 'leaf2:1', { ...kSwapped, a_sees: 'leaf1:1 (claimed)' }],
  ['leaf1:3', 'leaf2:3'],
  ['ctl:f', 'leaf1:4'],
  ['gone:f', 'leaf1:5'],
  ['e0n0:g', 'e1n0:g', { verdict: 'as-planned' }],
]);

describe('wireMapOf', () => {
  it('shows each cable between what is open, and what was observed beside it', () => {
    const fleet = fleetOf(2, 2);
    const map = wireMapOf(kPlan, fleet, structureOf(fleet, startExpanded(fleet)), kRead);
    expect(map.switches.map(({ id, beside, wires }) => [id, beside, wires])).toEqual([
      ['switch:leaf1', ['enclosure:e0'], [0, 1, 3, 4, 5]],
      ['switch:leaf2', ['enclosure:e1'], [2, 3]],
    ]);
    expect(map.wires.map(({ id, from, to }) => [id, from, to])).toEqual([
      ['wire:e0n0:f -- leaf1:1', 'node:e0n0', 'switch:leaf1'],
      ['wire:e0n1:f -- leaf1:2', 'node:e0n1', 'switch:leaf1'],
      ['wire:e1n0:f -- leaf2:1', 'node:e1n0', 'switch:leaf2'],
      ['wire:leaf1:3 -- leaf2:3', 'switch:leaf1', 'switch:leaf2'],
      ['wire:e0n0:g -- e1n0:g', 'node:e0n0', 'node:e1n0'],
      ['seen:e0n0:f~leaf2:1', 'node:e0n0', 'switch:leaf2'],
      ['seen:e1n0:f~leaf1:1', 'node:e1n0', 'switch:leaf1'],
    ]);
    expect(map.wires[0]).toMatchObject({ classes: 'wire v-bad', label: 'swapped' });
    expect(map.wires[4]).toMatchObject({ classes: 'wire v-as-planned', label: '' });
    expect(map.direct).toEqual([6]);
    expect(map.shownBy.slice(4, 6)).toEqual(['', '']);
    expect(describeWiring(map, 'switch:leaf2')).toBe('switch leaf2, 2 wires, 1 not as planned');
  });

  it('bundles the wires of a closed enclosure, with the worst verdict', () => {
    const fleet = fleetOf(2, 2);
    const map = wireMapOf(kPlan, fleet, structureOf(fleet, new Set()), kRead);
    const [first] = map.wires;
    expect(first).toMatchObject({
      id: 'wires:enclosure:e0~switch:leaf1',
      wires: [0, 1],
      classes: 'wire v-bad bundle',
      label: '1/2 not as planned',
    });
    const asked = 'wire:e0n1:f -- leaf1:2';
    expect(shownWire(map, asked)).toBe(first?.id);
    expect(wiresBehind(map, asked)).toEqual([1]);
    expect(describeWiring(map, asked)).toBe('wire e0n1:f -- leaf1:2, unproved');
  });

  it('keeps a cable within a closed enclosure to itself', () => {
    const fleet = fleetOf(1, 2);
    const plan = topologyOf([['e0n0:f', 'e0n1:f']]);
    const map = wireMapOf(plan, fleet, structureOf(fleet, new Set()), kRead);
    expect([map.wires, map.shownBy]).toEqual([[], ['enclosure:e0']]);
  });

  it('draws only the bad ones of very many', () => {
    const fleet = fleetOf(1, kManyWires + 1);
    const cables = fleet.nodes.map(({ name }, i): [string, string, Partial<Wire>?] => [
      `${name}:f`,
      `leaf1:${i}`,
      i === 7 ? kSwapped : {},
    ]);
    const map = wireMapOf(topologyOf(cables), fleet, structureOf(fleet, new Set(['e0'])), kRead);
    expect(map.wires.map(({ id }) => id)).toEqual(['wire:e0n7:f -- leaf1:7']);
    expect(shownWire(map, 'wire:e0n8:f -- leaf1:8')).toBe('wire:e0n8:f -- leaf1:8');
  });

  it('marks what was read before the stream came back', () => {
    const fleet = fleetOf(2, 2);
    const read = { old: true, atMs: 0 };
    const map = wireMapOf(kPlan, fleet, structureOf(fleet, new Set()), read);
    expect(map.wires.every(({ classes }) => classes.includes('stale'))).toBe(true);
  });
});

describe('placeSwitches', () => {
  const plan = (leaves: number) =>
    topologyOf(
      Array.from({ length: leaves }, (_, i): [string, string][] => [
        [`e${i}n0:f`, `leaf${i}:1`],
        [`leaf${i}:2`, `spine1:${i}`],
        [`leaf${i}:3`, `spine2:${i}`],
      ]).flat(),
    );

  it.each([1, 2, 3, 12, 50])('keeps switches off %i enclosures and each other', (count) => {
    const fleet = fleetOf(count, 2);
    for (const expanded of [new Set<string>(), startExpanded(fleet)]) {
      const structure = structureOf(fleet, expanded);
      const { switches } = wireMapOf(plan(count), fleet, structure, kRead);
      const at = [...placeSwitches(structure, switches, nothingMoved()).values()];
      const others = [...layoutOf(structure, nothingMoved()).at.values()];
      expect(at).toHaveLength(count + 2);
      at.forEach((a, i) => {
        for (const b of [...at.slice(i + 1), ...others])
          expect(Math.abs(a.x - b.x) >= 60 || Math.abs(a.y - b.y) >= 30).toBe(true);
      });
    }
  });

  it('lets no cable run over another node', () => {
    const fleet = fleetOf(3, 2);
    const structure = structureOf(fleet, startExpanded(fleet));
    const { switches } = wireMapOf(
      topologyOf([
        ['e0n0:f', 'leaf1:1'],
        ['e0n1:f', 'leaf1:2'],
        ['e2n0:f', 'leaf2:1'],
        ['e2n1:f', 'leaf2:2'],
        ['e1n0:f', 'leaf2:3'],
        ['leaf1:3', 'leaf2:4'],
      ]),
      fleet,
      structure,
      kRead,
    );
    const places = placeSwitches(structure, switches, nothingMoved());
    const { at } = layoutOf(structure, nothingMoved());
    const leaf = places.get('switch:leaf1') ?? { x: NaN, y: NaN };
    const [near, far] = ['node:e0n1', 'node:e0n0'].map((id) => at.get(id) ?? { x: NaN, y: NaN });
    if (!near || !far) throw new Error('nodes have places');
    const crossesAt = leaf.y + ((far.y - leaf.y) * (near.x - leaf.x)) / (far.x - leaf.x);
    expect(Math.abs(crossesAt - near.y)).toBeGreaterThan(20);
  });

  it('is the same again, and follows what was moved', () => {
    const fleet = fleetOf(3, 2);
    const structure = structureOf(fleet, startExpanded(fleet));
    const { switches } = wireMapOf(plan(3), fleet, structure, kRead);
    const again = wireMapOf(plan(3), fleet, structure, kRead).switches;
    const places = placeSwitches(structure, switches, nothingMoved());
    expect(placeSwitches(structure, again, nothingMoved())).toEqual(places);
    const moved = { centres: { 'switch:leaf1': { x: 7, y: 8 } }, offsets: {} };
    const then = placeSwitches(structure, switches, moved);
    expect(then.get('switch:leaf1')).toEqual({ x: 7, y: 8 });
    expect(then.get('switch:leaf2')).toEqual(places.get('switch:leaf2'));
  });
});

it('wires are shown unless somebody hid them', () => {
  expect([null, '{}', '{"wires":true}'].map((t) => parseArrangement(t).wires)).toEqual([
    true,
    true,
    true,
  ]);
  expect(parseArrangement('{"wires":false}').wires).toBe(false);
});
