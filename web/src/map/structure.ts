// What the map shows of a fleet: enclosures, open or collapsed, and the links between what is to
// be seen. Ids are scopes as people write them; an edge that stands for several links is named by
// its two ends.
import type { Fleet, FleetNode } from '../live/figures';
import { enclosureScope, nodeScope } from '../model/scope';
import { byName } from '../model/search';

export interface MapBox {
  id: string;
  name: string;
  expanded: boolean;
  nodes: FleetNode[];
  // Positions in the fleet's list of the links that stay inside the collapsed box.
  inside: number[];
}

export interface MapEdge {
  id: string;
  from: string;
  to: string;
  // Positions in the fleet's list of links.
  links: number[];
}

export interface Structure {
  boxes: MapBox[];
  edges: MapEdge[];
  // The element that shows the link with this position.
  shownBy: string[];
}

// Above this many nodes a map begins with its enclosures collapsed.
export const kMostOpenNodes = 60;

export function startExpanded(fleet: Fleet): Set<string> {
  if (fleet.nodes.length > kMostOpenNodes) return new Set();
  return new Set(fleet.nodes.map((node) => node.enclosure));
}

function boxesOf(fleet: Fleet, expanded: ReadonlySet<string>): Map<string, MapBox> {
  const nodes = [...fleet.nodes].sort((a, b) => byName(a.name, b.name));
  const names = [...new Set(nodes.map((node) => node.enclosure))].sort(byName);
  const boxes = new Map<string, MapBox>();
  for (const name of names) {
    const id = enclosureScope(name);
    boxes.set(name, { id, name, expanded: expanded.has(name), nodes: [], inside: [] });
  }
  for (const node of nodes) boxes.get(node.enclosure)?.nodes.push(node);
  return boxes;
}

export function structureOf(fleet: Fleet, expanded: ReadonlySet<string>): Structure {
  const boxes = boxesOf(fleet, expanded);
  const shown = new Map<string, string>();
  for (const node of fleet.nodes)
    shown.set(
      node.name,
      expanded.has(node.enclosure) ? nodeScope(node.name) : enclosureScope(node.enclosure),
    );
  const edges = new Map<string, MapEdge>();
  const shownBy = fleet.links.map((link, index) => {
    const from = shown.get(link.src);
    const to = shown.get(link.dst);
    if (from === undefined || to === undefined) return '';
    if (from === to) {
      boxes.get(from.slice('enclosure:'.length))?.inside.push(index);
      return from;
    }
    const single = from.startsWith('node:') && to.startsWith('node:');
    const id = single ? link.name : `${from}~${to}`;
    const edge = edges.get(id) ?? { id, from, to, links: [] };
    edge.links.push(index);
    edges.set(id, edge);
    return id;
  });
  return { boxes: [...boxes.values()], edges: [...edges.values()], shownBy };
}

// Above this many edges a frame costs too much: panning moves a picture of the map, and only the
// edges with most rate leased are drawn strongly until something is chosen.
export const kManyEdges = 400;
export const kStrongEdges = 40;
