// Where things stand on the map. A pure function of the fleet's names, of what is expanded and of
// what somebody moved, so that a reload shows the same picture. Enclosures stand on a rounded
// ring, where a line between two of them crosses no third.
import type { MapBox, Structure } from './structure';
import type { MapSwitch } from './wires';

export interface Point {
  x: number;
  y: number;
}
interface Size {
  w: number;
  h: number;
}

// What somebody moved: centres of enclosures, and nodes relative to their enclosure's centre.
export interface Moved {
  centres: Record<string, Point>;
  offsets: Record<string, Point>;
}
export const nothingMoved = (): Moved => ({ centres: {}, offsets: {} });

export interface Layout {
  // By element id; of expanded enclosures the centre.
  at: Map<string, Point>;
}

const kNodeStep: Size = { w: 88, h: 66 };
// Kept free in the middle, where the switches stand, whether there are any or not.
const kMiddle: Size = { w: 200, h: 100 };
const kSwitchStep: Size = { w: 88, h: 52 };
// What a node covers; a cable that runs over another node than its own is worth some way around.
const kNodeShape: Size = { w: 72, h: 44 };
const kCrossing = 300;
const kWayAround = 3;
const kMargin = 30;
const kGap = 12;
const kAspect = 1.75;
// Between an ellipse (2) and a rectangle.
const kRoundness = 3;
const kSteps = 720;

export function boxSize(compact: boolean): Size {
  return compact ? { w: 62, h: 40 } : { w: 116, h: 58 };
}

export const isCompact = (structure: Structure): boolean => structure.boxes.length > 24;

function gridOf(count: number): { columns: number; rows: number } {
  const columns = Math.max(1, Math.round(Math.sqrt(count * 1.3)));
  return { columns, rows: Math.max(1, Math.ceil(count / columns)) };
}

function sizeOf(box: MapBox, compact: boolean): Size {
  if (!box.expanded) return boxSize(compact);
  const { columns, rows } = gridOf(box.nodes.length);
  return { w: columns * kNodeStep.w + kMargin, h: rows * kNodeStep.h + kMargin };
}

function ringPoint(turn: number, scale: number): Point {
  // From the left over the top, clockwise.
  const angle = Math.PI + 2 * Math.PI * turn;
  const round = (v: number) => Math.sign(v) * Math.abs(v) ** (2 / kRoundness);
  return { x: kAspect * scale * round(Math.cos(angle)), y: scale * round(Math.sin(angle)) };
}

// The turn at which each box stands, so that each has as much of the ring as its size asks for.
function turns(sizes: readonly Size[], scale: number): number[] {
  const mean = {
    w: sizes.reduce((sum, s) => sum + s.w, 0) / sizes.length + kGap,
    h: sizes.reduce((sum, s) => sum + s.h, 0) / sizes.length + kGap,
  };
  const run = [0];
  for (let i = 1; i <= kSteps; i++) {
    const a = ringPoint((i - 1) / kSteps, scale);
    const b = ringPoint(i / kSteps, scale);
    const step = Math.max(Math.abs(b.x - a.x) / mean.w, Math.abs(b.y - a.y) / mean.h);
    run.push((run[i - 1] ?? 0) + step);
  }
  const total = run[kSteps] ?? 1;
  const demands = sizes.map((s) => (s.w + s.h) / (mean.w + mean.h));
  const all = demands.reduce((sum, d) => sum + d, 0);
  const first = (demands[0] ?? 0) / 2;
  let before = 0;
  return demands.map((demand) => {
    const middle = ((before + demand / 2 - first) / all) * total;
    before += demand;
    const step = run.findIndex((length) => length >= middle - 1e-9);
    return Math.max(0, step) / kSteps;
  });
}

function overlaps(a: Point, as: Size, b: Point, bs: Size): boolean {
  return (
    Math.abs(a.x - b.x) < (as.w + bs.w) / 2 + kGap && Math.abs(a.y - b.y) < (as.h + bs.h) / 2 + kGap
  );
}

function anyOverlap(points: readonly Point[], sizes: readonly Size[]): boolean {
  return points.some((a, i) =>
    points.some((b, j) => {
      const as = sizes[i];
      const bs = sizes[j];
      return j > i && as !== undefined && bs !== undefined && overlaps(a, as, b, bs);
    }),
  );
}

function anyInMiddle(points: readonly Point[], sizes: readonly Size[]): boolean {
  return points.some((point, i) => {
    const size = sizes[i];
    return size !== undefined && overlaps(point, size, { x: 0, y: 0 }, kMiddle);
  });
}

export function ring(sizes: readonly Size[]): Point[] {
  if (sizes.length <= 1) return sizes.map(() => ({ x: 0, y: 0 }));
  let scale = 110;
  for (;;) {
    const now = scale;
    const points = turns(sizes, now).map((turn) => ringPoint(turn, now));
    if (!anyOverlap(points, sizes) && !anyInMiddle(points, sizes)) return points;
    scale *= 1.06;
  }
}

function gridOffset(index: number, count: number): Point {
  const { columns, rows } = gridOf(count);
  const row = Math.floor(index / columns);
  const inRow = row === rows - 1 ? count - row * columns : columns;
  return {
    x: ((index % columns) - (inRow - 1) / 2) * kNodeStep.w,
    y: (row - (rows - 1) / 2) * kNodeStep.h,
  };
}

export function layoutOf(structure: Structure, moved: Moved): Layout {
  const compact = isCompact(structure);
  const points = ring(structure.boxes.map((box) => sizeOf(box, compact)));
  const at = new Map<string, Point>();
  structure.boxes.forEach((box, i) => {
    const centre = moved.centres[box.id] ?? points[i] ?? { x: 0, y: 0 };
    at.set(box.id, centre);
    if (!box.expanded) return;
    box.nodes.forEach((node, k) => {
      const id = `node:${node.name}`;
      const offset = moved.offsets[id] ?? gridOffset(k, box.nodes.length);
      at.set(id, { x: centre.x + offset.x, y: centre.y + offset.y });
    });
  });
  return { at };
}

// Half way from the middle to the enclosures that it has cables to, or the nearest place that is
// free and from where no cable runs over a node of these. They follow the enclosures, never the other way round: wires move no node.
export function placeSwitches(
  structure: Structure,
  switches: readonly MapSwitch[],
  moved: Moved,
): Map<string, Point> {
  const compact = isCompact(structure);
  const sizes = structure.boxes.map((box) => sizeOf(box, compact));
  const { at: home } = layoutOf(structure, nothingMoved());
  const nodes = new Map(
    structure.boxes.map((box) => [
      box.id,
      // One group each, for `crossings`.
      [box.expanded ? box.nodes.flatMap(({ name }) => home.get(`node:${name}`) ?? []) : []],
    ]),
  );
  const taken = new Set<string>();
  structure.boxes.forEach((box, i) =>
    takeCells(taken, home.get(box.id) ?? { x: 0, y: 0 }, sizes[i] ?? kNodeStep),
  );
  const at = new Map<string, Point>();
  // Those that have cables to other switches only take the middle.
  const inner = switches.filter((one) => one.beside.length === 0);
  for (const one of [...inner, ...switches.filter((other) => !inner.includes(other))]) {
    const beside = one.beside.flatMap((id) => home.get(id) ?? []);
    const mean = (axis: 'x' | 'y') =>
      beside.reduce((sum, point) => sum + point[axis], 0) / Math.max(1, beside.length);
    const groups = one.beside.flatMap((id) => nodes.get(id) ?? []);
    const wish = { x: mean('x') / 2, y: mean('y') / 2 };
    const free = freeCell(taken, wish, (place) => kCrossing * crossings(place, groups));
    at.set(one.id, moved.centres[one.id] ?? free);
  }
  return at;
}

// How many lines from there to nodes run over another node of the same enclosure.
function crossings(from: Point, groups: readonly (readonly Point[])[]): number {
  let count = 0;
  for (const group of groups)
    for (const to of group)
      if (group.some((other) => other !== to && runsOver(from, to, other))) count++;
  return count;
}

// Whether the line meets what a node there covers (Liang and Barsky's clipping).
function runsOver(from: Point, to: Point, node: Point): boolean {
  let [enter, leave] = [0, 1];
  for (const [start, way, middle, size] of [
    [from.x, to.x - from.x, node.x, kNodeShape.w],
    [from.y, to.y - from.y, node.y, kNodeShape.h],
  ] as const) {
    const [low, high] = [middle - size / 2 - start, middle + size / 2 - start];
    if (way === 0) {
      if (low > 0 || high < 0) return false;
      continue;
    }
    enter = Math.max(enter, Math.min(low / way, high / way));
    leave = Math.min(leave, Math.max(low / way, high / way));
  }
  return enter <= leave;
}

function takeCells(taken: Set<string>, { x, y }: Point, { w, h }: Size): void {
  const reach = { x: (w + kSwitchStep.w) / 2, y: (h + kSwitchStep.h) / 2 };
  for (let i = Math.ceil((x - reach.x) / kSwitchStep.w); i * kSwitchStep.w < x + reach.x; i++)
    for (let j = Math.ceil((y - reach.y) / kSwitchStep.h); j * kSwitchStep.h < y + reach.y; j++)
      taken.add(`${i} ${j}`);
}

// The free cell of least cost: how far it is from the wish, and what it costs besides.
function freeCell(taken: Set<string>, wish: Point, besides: (at: Point) => number): Point {
  const middle = { i: Math.round(wish.x / kSwitchStep.w), j: Math.round(wish.y / kSwitchStep.h) };
  let best = { key: '', at: wish, cost: Infinity };
  // Not far beyond the first free one: somewhere a crossing may be all there is.
  for (let reach = 0, last = Infinity; reach <= last; reach++) {
    for (let i = middle.i - reach; i <= middle.i + reach; i++)
      for (let j = middle.j - reach; j <= middle.j + reach; j++) {
        if (Math.max(Math.abs(i - middle.i), Math.abs(j - middle.j)) !== reach) continue;
        const key = `${i} ${j}`;
        if (taken.has(key)) continue;
        const at = { x: i * kSwitchStep.w, y: j * kSwitchStep.h };
        const cost = Math.hypot(at.x - wish.x, at.y - wish.y) + besides(at);
        if (cost < best.cost) best = { key, at, cost };
      }
    if (last === Infinity && best.cost < Infinity) last = reach + kWayAround;
  }
  taken.add(best.key);
  return best.at;
}

// The nearest element in a direction, for the arrow keys: near the line counts more than near.
export function nextInDirection(
  from: Point,
  others: readonly { id: string; at: Point }[],
  direction: 'left' | 'right' | 'up' | 'down',
): string | null {
  const sign = direction === 'left' || direction === 'up' ? -1 : 1;
  const across = direction === 'left' || direction === 'right';
  let best: { id: string; cost: number } | null = null;
  for (const { id, at } of others) {
    const along = sign * (across ? at.x - from.x : at.y - from.y);
    if (along <= 1) continue;
    const aside = Math.abs(across ? at.y - from.y : at.x - from.x);
    const cost = along + 2 * aside;
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id ?? null;
}
