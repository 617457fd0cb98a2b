// The plan and the observation: names of ports and cables, what an end sees, and when to read anew.
import type { Topology, Wire } from '../api/wiring_types';
import type { LiveState } from '../live/state';
import { dateTimeText, timeText } from './format';
import { verdictLook, wireVerdicts } from './words';

export interface Port {
  node: string;
  port: string;
}

export function parsePort(text: string): Port {
  const at = text.indexOf(':');
  return at < 0 ? { node: text, port: '' } : { node: text.slice(0, at), port: text.slice(at + 1) };
}

// Who is at the other end, if it is somebody: null for "nobody" and other words.
export function seenPort(text: string): string | null {
  return /^([a-z0-9-]+:\S+) \((?:proved|claimed)\)$/.exec(text)?.[1] ?? null;
}

export const cableName = (wire: Wire): string => `${wire.a} -- ${wire.b}`;

export const isAt = (wire: Wire, node: string): boolean =>
  parsePort(wire.a).node === node || parsePort(wire.b).node === node;

export function worstVerdict(wires: readonly Wire[]): string {
  const there = new Set<string>(wires.map((wire) => wire.verdict));
  const strange = wires.find((wire) => !wireVerdicts.includes(wire.verdict));
  return strange?.verdict ?? wireVerdicts.find((verdict) => there.has(verdict)) ?? 'unproved';
}

// A verdict that this console does not know counts as bad too.
export const isBad = (wire: Wire): boolean => wire.bad || !wireVerdicts.includes(wire.verdict);

// The cables between other ends than the plan says: from port, to port, and which wires say so.
export interface SeenCable {
  a: string;
  b: string;
  wires: number[];
}

export function seenCables(wires: readonly Wire[]): SeenCable[] {
  const out = new Map<string, SeenCable>();
  wires.forEach((wire, index) => {
    for (const [from, planned, text] of [
      [wire.a, wire.b, wire.a_sees],
      [wire.b, wire.a, wire.b_sees],
    ] as const) {
      const seen = seenPort(text);
      if (seen === null || seen === planned) continue;
      const [a = '', b = ''] = [from, seen].sort();
      const cable = out.get(`${a} ${b}`) ?? { a, b, wires: [] };
      if (!cable.wires.includes(index)) cable.wires.push(index);
      out.set(`${a} ${b}`, cable);
    }
  });
  return [...out.values()];
}

export function filterWires(
  topology: Topology | null,
  text: string,
  verdicts: readonly string[],
): Wire[] {
  const wanted = text.trim().toLowerCase();
  return (topology?.wires ?? []).filter(
    (wire) =>
      (verdicts.length === 0 || verdicts.includes(wire.verdict)) &&
      [cableName(wire), wire.evidence, wire.a_sees, wire.b_sees, verdictLook(wire.verdict).words]
        .join('\n')
        .toLowerCase()
        .includes(wanted),
  );
}

// The moment, of the controller's clock at the reading: a duration would run on, or stand still.
export function sinceText(atMs: number, sinceS: number): string {
  const ms = atMs - 1000 * sinceS;
  return sinceS < 86_400 ? timeText(ms) : dateTimeText(ms);
}

// Evidence, round trips and policies change without a verdict, and matter less.
const kEveryS = 10;

// Whenever this changes, the topology is to be read anew. A new stream asks for it too: meanwhile
// the controller may have begun to count from 0 again.
export function topologyKey({ figures }: LiveState): string | null {
  if (!figures) return null;
  const { planVersion, changes } = figures.wiring;
  const beat = Math.floor(figures.atMs / 1000 / kEveryS);
  return [figures.stream, planVersion, changes, beat].join(' ');
}
