// What the fake controller remembers: the real one's series, with a hole in each.
import type { History } from '../src/api/types';
import type { FakeFleet, FakeLink } from './fake_fleet';

interface PastPoint {
  sent: number;
  received: number;
  leased: number;
  // Refused packets per second.
  drops: Record<string, number>;
  // Of links only.
  used?: number;
}

const kSeries = [
  { step_s: 1, count: 120 },
  { step_s: 15, count: 240 },
  { step_s: 300, count: 288 },
];

const kHole = 8;

// Packets per second that each link refused. What it refuses now is for another reason.
export const kPastDrops = 12;

const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);

function pastLink(fleet: FakeFleet, link: FakeLink, atMs: number): PastPoint {
  const sent = fleet.sentBps(link, fleet.links.indexOf(link), atMs);
  return { sent, received: sent * 0.99, leased: link.rate, drops: { volume: kPastDrops } };
}

export function linkHistory(fleet: FakeFleet, name: string, nowMs: number): History | null {
  const link = fleet.links.find((one) => one.name === name);
  if (!link) return null;
  const at = (atMs: number) => ({ ...pastLink(fleet, link, atMs), used: link.used });
  return { link: name, ...pastOf(nowMs, at) };
}

export function nodeHistory(fleet: FakeFleet, name: string, nowMs: number): History | null {
  if (!fleet.nodes.some((node) => node.name === name)) return null;
  const sends = fleet.links.filter((link) => link.src === name);
  const receives = fleet.links.filter((link) => link.dst === name);
  const at = (atMs: number): PastPoint => {
    const sent = sends.map((link) => pastLink(fleet, link, atMs));
    const received = receives.map((link) => pastLink(fleet, link, atMs));
    return {
      sent: sum(sent.map((point) => point.sent)),
      received: sum(received.map((point) => point.received)),
      leased: sum(sent.map((point) => point.leased)),
      drops: { cleartext: 3, volume: kPastDrops },
    };
  };
  return { node: name, ...pastOf(nowMs, at) };
}

function pastOf(
  nowMs: number,
  at: (atMs: number) => PastPoint,
): Pick<History, 'now_ms' | 'fields' | 'series'> {
  const { used, drops } = at(nowMs);
  const reasons = Object.keys(drops);
  const valuesAt = (atMs: number): number[] => {
    const point = at(atMs);
    const refused = reasons.map((reason) => point.drops[reason] ?? 0);
    const used = point.used === undefined ? [] : [point.used];
    return [point.sent, point.received, point.leased, sum(refused), ...used, ...refused];
  };
  const series = kSeries.map(({ step_s, count }) => {
    const stepMs = step_s * 1000;
    const first_ms = Math.floor(nowMs / stepMs) * stepMs - count * stepMs;
    const hole = Math.floor(count / 3);
    const points = Array.from({ length: count }, (_, i) =>
      i > hole && i <= hole + kHole ? null : valuesAt(first_ms + i * stepMs),
    );
    return { step_s, first_ms, points };
  });
  const fields = ['sent_bps', 'received_bps', 'leased_bps', 'refused_pps'];
  if (used !== undefined) fields.push('used_bytes');
  fields.push(...reasons.map((reason) => `refused_pps.${reason}`));
  return { now_ms: nowMs, fields, series };
}
