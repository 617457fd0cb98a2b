import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useImperativeHandle, useRef, type KeyboardEvent, type Ref } from 'react';
import { useLiveStore } from '../live/store';
import { Graph } from './graph';
import { layoutOf, placeSwitches, type Point } from './layout';
import type { Structure } from './structure';
import type { Arranged } from './use_arrangement';
import type { WireMap } from './wires';

export interface MapHandle {
  zoomBy: (factor: number) => void;
  fit: () => void;
  reveal: (id: string) => void;
}

const kArrows = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
} as const;

interface MapCanvasProps {
  structure: Structure;
  // null: none is to be seen.
  wires: WireMap | null;
  arranged: Arranged;
  chosen: string | null;
  label: string;
  onChoose: (id: string | null) => void;
  // Enter or a double click on it.
  onOpen: (id: string) => void;
  onExpand: (id: string, open: boolean) => void;
  ref: Ref<MapHandle>;
}

// The picture. Figures go into it once a second without passing through React.
export function MapCanvas(props: MapCanvasProps) {
  const { structure, wires, arranged, chosen } = props;
  const store = useLiveStore();
  const scheme = useComputedColorScheme('light');
  const frame = useRef<HTMLDivElement>(null);
  const graph = useRef<Graph | null>(null);
  const latest = useRef({ props, scheme });
  latest.current = { props, scheme };

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const { props: now } = latest.current;
    const layout = layoutOf(structure, now.arranged.arrangement.moved);
    const mine = new Graph(element, structure, layout, store.get().figures, latest.current.scheme, {
      choose: (id) => latest.current.props.onChoose(id),
      open: (id) => latest.current.props.onOpen(id),
      moved: (id: string, at: Point) => latest.current.props.arranged.moved(id, at, layout.at),
    });
    graph.current = mine;
    if (now.chosen !== null) mine.choose(now.chosen);
    mine.fit();
    return () => {
      graph.current = null;
      mine.destroy();
    };
  }, [structure, arranged.revision, store]);

  useEffect(() => {
    let shown = store.get().figures;
    return store.subscribe(() => {
      const { figures } = store.get();
      if (figures === shown || document.hidden) return;
      shown = figures;
      graph.current?.update(figures);
    });
  }, [store]);

  // After the picture itself is there.
  useEffect(() => {
    const { moved } = latest.current.props.arranged.arrangement;
    graph.current?.setWires(wires, placeSwitches(structure, wires?.switches ?? [], moved));
    graph.current?.choose(latest.current.props.chosen);
  }, [wires, structure, arranged.revision, store]);
  useEffect(() => graph.current?.choose(chosen), [chosen]);
  const painted = useRef(scheme);
  useEffect(() => {
    if (painted.current !== scheme) graph.current?.recolour(scheme);
    painted.current = scheme;
  }, [scheme]);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let first = true;
    const observer = new ResizeObserver(() => {
      // It speaks once at the beginning, when the map has just been fitted.
      if (!first) graph.current?.fit();
      first = false;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useImperativeHandle(
    props.ref,
    () => ({
      zoomBy: (factor) => graph.current?.zoomBy(factor),
      fit: () => graph.current?.fit(),
      reveal: (id) => graph.current?.reveal(id),
    }),
    [],
  );

  return (
    // The application role hands the keys to the map; the lint rule does not know that role.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={frame}
      className="map-canvas figures"
      role="application"
      tabIndex={0}
      aria-label={props.label}
      aria-describedby="map-keys"
      onKeyDown={(event) => onKey(event, props, graph.current)}
    />
  );
}

function onKey(event: KeyboardEvent, props: MapCanvasProps, graph: Graph | null): void {
  const { chosen } = props;
  if (event.key in kArrows) {
    const next = graph?.next(chosen, kArrows[event.key as keyof typeof kArrows]);
    if (next) {
      props.onChoose(next);
      graph?.reveal(next);
    }
  } else if (event.key === 'Enter' && chosen) props.onOpen(chosen);
  else if (event.key === '+' && chosen) props.onExpand(chosen, true);
  else if (event.key === '-' && chosen) props.onExpand(chosen, false);
  else if (event.key === 'Escape') props.onChoose(null);
  else return;
  event.preventDefault();
}
