import { useState } from 'react';
import type { Wire } from '../api/wiring_types';
import { cableName } from '../model/wiring';
import { verdictLook } from '../model/words';
import type { Structure } from './structure';
import { wireId, type WireMap } from './wires';

// The enclosures and their nodes, the switches and their wires, as a list: the map for the keyboard and for screen readers.
export function MapList(props: {
  structure: Structure;
  wires: WireMap | null;
  chosen: string | null;
  onChoose: (id: string) => void;
  onExpand: (id: string, open: boolean) => void;
}) {
  const { wires, chosen, onChoose, onExpand } = props;
  return (
    <nav className="map-list" aria-label="Enclosures, nodes and switches">
      <ul>
        {props.structure.boxes.map((box) => (
          <li key={box.id}>
            <button
              type="button"
              aria-expanded={box.expanded}
              aria-label={`${box.expanded ? 'Collapse' : 'Expand'} enclosure ${box.name}`}
              onClick={() => onExpand(box.id, !box.expanded)}
            >
              {box.expanded ? '▾' : '▸'}
            </button>
            <Choice id={box.id} chosen={chosen} onChoose={onChoose}>
              {box.name} ({box.nodes.length})
            </Choice>
            {box.expanded && (
              <ul>
                {box.nodes.map((node) => (
                  <li key={node.name}>
                    <Choice id={`node:${node.name}`} chosen={chosen} onChoose={onChoose}>
                      {node.name}
                      {node.role === 'gateway' ? ' (gateway)' : ''}
                    </Choice>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
        {wires?.switches.map((one) => (
          <WireGroup
            key={one.id}
            name={`the wires of switch ${one.name}`}
            wires={one.wires}
            {...{ map: wires, chosen, onChoose }}
          >
            <Choice id={one.id} chosen={chosen} onChoose={onChoose}>
              {one.name} (switch)
            </Choice>
          </WireGroup>
        ))}
        {wires && wires.direct.length > 0 && (
          <WireGroup
            name="the cables between nodes"
            wires={wires.direct}
            {...{ map: wires, chosen, onChoose }}
          >
            <span className="map-group">cables between nodes</span>
          </WireGroup>
        )}
      </ul>
    </nav>
  );
}

// Closed at first: wires are many.
function WireGroup(props: {
  name: string;
  wires: number[];
  map: WireMap;
  chosen: string | null;
  onChoose: (id: string) => void;
  children: React.ReactNode;
}) {
  const { map, chosen, onChoose } = props;
  const [open, setOpen] = useState(false);
  const wires = open
    ? props.wires.flatMap((i): Wire[] => map.topology.wires?.slice(i, i + 1) ?? [])
    : [];
  return (
    <li>
      <button
        type="button"
        aria-expanded={open}
        aria-label={`${open ? 'Hide' : 'Show'} ${props.name}`}
        onClick={() => setOpen(!open)}
      >
        {open ? '▾' : '▸'}
      </button>
      {props.children}
      {open && (
        <ul>
          {wires.map((wire) => {
            const { mark, words, tone } = verdictLook(wire.verdict);
            return (
              <li key={cableName(wire)}>
                <Choice id={wireId(wire)} chosen={chosen} onChoose={onChoose}>
                  <span className={`tone-${tone}`} aria-hidden="true">
                    {mark}
                  </span>{' '}
                  {cableName(wire)}
                  <span className="heard">, {words}</span>
                </Choice>
              </li>
            );
          })}
        </ul>
      )}
    </li>
  );
}

function Choice(props: {
  id: string;
  chosen: string | null;
  onChoose: (id: string) => void;
  children: React.ReactNode;
}) {
  return (
    <button
      type="button"
      aria-pressed={props.id === props.chosen}
      onClick={() => props.onChoose(props.id)}
    >
      {props.children}
    </button>
  );
}
