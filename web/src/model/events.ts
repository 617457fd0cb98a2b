// The timeline: newest first, each event once.
import type { FleetEvent } from '../api/types';

// Joins a page with what is there. If the page is newer and does not reach what is there, the
// older part is let go (`gap`), so that the timeline has no hole that nobody sees.
export function mergeEvents(
  known: readonly FleetEvent[],
  page: readonly FleetEvent[],
  more: boolean,
): { events: FleetEvent[]; gap: boolean } {
  const newest = known[0];
  const oldestOfPage = page[page.length - 1];
  const gap =
    more && newest !== undefined && oldestOfPage !== undefined && oldestOfPage.id > newest.id + 1
      ? !page.some((event) => event.id === newest.id)
      : false;
  const byId = new Map<number, FleetEvent>();
  for (const event of [...(gap ? [] : known), ...page]) byId.set(event.id, event);
  return { events: [...byId.values()].sort((a, b) => b.id - a.id), gap };
}
