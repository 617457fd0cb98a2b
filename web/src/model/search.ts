// What can be looked for by name.
import type { Fleet } from '../live/figures';
import { enclosureScope, nodeScope } from './scope';

const kCollator = new Intl.Collator(undefined, { numeric: true });
export const byName = (a: string, b: string): number => kCollator.compare(a, b);

export function enclosuresOf(fleet: Fleet | null): string[] {
  return [...new Set(fleet?.nodes.map((node) => node.enclosure) ?? [])].sort(byName);
}

// Every scope of the fleet, the largest first.
export function scopesOf(fleet: Fleet | null): string[] {
  if (!fleet) return ['fleet'];
  return [
    'fleet',
    ...enclosuresOf(fleet).map(enclosureScope),
    ...fleet.nodes.map((node) => nodeScope(node.name)),
    ...fleet.links.map((link) => link.name),
  ];
}
