import type { Structure } from './structure';

// The enclosures and their nodes as a list: the map for the keyboard and for screen readers.
export function MapList(props: {
  structure: Structure;
  chosen: string | null;
  onChoose: (id: string) => void;
  onExpand: (id: string, open: boolean) => void;
}) {
  const { chosen, onChoose, onExpand } = props;
  return (
    <nav className="map-list" aria-label="Enclosures and nodes">
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
      </ul>
    </nav>
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
