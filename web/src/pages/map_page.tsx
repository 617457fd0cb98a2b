import { Autocomplete, Button, Checkbox, Group, Loader, Text } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router-dom';
import type { Fleet } from '../live/figures';
import { selectFleet, useLive } from '../live/store';
import { Details } from '../map/details';
import { Legend } from '../map/legend';
import { MapCanvas, type MapHandle } from '../map/map_canvas';
import { MapList } from '../map/map_list';
import { kManyEdges, kStrongEdges, structureOf, type Structure } from '../map/structure';
import { useArrangement } from '../map/use_arrangement';
import { describeWiring, isWiring, shownWire, wireMapOf, type WireMap } from '../map/wires';
import { parseScope, pathOf, scopePath, scopeWords } from '../model/scope';
import { scopesOf } from '../model/search';
import { plural } from '../model/words';
import { Page } from '../ui/page';
import { Trouble } from '../ui/trouble';
import { useQueryText } from '../ui/use_query';
import { useTopology } from '../ui/use_topology';

export default function MapPage() {
  const fleet = useLive(selectFleet);
  return (
    <Page title="Map" fills quiet>
      {fleet ? <FleetMap key={fleet.name} fleet={fleet} /> : <Loader aria-label="No fleet yet" />}
    </Page>
  );
}

// What a screen reader hears of the element that was chosen.
function describe(id: string | null, fleet: Fleet, links: number, wires: WireMap | null): string {
  if (id === null) return '';
  if (isWiring(id)) return wires ? describeWiring(wires, id) : '';
  const scope = parseScope(id);
  if (!scope) {
    const [from = '', to = ''] = id.split('~');
    return `${plural(links, 'link')} from ${scopeWords(from)} to ${scopeWords(to)}`;
  }
  if (scope.kind !== 'enclosure') return scopeWords(id);
  const nodes = fleet.nodes.filter((node) => node.enclosure === scope.name).length;
  return `${scopeWords(id)}, ${plural(nodes, 'node')}`;
}

function useWires(fleet: Fleet, structure: Structure) {
  const { topology, atMs, old, error } = useTopology(true);
  const planned = topology?.plan_version != null;
  const wires = useMemo(
    () => (topology && planned ? wireMapOf(topology, fleet, structure, { old, atMs }) : null),
    [topology, planned, fleet, structure, old, atMs],
  );
  return { wires, error };
}

function useMap(fleet: Fleet) {
  const arranged = useArrangement(fleet);
  const { expanded, setExpanded } = arranged;
  const structure = useMemo(() => structureOf(fleet, expanded), [fleet, expanded]);
  const { wires: all, error } = useWires(fleet, structure);
  const wires = arranged.arrangement.wires ? all : null;
  const [at, setAt] = useQueryText('at');
  const enclosureOf = useCallback(
    (id: string): string | undefined => {
      const scope = parseScope(id);
      if (scope?.kind === 'enclosure') return scope.name;
      if (scope?.kind !== 'node') return undefined;
      return fleet.nodes[fleet.nodeIndex.get(scope.name) ?? -1]?.enclosure;
    },
    [fleet],
  );
  const expand = useCallback(
    (id: string, open: boolean) => {
      const name = enclosureOf(id);
      if (name === undefined) return;
      const next = new Set(expanded);
      if (open) next.add(name);
      else next.delete(name);
      setExpanded(next);
    },
    [enclosureOf, expanded, setExpanded],
  );
  // A node that is asked for by name is shown, wherever it is.
  useEffect(() => {
    const name = at.startsWith('node:') ? enclosureOf(at) : undefined;
    if (name !== undefined && !expanded.has(name)) setExpanded([...expanded, name]);
    // Only when something else is asked for: it may be collapsed again afterwards.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [at]);
  const index = fleet.linkIndex.get(at);
  const named = wires ? shownWire(wires, at) : at;
  const shown = index === undefined ? named : (structure.shownBy[index] ?? at);
  const chosen = shown === '' ? null : shown;
  return { arranged, structure, wires, planned: all !== null, error, at, setAt, expand, chosen };
}

function FleetMap({ fleet }: { fleet: Fleet }) {
  const { arranged, structure, wires, planned, error, at, setAt, expand, chosen } = useMap(fleet);
  const navigate = useNavigate();
  const canvas = useRef<MapHandle>(null);
  const choose = useCallback((id: string | null) => setAt(id ?? ''), [setAt]);
  const open = (id: string) => {
    const scope = parseScope(id);
    if (scope?.kind === 'enclosure') expand(id, !arranged.expanded.has(scope.name));
    else if (isWiring(id)) navigate(pathOf.wiring(id.replace(/^(switch|wire):/, '')));
    else if (scope) navigate(scopePath(id) ?? '/');
  };
  const jump = (id: string) => {
    choose(id);
    canvas.current?.reveal(id);
  };
  const edgeLinks = structure.edges.find((edge) => edge.id === chosen)?.links.length ?? 0;
  const counts = [
    plural(fleet.nodes.length, 'node'),
    plural(fleet.links.length, 'link'),
    ...(wires ? [plural(wires.switches.length, 'switch', 'switches')] : []),
    ...(wires ? [plural(wires.topology.wires?.length ?? 0, 'wire')] : []),
  ];
  return (
    <div className="map-page">
      <div className="map-main">
        <Tools
          canvas={canvas}
          many={structure.edges.length > kManyEdges}
          {...(planned ? { wires: arranged.arrangement.wires, onWires: arranged.setWires } : {})}
          onReset={arranged.reset}
          onAll={(all) =>
            arranged.setExpanded(all ? fleet.nodes.map((node) => node.enclosure) : [])
          }
        />
        <Trouble error={error} what="The wiring cannot be read" />
        <div className="map-frame">
          <MapCanvas
            ref={canvas}
            structure={structure}
            wires={wires}
            arranged={arranged}
            chosen={chosen}
            label={`Map of ${counts.slice(0, -1).join(', ')} and ${counts[counts.length - 1] ?? ''}`}
            onChoose={choose}
            onOpen={open}
            onExpand={expand}
          />
          <Legend wires={wires !== null} />
        </div>
      </div>
      <aside className="map-side" aria-label="Beside the map">
        <Search fleet={fleet} onJump={jump} />
        <MapList
          structure={structure}
          wires={wires}
          chosen={chosen}
          onChoose={jump}
          onExpand={expand}
        />
        {chosen !== null && (
          <div className="map-details figures">
            <Details
              id={detailsId(at, chosen)}
              fleet={fleet}
              structure={structure}
              wires={wires}
              onExpand={expand}
            />
          </div>
        )}
        <Text size="xs" c="dimmed" id="map-keys">
          In the map: arrows choose, Enter opens, + expands, − collapses, Esc lets go.
        </Text>
        <div className="heard" role="status">
          {describe(chosen, fleet, edgeLinks, wires)}
        </div>
      </aside>
    </div>
  );
}

// A link or wire that was asked for by name is described itself, though a bundle shows it.
function detailsId(at: string, chosen: string): string {
  return parseScope(at)?.kind === 'link' || at.startsWith('wire:') ? at : chosen;
}

function Search({ fleet, onJump }: { fleet: Fleet; onJump: (id: string) => void }) {
  const [text, setText] = useState('');
  const scopes = useMemo(() => scopesOf(fleet).slice(1), [fleet]);
  return (
    <Autocomplete
      label="Find a node, enclosure or link"
      data={scopes}
      limit={30}
      value={text}
      onChange={setText}
      onOptionSubmit={(id) => {
        onJump(id);
        // The choice has been made: what follows is another search.
        setTimeout(() => setText(''), 0);
      }}
    />
  );
}

function Tools(props: {
  canvas: React.RefObject<MapHandle | null>;
  many: boolean;
  // Only where there is a plan.
  wires?: boolean;
  onWires?: (shown: boolean) => void;
  onReset: () => void;
  onAll: (expand: boolean) => void;
}) {
  const { canvas } = props;
  return (
    <Group gap="sm">
      <Button.Group>
        <Button
          size="compact-sm"
          variant="default"
          aria-label="Zoom in"
          onClick={() => canvas.current?.zoomBy(1.3)}
        >
          +
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          aria-label="Zoom out"
          onClick={() => canvas.current?.zoomBy(1 / 1.3)}
        >
          −
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => canvas.current?.fit()}>
          Fit
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => props.onAll(true)}>
          Expand all
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => props.onAll(false)}>
          Collapse all
        </Button>
        <Button size="compact-sm" variant="default" onClick={props.onReset}>
          Reset layout
        </Button>
      </Button.Group>
      {props.onWires && (
        <Checkbox
          size="xs"
          label="Wires"
          checked={props.wires ?? false}
          onChange={(event) => props.onWires?.(event.currentTarget.checked)}
        />
      )}
      {props.many && (
        <Text size="xs" c="dimmed">
          The {kStrongEdges} with most rate leased stand out. Choose an enclosure for its links.
        </Text>
      )}
    </Group>
  );
}
