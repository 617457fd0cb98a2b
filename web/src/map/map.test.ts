import { describe, expect, it } from 'vitest';
import { decodeFleet, type LiveLink } from '../live/figures';
import { boxSize, layoutOf, nextInDirection, nothingMoved, ring } from './layout';
import { faintOnes, sumLinks, stepOfUse, widthOf } from './look';
import { parseArrangement } from './saved';
import { startExpanded, structureOf } from './structure';

function fleetOf(enclosures: number, each: number, links: string[]) {
  const nodes = Array.from({ length: enclosures * each }, (_, i) => ({
    name: `e${Math.floor(i / each)}n${i % each}`,
    enclosure: `e${Math.floor(i / each)}`,
    role: 'node' as const,
  }));
  return decodeFleet({
    version: 1,
    fleet: 'lab',
    controller: '',
    heartbeat_s: 1,
    nodes,
    links,
  });
}

const kLinks = ['e0n0>e1n0', 'e0n1>e1n1', 'e1n0>e0n0', 'e0n0>e0n1', 'e0n0>gone'];

describe('structureOf', () => {
  it('shows each link by itself between expanded enclosures', () => {
    const fleet = fleetOf(2, 2, kLinks);
    const { edges, shownBy } = structureOf(fleet, startExpanded(fleet));
    expect(edges.map((edge) => edge.id)).toEqual(kLinks.slice(0, 4));
    expect(shownBy[4]).toBe('');
  });

  it('bundles links between collapsed enclosures and keeps those inside', () => {
    const { boxes, edges, shownBy } = structureOf(fleetOf(2, 2, kLinks), new Set());
    expect(edges.map(({ id, links }) => [id, links])).toEqual([
      ['enclosure:e0~enclosure:e1', [0, 1]],
      ['enclosure:e1~enclosure:e0', [2]],
    ]);
    expect(boxes[0]?.inside).toEqual([3]);
    expect(shownBy[3]).toBe('enclosure:e0');
  });

  it('names an edge between a node and a collapsed enclosure by its ends', () => {
    const { edges } = structureOf(fleetOf(2, 2, kLinks), new Set(['e0']));
    expect(edges.map((edge) => edge.id)).toContain('node:e0n0~enclosure:e1');
  });

  it('begins collapsed when there are many nodes', () => {
    expect(startExpanded(fleetOf(2, 30, [])).size).toBe(2);
    expect(startExpanded(fleetOf(2, 31, [])).size).toBe(0);
  });
});

describe('layout', () => {
  it.each([1, 2, 3, 7, 50, 120])('keeps %i enclosures apart', (count) => {
    const size = boxSize(count > 24);
    const points = ring(Array.from({ length: count }, () => size));
    points.forEach((a, i) =>
      points.slice(i + 1).forEach((b) => {
        const apart = Math.abs(a.x - b.x) >= size.w || Math.abs(a.y - b.y) >= size.h;
        expect(apart).toBe(true);
      }),
    );
  });

  it('is the same again, whatever the order of the lists', () => {
    const fleet = fleetOf(3, 4, []);
    const mixed = { ...fleet, nodes: [...fleet.nodes].reverse() };
    const all = startExpanded(fleet);
    const at = (f: typeof fleet) => [...layoutOf(structureOf(f, all), nothingMoved()).at].sort();
    expect(at(mixed)).toEqual(at(fleet));
  });

  it('follows what was moved, nodes with their enclosure', () => {
    const structure = structureOf(fleetOf(2, 1, []), new Set(['e0']));
    const moved = {
      centres: { 'enclosure:e0': { x: 100, y: 50 } },
      offsets: { 'node:e0n0': { x: 5, y: 6 } },
    };
    expect(layoutOf(structure, moved).at.get('node:e0n0')).toEqual({ x: 105, y: 56 });
  });

  it('finds the neighbour in a direction', () => {
    const others = [
      { id: 'right', at: { x: 10, y: 1 } },
      { id: 'far', at: { x: 30, y: 0 } },
      { id: 'up', at: { x: 0, y: -10 } },
    ];
    expect(nextInDirection({ x: 0, y: 0 }, others, 'right')).toBe('right');
    expect(nextInDirection({ x: 0, y: 0 }, others, 'up')).toBe('up');
    expect(nextInDirection({ x: 0, y: 0 }, others, 'left')).toBeNull();
  });
});

const link = (change: Partial<LiveLink>): LiveLink => ({
  name: 'a>b',
  src: 'a',
  dst: 'b',
  state: 'open',
  leasedBps: 100,
  sentBps: 50,
  receivedBps: 50,
  usedBytes: 0,
  leftBytes: 0,
  expiresInS: 1,
  refusedPps: 0,
  mismatch: false,
  keyAgreed: true,
  recalling: false,
  old: false,
  ...change,
});

describe('looks', () => {
  it('sum what is known and say that some is not', () => {
    const sum = sumLinks([
      link({}),
      link({ sentBps: null }),
      link({ state: 'revoked', leasedBps: 0 }),
    ]);
    expect(sum).toMatchObject({
      count: 3,
      open: 2,
      leasedBps: 200,
      sentBps: 100,
      someUnknown: true,
    });
    expect(stepOfUse(sum)).toBe(-1);
    expect(sumLinks([undefined])).toMatchObject({ sentBps: null, state: 'unknown' });
  });

  it('do not count what is old as sent', () => {
    expect(sumLinks([link({ old: true })])).toMatchObject({ sentBps: null, someUnknown: true });
  });

  it('go in steps', () => {
    expect(stepOfUse(sumLinks([link({ sentBps: 0 })]))).toBe(0);
    expect(stepOfUse(sumLinks([link({ sentBps: 50 })]))).toBe(3);
    expect(stepOfUse(sumLinks([link({ sentBps: 100 })]))).toBe(5);
    expect([0, 8e3, 1e9, 4e11, 1e15].map(widthOf)).toEqual([2, 1.5, 6, 8, 8]);
  });

  it('leave the heaviest edges strong', () => {
    const looks = [1, 3, 2].map((weight) => ({ width: 1, weight, classes: '', label: '' }));
    expect([...faintOnes(looks, 1)].map((look) => look.weight)).toEqual([2, 1]);
  });
});

describe('parseArrangement', () => {
  it('makes something usable of whatever is stored', () => {
    for (const text of [null, '', '{', 'null', '[]', '7', '{"centres":3,"offsets":null}'])
      expect(parseArrangement(text).moved).toEqual(nothingMoved());
    const kept = parseArrangement(
      '{"centres":{"a":{"x":1,"y":2},"b":{"x":null}},"expanded":["e"]}',
    );
    expect(kept.moved.centres).toEqual({ a: { x: 1, y: 2 } });
    expect(kept.expanded).toEqual(['e']);
  });
});
