// The switches and wires within the map's picture. They come and go without moving anything else.
import type { Core, ElementDefinition } from 'cytoscape';
import type { Point } from './layout';
import type { WireMap } from './wires';

// Above this many, straight lines from middle to middle, which are the cheapest to draw.
const kManyLines = 150;

// Beside the classes that say what is chosen.
const kChoices = ['chosen', 'dim', 'near'];

export class WireLayer {
  private shown: string[] = [];

  constructor(private readonly cy: Core) {}

  get switches(): string[] {
    return this.shown.filter((id) => id.startsWith('switch:'));
  }

  set(map: WireMap | null, places: ReadonlyMap<string, Point>): void {
    const wanted = map ? elementsOf(map, places) : [];
    const ids = new Set(wanted.map(({ data }) => data.id));
    this.cy.batch(() => {
      for (const id of this.shown) if (!ids.has(id)) this.cy.getElementById(id).remove();
      for (const element of wanted) this.put(element);
    });
    this.shown = wanted.map(({ data }) => data.id ?? '');
  }

  private put(element: ElementDefinition): void {
    const { data, classes = '' } = element;
    const old = this.cy.getElementById(data.id ?? '');
    if (old.empty()) {
      this.cy.add(element);
      return;
    }
    // What it is between may have been collapsed or expanded: then the whole map is new.
    if (old.data('label') !== data['label']) old.data('label', data['label']);
    const kept = kChoices.filter((name) => old.hasClass(name));
    old.classes([...classes.toString().split(' '), ...kept]);
  }
}

function elementsOf(map: WireMap, places: ReadonlyMap<string, Point>): ElementDefinition[] {
  const many = map.wires.length > kManyLines ? ' many' : '';
  return [
    ...map.switches.map(
      ({ id, name }): ElementDefinition => ({
        group: 'nodes',
        data: { id, label: name },
        classes: map.old ? 'switch stale' : 'switch',
        position: { ...(places.get(id) ?? { x: 0, y: 0 }) },
      }),
    ),
    ...map.wires.map(
      ({ id, from, to, classes, label }): ElementDefinition => ({
        group: 'edges',
        data: { id, source: from, target: to, label },
        classes: classes + many,
      }),
    ),
  ];
}
