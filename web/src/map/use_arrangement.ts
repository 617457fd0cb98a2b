import { useCallback, useState } from 'react';
import type { Fleet } from '../live/figures';
import { enclosureScope } from '../model/scope';
import type { Point } from './layout';
import { loadArrangement, noArrangement, saveArrangement, type Arrangement } from './saved';
import { startExpanded } from './structure';

export interface Arranged {
  arrangement: Arrangement;
  expanded: ReadonlySet<string>;
  // Grows whenever the map must be laid out anew, which a drag does not ask for.
  revision: number;
  setExpanded: (names: Iterable<string>) => void;
  moved: (id: string, at: Point, centres: ReadonlyMap<string, Point>) => void;
  setWires: (shown: boolean) => void;
  reset: () => void;
}

export function useArrangement(fleet: Fleet): Arranged {
  const [arrangement, setArrangement] = useState(() => loadArrangement(fleet.name));
  const [revision, setRevision] = useState(0);
  const [expanded, setExpandedSet] = useState<ReadonlySet<string>>(
    () => new Set(arrangement.expanded ?? startExpanded(fleet)),
  );
  const keep = useCallback(
    (change: (old: Arrangement) => Arrangement) =>
      setArrangement((old) => {
        const next = change(old);
        saveArrangement(fleet.name, next);
        return next;
      }),
    [fleet.name],
  );
  const setExpanded = useCallback(
    (names: Iterable<string>) => {
      const next = new Set(names);
      setExpandedSet(next);
      keep((old) => ({ ...old, expanded: [...next].sort() }));
    },
    [keep],
  );
  const moved = useCallback(
    (id: string, at: Point, centres: ReadonlyMap<string, Point>) => {
      const enclosure = fleet.nodes.find((node) => `node:${node.name}` === id)?.enclosure;
      keep((old) => {
        const { centres: c, offsets: o } = old.moved;
        if (enclosure === undefined)
          return { ...old, moved: { centres: { ...c, [id]: at }, offsets: o } };
        const centre = centres.get(enclosureScope(enclosure)) ?? { x: 0, y: 0 };
        const offset = { x: at.x - centre.x, y: at.y - centre.y };
        return { ...old, moved: { centres: c, offsets: { ...o, [id]: offset } } };
      });
    },
    [fleet.nodes, keep],
  );
  const reset = useCallback(() => {
    keep(({ wires }) => ({ ...noArrangement(), wires }));
    setExpandedSet(startExpanded(fleet));
    setRevision((n) => n + 1);
  }, [fleet, keep]);
  const setWires = useCallback((wires: boolean) => keep((old) => ({ ...old, wires })), [keep]);
  return { arrangement, expanded, revision, setExpanded, moved, setWires, reset };
}
