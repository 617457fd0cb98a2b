// Cytoscape behind the few verbs that the map needs.
import cytoscape, { type Core, type ElementDefinition } from 'cytoscape';
import type { Figures, LiveNode } from '../live/figures';
import { cspNonce } from '../ui/nonce';
import { isCompact, nextInDirection, type Layout, type Point } from './layout';
import { boxLook, edgeLook, faintOnes, nodeLookOf, sumBox, type EdgeLook } from './look';
import { kManyEdges, kStrongEdges, type Structure } from './structure';
import { styleFor } from './style';
import { WireLayer } from './wire_layer';
import type { WireMap } from './wires';

export interface GraphEvents {
  choose: (id: string | null) => void;
  open: (id: string) => void;
  moved: (id: string, at: Point) => void;
}

interface Look {
  classes: string;
  label: string;
  width?: number;
}

// Cytoscape adds this style element itself if it does not find it, but without the nonce.
function provideStyle(): void {
  const id = '__________cytoscape_stylesheet';
  if (document.getElementById(id)) return;
  const style = document.createElement('style');
  style.id = id;
  style.nonce = cspNonce();
  style.textContent = '.__________cytoscape_container { position: relative; }';
  document.head.prepend(style);
}

export class Graph {
  private readonly cy: Core;
  private readonly wires: WireLayer;
  private readonly compact: boolean;
  private readonly many: boolean;

  constructor(
    container: HTMLElement,
    private readonly structure: Structure,
    private readonly layout: Layout,
    figures: Figures | null,
    scheme: 'light' | 'dark',
    private readonly events: GraphEvents,
  ) {
    provideStyle();
    this.compact = isCompact(structure);
    this.many = structure.edges.length > kManyEdges;
    const { many } = this;
    this.cy = cytoscape({
      container,
      elements: this.elements(figures),
      layout: { name: 'preset' },
      style: styleFor(scheme),
      minZoom: 0.05,
      maxZoom: 4,
      boxSelectionEnabled: false,
      autounselectify: true,
      textureOnViewport: many,
      hideLabelsOnViewport: many,
      ...(many ? { pixelRatio: 1 } : {}),
    });
    this.wires = new WireLayer(this.cy);
    this.listen();
    // For tests: the first picture is there.
    this.cy.one('render', () => {
      container.dataset['drawn'] = 'true';
    });
  }

  destroy(): void {
    this.cy.destroy();
  }

  recolour(scheme: 'light' | 'dark'): void {
    this.cy.style(styleFor(scheme));
  }

  // Puts in what the figures say; only what looks different is drawn anew.
  update(figures: Figures | null): void {
    this.cy.batch(() => {
      for (const [id, look] of this.looks(figures)) this.apply(id, look);
    });
  }

  setWires(map: WireMap | null, places: ReadonlyMap<string, Point>): void {
    const before = this.wires.switches.length;
    for (const [id, at] of places) if (!this.layout.at.has(id)) this.layout.at.set(id, at);
    this.wires.set(map, places);
    // The view stays as it is, unless they are not in it.
    const seen = this.cy.extent();
    const outside = this.wires.switches.some((id) => {
      const { x, y } = this.cy.getElementById(id).position();
      return x < seen.x1 || x > seen.x2 || y < seen.y1 || y > seen.y2;
    });
    if (before === 0 && outside) this.fit();
    // For tests: how many are drawn.
    const container = this.cy.container();
    if (container) container.dataset['wires'] = String(map?.wires.length ?? 0);
  }

  choose(id: string | null): void {
    this.cy.batch(() => {
      this.cy.elements('.chosen').removeClass('chosen');
      this.cy.elements('.dim').removeClass('dim');
      this.cy.elements('.near').removeClass('near');
      if (id === null) return;
      const found = this.cy.getElementById(id);
      if (found.empty()) return;
      found.addClass('chosen');
      // In a small map everything stays in sight.
      if (this.structure.edges.length < 20) return;
      const near = found.union(found.descendants()).closedNeighborhood().edges();
      near.not('.wire').addClass('near');
      this.cy.edges().difference(near).addClass('dim');
    });
  }

  // Brings the element into sight if it is not.
  reveal(id: string): void {
    const found = this.cy.getElementById(id);
    if (found.empty()) return;
    const box = found.boundingBox({});
    const seen = this.cy.extent();
    const inside = box.x1 > seen.x1 && box.x2 < seen.x2 && box.y1 > seen.y1 && box.y2 < seen.y2;
    if (!inside) this.cy.center(found);
  }

  fit(): void {
    this.cy.resize();
    this.cy.fit(undefined, 24);
    if (this.cy.zoom() > 1.4) {
      this.cy.zoom(1.4);
      this.cy.center();
    }
  }

  zoomBy(factor: number): void {
    const level = this.cy.zoom() * factor;
    this.cy.zoom({ level, renderedPosition: { x: this.cy.width() / 2, y: this.cy.height() / 2 } });
  }

  // The neighbour of an element in a direction; the first element when there is none chosen.
  next(from: string | null, direction: 'left' | 'right' | 'up' | 'down'): string | null {
    const places = this.structure.boxes.flatMap((box) =>
      box.expanded ? box.nodes.map((node) => `node:${node.name}`) : [box.id],
    );
    places.push(...this.wires.switches);
    const start = from === null ? undefined : this.middleOf(from);
    if (!start) return places[0] ?? null;
    const others = places
      .filter((id) => id !== from)
      .map((id) => ({ id, at: this.cy.getElementById(id).position() }));
    return nextInDirection(start, others, direction);
  }

  private middleOf(id: string): Point | undefined {
    const found = this.cy.getElementById(id);
    if (found.empty()) return undefined;
    const { x1, x2, y1, y2 } = found.boundingBox({});
    return { x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
  }

  private looks(figures: Figures | null): Map<string, Look> {
    const out = new Map<string, Look>();
    const nodes = new Map<string, LiveNode>(figures?.nodes.map((node) => [node.name, node]));
    for (const box of this.structure.boxes) {
      out.set(box.id, boxLook(box, sumBox(box, nodes), this.compact));
      if (!box.expanded) continue;
      for (const { name, role } of box.nodes)
        out.set(`node:${name}`, nodeLookOf(nodes.get(name), name, role));
    }
    const edges = this.structure.edges.map((edge) => edgeLook(edge, figures));
    const faint = this.many ? faintOnes(edges, kStrongEdges) : new Set<EdgeLook>();
    edges.forEach((look, i) => {
      const classes = faint.has(look) ? `${look.classes} faint` : look.classes;
      out.set(this.structure.edges[i]?.id ?? '', { ...look, classes });
    });
    return out;
  }

  // With their looks from the start: to style thousands twice takes a second.
  private elements(figures: Figures | null): ElementDefinition[] {
    const out: ElementDefinition[] = [];
    const looks = this.looks(figures);
    const add = (data: ElementDefinition['data'] & { id: string }) => {
      const { classes = '', label = '', width = 1 } = looks.get(data.id) ?? {};
      const at = this.layout.at.get(data.id);
      out.push({
        data: { ...data, label, width },
        classes,
        scratch: { _look: classes },
        ...(at ? { position: { ...at } } : {}),
      });
    };
    for (const box of this.structure.boxes) {
      add({ id: box.id });
      if (box.expanded)
        for (const { name } of box.nodes) add({ id: `node:${name}`, parent: box.id });
    }
    for (const { id, from, to } of this.structure.edges) add({ id, source: from, target: to });
    return out;
  }

  private apply(id: string, look: Look): void {
    const element = this.cy.getElementById(id);
    if (element.empty()) return;
    if (element.data('label') !== look.label) element.data('label', look.label);
    if (look.width !== undefined && element.data('width') !== look.width)
      element.data('width', look.width);
    if (element.scratch('_look') === look.classes) return;
    element.scratch('_look', look.classes);
    const kept = ['chosen', 'dim', 'near'].filter((name) => element.hasClass(name));
    element.classes([...look.classes.split(' '), ...kept]);
  }

  private listen(): void {
    this.cy.on('tap', (event) => {
      if (event.target === this.cy) this.events.choose(null);
    });
    this.cy.on('tap', 'node, edge', (event) => {
      this.events.choose((event.target as { id(): string }).id());
    });
    this.cy.on('dbltap', 'node, edge', (event) => {
      this.events.open((event.target as { id(): string }).id());
    });
    let grabbedAt: Point | null = null;
    this.cy.on('grabon', 'node', (event) => {
      grabbedAt = { ...(event.target as { position(): Point }).position() };
    });
    this.cy.on('dragfreeon', 'node', (event) => {
      const node = event.target as { id(): string; position(): Point };
      if (grabbedAt) this.moved(node.id(), grabbedAt, node.position());
    });
  }

  // An expanded enclosure's position is the middle of its nodes, not its centre in the layout: so
  // it is the way that counts.
  private moved(id: string, from: Point, to: Point): void {
    const shift = (which: string) => {
      const old = this.layout.at.get(which);
      if (old) this.layout.at.set(which, { x: old.x + to.x - from.x, y: old.y + to.y - from.y });
    };
    shift(id);
    const box = this.structure.boxes.find((one) => one.id === id);
    if (box?.expanded) for (const { name } of box.nodes) shift(`node:${name}`);
    const at = this.layout.at.get(id);
    if (at) this.events.moved(id, at);
  }
}
