// One line through series of falling resolution and what the stream has brought since.
import type { History } from '../api/types';

export interface Sample {
  atMs: number;
  sentBps: number | null;
  receivedBps: number | null;
  leasedBps: number | null;
  refusedPps: number | null;
  usedBytes: number | null;
}

export type Field = Exclude<keyof Sample, 'atMs'>;

const kWireNames: Record<Field, string> = {
  sentBps: 'sent_bps',
  receivedBps: 'received_bps',
  leasedBps: 'leased_bps',
  refusedPps: 'refused_pps',
  usedBytes: 'used_bytes',
};
const kFields = Object.keys(kWireNames) as Field[];

export interface Line extends Record<Field, (number | null)[]> {
  // Seconds since 1970 by the controller's clock.
  at: number[];
}

const unknownAt = (atMs: number): Sample => ({
  atMs,
  sentBps: null,
  receivedBps: null,
  leasedBps: null,
  refusedPps: null,
  usedBytes: null,
});

function sampleOf(history: History, values: (number | null)[] | null, atMs: number): Sample {
  const sample = unknownAt(atMs);
  if (!values) return sample;
  for (const field of kFields)
    sample[field] = values[history.fields.indexOf(kWireNames[field])] ?? null;
  return sample;
}

// Samples in order of time; a hole becomes an unknown sample, so that no line is drawn through
// what nobody knows.
class Samples {
  readonly out: Sample[] = [];

  constructor(
    private readonly fromMs: number,
    private readonly toMs: number,
  ) {}

  add(sample: Sample, stepMs: number): void {
    if (sample.atMs < this.fromMs || sample.atMs > this.toMs) return;
    const last = this.out[this.out.length - 1];
    if (last && sample.atMs <= last.atMs) return;
    if (last && sample.atMs - last.atMs > 3 * stepMs + 1000)
      this.out.push(unknownAt(last.atMs + stepMs));
    this.out.push(sample);
  }
}

// The samples of `history` and `live` in the last `spanS` before `nowMs`, oldest first. The series
// whose resolution fits the span is taken as far as it reaches; coarser ones for what lies before
// it, finer ones and `live` for what came after.
export function mergeHistory(
  history: History | null,
  live: readonly Sample[],
  spanS: number,
  nowMs: number,
  maxPoints = 700,
): Sample[] {
  const samples = new Samples(nowMs - spanS * 1000, nowMs);
  const series = [...(history?.series ?? [])]
    .filter((one) => one.points.length > 0)
    .sort((a, b) => b.step_s - a.step_s);
  const best = Math.max(
    0,
    series.findLastIndex((one) => spanS / one.step_s <= maxPoints),
  );
  series.forEach((one, k) => {
    const stepMs = one.step_s * 1000;
    const untilMs =
      k < best ? Math.min(...series.slice(k + 1, best + 1).map((s) => s.first_ms)) : Infinity;
    one.points.forEach((values, i) => {
      const atMs = one.first_ms + i * stepMs;
      if (history && atMs + stepMs <= untilMs) samples.add(sampleOf(history, values, atMs), stepMs);
    });
  });
  for (const sample of live) samples.add(sample, 1000);
  return samples.out;
}

export function toLine(samples: readonly Sample[]): Line {
  const line: Line = {
    at: [],
    sentBps: [],
    receivedBps: [],
    leasedBps: [],
    refusedPps: [],
    usedBytes: [],
  };
  for (const sample of samples) {
    line.at.push(sample.atMs / 1000);
    for (const field of kFields) line[field].push(sample[field]);
  }
  return line;
}

// Refused packets per second by reason, from two readings of the counters. A counter that went
// back began anew: nothing is known of that interval.
export function dropRates(
  before: { atMs: number; drops: Record<string, number> },
  after: { atMs: number; drops: Record<string, number> },
): Record<string, number | null> {
  const seconds = (after.atMs - before.atMs) / 1000;
  const out: Record<string, number | null> = {};
  for (const [reason, count] of Object.entries(after.drops)) {
    const grown = count - (before.drops[reason] ?? 0);
    out[reason] = seconds > 0 && grown >= 0 ? grown / seconds : null;
  }
  return out;
}

// Seconds until `leftBytes` are gone at the present rate; null when nothing is sent or known.
export function timeToExhaustion(leftBytes: number, sentBps: number | null): number | null {
  if (sentBps === null || sentBps <= 0) return null;
  return (leftBytes * 8) / sentBps;
}
