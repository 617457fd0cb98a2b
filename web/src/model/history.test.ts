import { describe, expect, it } from 'vitest';
import type { History } from '../api/types';
import { dropRates, mergeHistory, timeToExhaustion, toLine, type Sample } from './history';

const kFields = [
  'sent_bps',
  'received_bps',
  'leased_bps',
  'refused_pps',
  'used_bytes',
  'refused_pps.no_lease',
  'refused_pps.rate',
];

function history(nowMs: number): History {
  const series = (
    [
      [1, 120],
      [15, 240],
      [300, 288],
    ] as const
  ).map(([step_s, count]) => {
    const lastMs = Math.floor(nowMs / (step_s * 1000)) * step_s * 1000;
    const first_ms = lastMs - (count - 1) * step_s * 1000;
    return {
      step_s,
      first_ms,
      points: Array.from({ length: count }, () => [step_s, 0, 0, 4, 0, 0, 4]),
    };
  });
  return { link: 'a1>b1', now_ms: nowMs, fields: kFields, series };
}

const live = (atMs: number): Sample => ({
  atMs,
  sentBps: 7,
  receivedBps: 7,
  leasedBps: 8,
  refusedPps: 0,
  usedBytes: 1,
  reasons: null,
});

const kNow = 1_790_000_100_000;

describe('mergeHistory', () => {
  it('takes the resolution that fits, then finer ones, then what came live', () => {
    const samples = mergeHistory(history(kNow - 2000), [live(kNow - 1000), live(kNow)], 3600, kNow);
    const sent = samples.map((sample) => sample.sentBps);
    expect(sent.slice(-2)).toEqual([7, 7]);
    expect(sent[0]).toBe(15);
    expect(new Set(sent)).toEqual(new Set([15, 1, 7]));
  });

  it('is in order of time, within the span', () => {
    for (const span of [120, 3600, 86_400]) {
      const at = mergeHistory(history(kNow), [live(kNow)], span, kNow).map((s) => s.atMs);
      expect([...at].sort((a, b) => a - b)).toEqual(at);
      expect(new Set(at).size).toBe(at.length);
      expect(at[0]).toBeGreaterThanOrEqual(kNow - span * 1000);
      expect(at.length).toBeLessThan(800);
    }
  });

  it('takes coarser ones for what lies before the series that fits', () => {
    const short = history(kNow);
    const fine = short.series[0];
    if (fine) short.series[0] = { ...fine, first_ms: kNow - 30_000, points: fine.points.slice(90) };
    const sent = mergeHistory(short, [], 120, kNow).map((s) => s.sentBps);
    expect(sent[0]).toBe(15);
    expect(sent[sent.length - 1]).toBe(1);
  });

  it('keeps what nobody knew and draws nothing through holes', () => {
    const samples = mergeHistory(null, [live(kNow - 60_000), live(kNow)], 120, kNow);
    expect(samples.map((sample) => sample.sentBps)).toEqual([7, null, 7]);
    const known = history(kNow);
    const last = known.series[0]?.points.length ?? 1;
    known.series[0]?.points.splice(last - 1, 1, null);
    const line = toLine(mergeHistory(known, [], 120, kNow));
    expect(line.sentBps[line.sentBps.length - 1]).toBeNull();
  });

  it('has the reasons of the past', () => {
    const sample = mergeHistory(history(kNow), [], 86_400, kNow)[0];
    expect(sample?.reasons).toEqual({ no_lease: 0, rate: 4 });
    const blind = history(kNow);
    const point = blind.series[0]?.points[5];
    if (point) point[3] = point[5] = point[6] = null;
    const reasons = mergeHistory(blind, [], 120, kNow).map((s) => s.reasons);
    expect(reasons.filter((one) => one === null)).toHaveLength(1);
  });

  it('makes nothing of nothing', () => {
    expect(mergeHistory(null, [], 120, kNow)).toEqual([]);
  });
});

describe('toLine', () => {
  it('has a line for each reason that was seen; it is none elsewhere, and unknown is a gap', () => {
    const line = toLine([
      { ...live(1000), reasons: { rate: 2, volume: 0 } },
      live(2000),
      { ...live(3000), reasons: { expired: 1 } },
    ]);
    expect(line.reasons).toEqual([
      ['expired', [0, null, 1]],
      ['rate', [2, null, 0]],
    ]);
    expect(line.none).toEqual([0, null, 0]);
  });
});

describe('dropRates', () => {
  const before = { atMs: 1000, drops: { rate: 10, volume: 5 } };

  it('is the difference over the time', () => {
    const after = { atMs: 3000, drops: { rate: 30, volume: 5, no_lease: 4 } };
    expect(dropRates(before, after)).toEqual({ rate: 10, volume: 0, no_lease: 2 });
  });

  it('is unknown when a counter began anew, and so the others with it', () => {
    expect(dropRates(before, { atMs: 3000, drops: { rate: 30, volume: 1 } })).toBeNull();
    expect(dropRates(before, { ...before })).toBeNull();
  });
});

describe('timeToExhaustion', () => {
  it('is unknown when nothing is sent', () => {
    expect(timeToExhaustion(1000, 0)).toBeNull();
    expect(timeToExhaustion(1000, null)).toBeNull();
    expect(timeToExhaustion(1000, 800)).toBe(10);
  });
});
