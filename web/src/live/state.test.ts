import { describe, expect, it } from 'vitest';
import type { WireFigures, WireFleet } from '../api/types';
import { Backoff } from './backoff';
import { countStates, initialLive, reduceLive, type LiveAction, type LiveState } from './state';

const kFleet: WireFleet = {
  version: 7,
  fleet: 'lab',
  controller: '0.1.0',
  heartbeat_s: 0.2,
  nodes: [
    { name: 'a1', enclosure: 'east', role: 'node' },
    { name: 'b1', enclosure: 'west', role: 'node' },
  ],
  links: ['a1>b1', 'b1>a1'],
};

function figures(change: Partial<WireFigures> = {}): WireFigures {
  return {
    version: 7,
    at_ms: 1000,
    store_ok: true,
    last_event: 3,
    nodes: [
      [2, 0.1, 0, 0, 4, 4],
      [2, 0.1, 0, 0, 4, 4],
    ],
    links: [
      [0, 1e8, 5e7, 4.9e7, 10, 90, 17.5, 0, 2],
      [1, 0, null, null, 0, 0, null, null, 0],
    ],
    ...change,
  };
}

const run = (...actions: LiveAction[]): LiveState => actions.reduce(reduceLive, initialLive(0));
const kStart: LiveAction = { type: 'fleet', wire: kFleet };

describe('reduceLive', () => {
  it('knows nothing before the first figures', () => {
    expect(run(kStart).figures).toBeNull();
  });

  it('puts names to figures', () => {
    const state = run(kStart, { type: 'figures', wire: figures(), now: 10 });
    expect(state.figures?.links[0]).toMatchObject({
      name: 'a1>b1',
      state: 'open',
      sentBps: 5e7,
      keyAgreed: true,
      mismatch: false,
      old: false,
    });
    expect(state.figures?.links[1]).toMatchObject({ state: 'no_quota', sentBps: null });
  });

  it('ignores figures of another version and before any fleet', () => {
    const wire = figures({ version: 8 });
    expect(run(kStart, { type: 'figures', wire, now: 10 }).figures).toBeNull();
    expect(run({ type: 'figures', wire: figures(), now: 10 }).figures).toBeNull();
  });

  it('figures of another version are no news', () => {
    const wire = figures({ version: 8 });
    const state = run(kStart, { type: 'figures', wire, now: 9000 }, { type: 'tick', now: 9000 });
    expect(state.silentS).toBe(9);
  });

  it('marks links of a node that does not report as old', () => {
    for (const dead of [
      [1, 12, 0, 0, 4, 4],
      [2, 12, 1, 0, 4, 4],
      [0, null, 0, 0, 0, 0],
    ] as WireFigures['nodes']) {
      const wire = figures({ nodes: [[2, 0.1, 0, 0, 4, 4], dead] });
      const state = run(kStart, { type: 'figures', wire, now: 10 });
      expect(state.figures?.links.map((link) => link.old)).toEqual([true, true]);
    }
  });

  it('a state or a row that it does not know is unknown', () => {
    const wire = figures({ nodes: [[9, 0, 0, 0, 0, 0]], links: [] });
    const state = run(kStart, { type: 'figures', wire, now: 10 });
    expect(state.figures?.nodes.map((node) => node.state)).toEqual(['unknown', 'unknown']);
    expect(state.figures?.links[0]).toMatchObject({ state: 'unknown', sentBps: null });
  });

  it('goes silent after three seconds and comes back with figures', () => {
    const fresh: LiveAction = { type: 'figures', wire: figures(), now: 100 };
    const at = (now: number): LiveAction => ({ type: 'tick', now });
    expect(run(kStart, fresh, at(3100)).silentS).toBeNull();
    const silent = run(kStart, fresh, at(3101));
    expect(silent.silentS).toBe(3);
    expect(silent.figures?.links[0]?.expiresInS).toBe(17.5);
    expect(reduceLive(silent, { type: 'figures', wire: figures(), now: 4000 }).silentS).toBeNull();
  });

  it('changes nothing on a tick that changes nothing', () => {
    const state = run(kStart);
    expect(reduceLive(state, { type: 'tick', now: 1000 })).toBe(state);
  });

  it('keeps the figures when the lists change', () => {
    const wire = { ...kFleet, version: 8 };
    const state = run(
      kStart,
      { type: 'figures', wire: figures(), now: 1 },
      { type: 'fleet', wire },
    );
    expect(state.figures?.links[0]?.name).toBe('a1>b1');
  });

  it('says and forgets trouble', () => {
    const state = run(kStart, { type: 'trouble', text: 'no' });
    expect(state.trouble).toBe('no');
    expect(reduceLive(state, { type: 'figures', wire: figures(), now: 1 }).trouble).toBeNull();
  });
});

describe('countStates', () => {
  it('counts', () => {
    const state = run(kStart, { type: 'figures', wire: figures(), now: 1 });
    expect(countStates(state.figures?.links ?? [])).toEqual({ open: 1, no_quota: 1 });
  });
});

describe('Backoff', () => {
  it('doubles to ten seconds, spreads, and begins anew', () => {
    const most = new Backoff(() => 1);
    expect([1, 2, 3, 4, 5, 6, 7].map(() => most.nextMs())).toEqual([
      500, 1000, 2000, 4000, 8000, 10_000, 10_000,
    ]);
    const least = new Backoff(() => 0);
    expect(least.nextMs()).toBe(250);
    most.reset();
    expect(most.nextMs()).toBe(500);
  });
});
