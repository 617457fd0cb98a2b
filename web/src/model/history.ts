// One line through series of falling resolution and what the stream has brought since.
import type { History } from '../api/types';

export interface Sample {
  atMs: number;
  sentBps: number | null;
  receivedBps: number | null;
  leasedBps: number | null;
  refusedPps: number | null;
  usedBytes: number | null;
  // Refused packets per second by reason. null: not known; a reason that is not there: none.
  reasons: Readonly<Record<string, number>> | null;
}

export type Field = Exclude<keyof Sample, 'atMs' | 'reasons'>;

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
  // Of those for which something was refused meanwhile, by name.
  reasons: [string, (number | null)[]][];
  // What a reason for which nothing was refused would be: 0 where it is known.
  none: (number | null)[];
}

export const unknownAt = (atMs: number): Sample => ({
  atMs,
  sentBps: null,
  receivedBps: null,
  leasedBps: null,
  refusedPps: null,
  usedBytes: null,
  reasons: null,
});

const kReasonPrefix = 'refused_pps.';

// Reads a history's points, whose values stand in the order of its fields.
function pointReader(fields: readonly string[]) {
  const places = kFields.map((field) => [field, fields.indexOf(kWireNames[field])] as const);
  const reasons = fields.flatMap((field, i) =>
    field.startsWith(kReasonPrefix) ? [[field.slice(kReasonPrefix.length), i] as const] : [],
  );
  return (values: (number | null)[] | null, atMs: number): Sample => {
    const sample = unknownAt(atMs);
    if (!values) return sample;
    for (const [field, i] of places) sample[field] = values[i] ?? null;
    if (sample.refusedPps !== null)
      sample.reasons = Object.fromEntries(reasons.map(([reason, i]) => [reason, values[i] ?? 0]));
    return sample;
  };
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
  const sampleOf = pointReader(history?.fields ?? []);
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
      if (atMs + stepMs <= untilMs) samples.add(sampleOf(values, atMs), stepMs);
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
    reasons: [],
    none: samples.map(({ reasons }) => reasons && 0),
  };
  const seen = new Set<string>();
  for (const sample of samples) {
    line.at.push(sample.atMs / 1000);
    for (const field of kFields) line[field].push(sample[field]);
    for (const [reason, rate] of Object.entries(sample.reasons ?? {}))
      if (rate > 0) seen.add(reason);
  }
  line.reasons = [...seen]
    .sort()
    .map((reason) => [reason, samples.map(({ reasons }) => reasons && (reasons[reason] ?? 0))]);
  return line;
}

// Refused packets per second by reason, from two readings of the counters. If one of them went
// back, all began anew: nothing is known of that interval.
export function dropRates(
  before: { atMs: number; drops: Record<string, number> },
  after: { atMs: number; drops: Record<string, number> },
): Record<string, number> | null {
  const seconds = (after.atMs - before.atMs) / 1000;
  const out: Record<string, number> = {};
  for (const [reason, count] of Object.entries(after.drops)) {
    const grown = count - (before.drops[reason] ?? 0);
    if (seconds <= 0 || grown < 0) return null;
    out[reason] = grown / seconds;
  }
  return out;
}

// Seconds until `leftBytes` are gone at the present rate; null when nothing is sent or known.
export function timeToExhaustion(leftBytes: number, sentBps: number | null): number | null {
  if (sentBps === null || sentBps <= 0) return null;
  return (leftBytes * 8) / sentBps;
}
