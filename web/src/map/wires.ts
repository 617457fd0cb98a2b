// What the map shows of the wiring: switches, cables by verdict, and cables that were observed
// where the plan has none. Between what is collapsed and a switch there is one wire for all.
import type { Topology, Wire } from '../api/wiring_types';
import type { Fleet } from '../live/figures';
import { enclosureScope } from '../model/scope';
import { byName } from '../model/search';
import { plural, verdictLook } from '../model/words';
import { cableName, isBad, parsePort, seenCables, worstVerdict } from '../model/wiring';
import type { Structure } from './structure';

export interface MapSwitch {
  id: string;
  name: string;
  // The enclosures that it has cables to, as ids.
  beside: string[];
  // Positions in the topology's list of wires.
  wires: number[];
}

export interface MapWire {
  id: string;
  from: string;
  to: string;
  wires: number[];
  classes: string;
  label: string;
}

export interface WireMap {
  topology: Topology;
  switches: MapSwitch[];
  // Planned ones, then observed ones.
  wires: MapWire[];
  // Cables between nodes, without a switch.
  direct: number[];
  // The element that shows the wire with this position; empty: none does.
  shownBy: string[];
  // Not read since the stream came back.
  old: boolean;
  atMs: number;
}

// Above this many single wires, only those that are bad are drawn.
export const kManyWires = 2000;

export const switchId = (name: string) => `switch:${name}`;
export const wireId = (wire: Wire) => `wire:${cableName(wire)}`;

const wiresOf = (topology: Topology): Wire[] => topology.wires ?? [];
const pick = (topology: Topology, indices: readonly number[]): Wire[] =>
  indices.flatMap((i) => wiresOf(topology)[i] ?? []);

function switchesOf(topology: Topology, fleet: Fleet): MapSwitch[] {
  const out = new Map<string, MapSwitch>();
  for (const { name, role } of topology.nodes ?? [])
    if (role === 'switch') out.set(name, { id: switchId(name), name, beside: [], wires: [] });
  wiresOf(topology).forEach((wire, index) => {
    const [a, b] = [parsePort(wire.a).node, parsePort(wire.b).node];
    for (const [mine, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const found = out.get(mine);
      if (!found) continue;
      if (!found.wires.includes(index)) found.wires.push(index);
      const node = fleet.nodes[fleet.nodeIndex.get(other) ?? -1];
      const box = node && enclosureScope(node.enclosure);
      if (box && !found.beside.includes(box)) found.beside.push(box);
    }
  });
  return [...out.values()].sort((x, y) => byName(x.name, y.name));
}

// The element at which something of this name stands; the controller's machine is on no map.
function elementsOf(structure: Structure, switches: readonly MapSwitch[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const box of structure.boxes)
    for (const { name } of box.nodes) out.set(name, box.expanded ? `node:${name}` : box.id);
  for (const { name, id } of switches) out.set(name, id);
  return out;
}

function classOf(verdict: string, old: boolean): string {
  const known = verdict === 'as-planned' || verdict === 'unproved' || verdict === 'missing';
  const classes = ['wire', `v-${known ? verdict : 'bad'}`];
  if (old) classes.push('stale');
  return classes.join(' ');
}

function lookOf(
  topology: Topology,
  indices: readonly number[],
  single: boolean,
  old: boolean,
): { classes: string; label: string } {
  const wires = pick(topology, indices);
  const verdict = worstVerdict(wires);
  const bad = wires.filter(isBad).length;
  const classes = classOf(verdict, old);
  if (single) return { classes, label: bad > 0 ? verdictLook(verdict).words : '' };
  const label = bad > 0 ? `${bad}/${wires.length} not as planned` : '';
  return { classes: `${classes} bundle`, label };
}

interface Draft {
  id: string;
  from: string;
  to: string;
  wires: number[];
}

const isSingle = (from: string, to: string): boolean =>
  !from.startsWith('enclosure:') && !to.startsWith('enclosure:');

function plannedOf(topology: Topology, elements: ReadonlyMap<string, string>) {
  const drafts = new Map<string, Draft>();
  const direct: number[] = [];
  const shownBy = wiresOf(topology).map((wire, index) => {
    const from = elements.get(parsePort(wire.a).node);
    const to = elements.get(parsePort(wire.b).node);
    if (from === undefined || to === undefined) return '';
    if (!from.startsWith('switch:') && !to.startsWith('switch:')) direct.push(index);
    if (from === to) return from;
    const id = isSingle(from, to) ? wireId(wire) : `wires:${[from, to].sort().join('~')}`;
    const draft = drafts.get(id) ?? { id, from, to, wires: [] };
    draft.wires.push(index);
    drafts.set(id, draft);
    return id;
  });
  return { drafts: [...drafts.values()], direct, shownBy };
}

function seenOf(topology: Topology, elements: ReadonlyMap<string, string>): Draft[] {
  const drafts = new Map<string, Draft>();
  for (const { a, b, wires } of seenCables(wiresOf(topology))) {
    const from = elements.get(parsePort(a).node);
    const to = elements.get(parsePort(b).node);
    if (from === undefined || to === undefined || from === to) continue;
    const id = isSingle(from, to) ? `seen:${a}~${b}` : `seen:${[from, to].sort().join('~')}`;
    const draft = drafts.get(id) ?? { id, from, to, wires: [] };
    for (const index of wires) if (!draft.wires.includes(index)) draft.wires.push(index);
    drafts.set(id, draft);
  }
  return [...drafts.values()];
}

export function wireMapOf(
  topology: Topology,
  fleet: Fleet,
  structure: Structure,
  read: { old: boolean; atMs: number },
): WireMap {
  const switches = switchesOf(topology, fleet);
  const elements = elementsOf(structure, switches);
  const { drafts, direct, shownBy } = plannedOf(topology, elements);
  const single = (draft: Draft) => draft.id.startsWith('wire:');
  const many = drafts.filter(single).length > kManyWires;
  const drawn = drafts.filter(
    (draft) => !many || !single(draft) || pick(topology, draft.wires).some(isBad),
  );
  const there = new Set(drawn.map((draft) => draft.id));
  const planned = drawn.map((draft) => ({
    ...draft,
    ...lookOf(topology, draft.wires, single(draft), read.old),
  }));
  const seen = seenOf(topology, elements).map((draft) => ({
    ...draft,
    classes: `wire seen${read.old ? ' stale' : ''}`,
    label: '',
  }));
  return {
    topology,
    switches,
    wires: [...planned, ...seen],
    direct,
    shownBy: shownBy.map((id) => (/^wires?:/.test(id) && !there.has(id) ? '' : id)),
    ...read,
  };
}

// What is behind an element of the wiring: a switch, a wire, a bundle, or an observed cable.
export function wiresBehind(map: WireMap, id: string): number[] | null {
  if (id.startsWith('switch:')) return map.switches.find((one) => one.id === id)?.wires ?? null;
  const drawn = map.wires.find((one) => one.id === id);
  if (drawn) return drawn.wires;
  if (!id.startsWith('wire:')) return null;
  const index = wiresOf(map.topology).findIndex((wire) => wireId(wire) === id);
  return index < 0 ? null : [index];
}

export const isWiring = (id: string): boolean => /^(switch|wire|wires|seen):/.test(id);

// The element that shows what was asked for by name.
export function shownWire(map: WireMap, id: string): string {
  if (!id.startsWith('wire:')) return id;
  return map.shownBy[wiresOf(map.topology).findIndex((wire) => wireId(wire) === id)] || id;
}

// What a screen reader hears of it.
export function describeWiring(map: WireMap, id: string): string {
  const wires = pick(map.topology, wiresBehind(map, id) ?? []);
  const bad = wires.filter(isBad).length;
  const words = bad > 0 ? `, ${bad} not as planned` : '';
  const [first] = wires;
  if (id.startsWith('switch:'))
    return `switch ${id.slice('switch:'.length)}, ${plural(wires.length, 'wire')}${words}`;
  if (id.startsWith('wire:') && first)
    return `wire ${cableName(first)}, ${verdictLook(first.verdict).words}`;
  if (id.startsWith('seen:')) return `a cable that is not in the plan: ${id.slice('seen:'.length)}`;
  return `${plural(wires.length, 'wire')}${words}`;
}
