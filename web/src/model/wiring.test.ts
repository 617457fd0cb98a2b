import { describe, expect, it } from 'vitest';
import type { Stop } from '../api/types';
import type { Topology, Verdict, Wire } from '../api/wiring_types';
import { decodeFleet, type Figures } from '../live/figures';
import { initialLive, type LiveState } from '../live/state';
import { roundTripText } from './format';
import { stopsAround } from './stops';
import {
  filterWires,
  isBad,
  parsePort,
  seenCables,
  seenPort,
  sinceText,
  topologyKey,
  worstVerdict,
} from './wiring';
import { verdictLook } from './words';

const wire = (a: string, b: string, change: Partial<Wire> = {}): Wire => ({
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
});

describe('ports', () => {
  it('are parted at the first colon', () => {
    expect(parsePort('leaf1:eth:1')).toEqual({ node: 'leaf1', port: 'eth:1' });
    expect(parsePort('leaf1')).toEqual({ node: 'leaf1', port: '' });
  });

  it('are seen only where somebody is named', () => {
    expect(seenPort('leaf1:p1 (claimed)')).toBe('leaf1:p1');
    expect(seenPort('a1:fab0 (proved)')).toBe('a1:fab0');
    for (const words of ['', 'nobody', 'others, through it', 'a switch: not of the plan (twice)'])
      expect(seenPort(words)).toBeNull();
  });
});

describe('seenCables', () => {
  it('tells a cable that both ends see once, and none that is as planned', () => {
    const wires = [
      wire('a:f', 'l:1', { a_sees: 'm:1 (claimed)', b_sees: 'b:f (proved)' }),
      wire('b:f', 'm:1', { a_sees: 'l:1 (claimed)', b_sees: 'a:f (proved)' }),
      wire('c:f', 'l:2', { a_sees: 'l:2 (claimed)', b_sees: 'nobody' }),
    ];
    expect(seenCables(wires)).toEqual([
      { a: 'a:f', b: 'm:1', wires: [0, 1] },
      { a: 'b:f', b: 'l:1', wires: [0, 1] },
    ]);
  });
});

describe('verdicts', () => {
  const of = (...all: string[]) =>
    all.map((verdict) => wire('a:f', 'b:f', { verdict: verdict as Verdict }));

  it('are as bad as the worst', () => {
    expect(worstVerdict(of('as-planned', 'swapped', 'unproved'))).toBe('swapped');
    expect(worstVerdict(of('as-planned', 'unproved'))).toBe('unproved');
    expect(worstVerdict([])).toBe('unproved');
  });

  it('that are not known are bad', () => {
    expect(worstVerdict(of('as-planned', 'gnawed'))).toBe('gnawed');
    expect(of('gnawed').map(isBad)).toEqual([true]);
    expect(verdictLook('half-gnawed')).toMatchObject({ words: 'half gnawed', tone: 'bad' });
  });
});

describe('filterWires', () => {
  const topology: Topology = {
    plan_version: 1,
    wires_by_verdict: {},
    findings: [],
    policies: [],
    wires: [
      wire('a:f', 'l:1', { verdict: 'wrong-port', evidence: 'Another port' }),
      wire('b:f', 'l:2'),
    ],
  };
  it('looks at names, evidence and the verdict in words', () => {
    const found = (text: string, verdicts: string[] = []) =>
      filterWires(topology, text, verdicts).map(({ a }) => a);
    expect(found('')).toEqual(['a:f', 'b:f']);
    expect(found('f -- l:2')).toEqual(['b:f']);
    expect(found('ANOTHER')).toEqual(['a:f']);
    expect(found('wrong port')).toEqual(['a:f']);
    expect(found('', ['unproved'])).toEqual(['b:f']);
    expect(filterWires(null, '', [])).toEqual([]);
  });
});

it('round trips are told in microseconds', () => {
  expect([0.000012, 0.0000041, 0.0021, null].map(roundTripText)).toEqual([
    '12 µs',
    '4.1 µs',
    '2.1 ms',
    '–',
  ]);
});

it('a verdict stands since a moment, with its day when that is long ago', () => {
  const now = Date.parse('2026-07-31T10:00:00Z');
  expect(sinceText(now, 10)).not.toMatch(/2026/);
  expect(sinceText(now, 100_000)).toMatch(/2026/);
});

describe('topologyKey', () => {
  const at = (change: Partial<Figures>): LiveState => ({
    ...initialLive(0),
    figures: {
      stream: 1,
      atMs: 0,
      storeOk: true,
      lastEvent: 0,
      wiring: { planVersion: 1, changes: 5, findings: 0 },
      nodes: [],
      links: [],
      ...change,
    },
  });

  it('changes with a verdict, the plan, the stream, and now and again', () => {
    const key = topologyKey(at({}));
    expect(topologyKey(at({ atMs: 9000 }))).toBe(key);
    for (const change of [
      { wiring: { planVersion: 1, changes: 6, findings: 0 } },
      { wiring: { planVersion: 2, changes: 5, findings: 0 } },
      { stream: 2 },
      { atMs: 10_000 },
    ])
      expect(topologyKey(at(change))).not.toBe(key);
  });

  it('rests without figures', () => {
    expect(topologyKey(initialLive(0))).toBeNull();
  });
});

it('stops around a link are those of its ends, their enclosures, and the fleet', () => {
  const fleet = decodeFleet({
    version: 1,
    fleet: 'lab',
    controller: '',
    heartbeat_s: 1,
    nodes: [
      { name: 'a', enclosure: 'east', role: 'node' },
      { name: 'b', enclosure: 'west', role: 'node' },
    ],
    links: ['a>b'],
  });
  const stops = ['fleet', 'enclosure:west', 'enclosure:north', 'node:a', 'node:c'].map(
    (scope): Stop => ({ scope, reason: '' }),
  );
  const around = stopsAround('a>b', stops, fleet).map((stop) => stop.scope);
  expect(around).toEqual(['fleet', 'enclosure:west', 'node:a']);
  expect(stopsAround('a>b', undefined, null)).toEqual([]);
});
