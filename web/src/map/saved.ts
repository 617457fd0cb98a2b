// What somebody arranged, kept in this browser for each fleet.
import { nothingMoved, type Moved, type Point } from './layout';

export interface Arrangement {
  moved: Moved;
  // Names of expanded enclosures; null: as the map begins.
  expanded: string[] | null;
  // Whether switches and wires are shown where there is a plan.
  wires: boolean;
}

export const noArrangement = (): Arrangement => ({
  moved: nothingMoved(),
  expanded: null,
  wires: true,
});

const keyOf = (fleet: string) => `sluice.map.${fleet}`;

function pointsOf(value: unknown): Record<string, Point> {
  const out: Record<string, Point> = {};
  if (typeof value !== 'object' || value === null) return out;
  for (const [id, point] of Object.entries(value as Record<string, Partial<Point> | null>))
    if (Number.isFinite(point?.x) && Number.isFinite(point?.y))
      out[id] = { x: Number(point?.x), y: Number(point?.y) };
  return out;
}

// Whatever is stored, something usable comes out.
export function parseArrangement(text: string | null): Arrangement {
  if (text === null) return noArrangement();
  try {
    const value = JSON.parse(text) as {
      centres?: unknown;
      offsets?: unknown;
      expanded?: unknown;
      wires?: unknown;
    } | null;
    const names = value?.expanded;
    return {
      moved: { centres: pointsOf(value?.centres), offsets: pointsOf(value?.offsets) },
      expanded: Array.isArray(names) ? names.filter((n) => typeof n === 'string') : null,
      wires: value?.wires !== false,
    };
  } catch {
    return noArrangement();
  }
}

export function loadArrangement(fleet: string): Arrangement {
  return parseArrangement(localStorage.getItem(keyOf(fleet)));
}

export function saveArrangement(fleet: string, { moved, ...rest }: Arrangement): void {
  try {
    localStorage.setItem(keyOf(fleet), JSON.stringify({ ...moved, ...rest }));
  } catch {
    // A full or forbidden storage costs only the arrangement.
  }
}
