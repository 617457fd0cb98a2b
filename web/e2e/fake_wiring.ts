// A plan for the fake fleet, and what its nodes say of their wires: a leaf switch for each
// enclosure, spines above many leaves, and one of each thing that can be wrong.
import type { NodeInfo } from '../src/api/types';
import type {
  Finding,
  PlanNode,
  PlanVersion,
  Topology,
  Verdict,
  Wire,
} from '../src/api/wiring_types';
import { cableName } from '../src/model/wiring';

const kFewLeaves = 4;
const kSpines = 4;
const kEvidence: Record<Verdict, string> = {
  'as-planned': 'both ends prove it',
  unproved: 'claimed by LLDP, which proves nothing; others answer through it',
  missing: 'nobody is there',
  unexpected: 'somebody else is there',
  swapped: 'its plug is where another cable of the plan belongs',
  'wrong-port': 'the right neighbour, but another of its ports',
  'too-far': 'its round trip is longer than the plan allows',
  flapping: 'it keeps coming and going',
};

export class FakeWiring {
  // 0: there is no plan.
  planVersion = 3;
  changes = 1;
  private readonly beganMs = Date.now();
  private readonly nodes: PlanNode[];
  private readonly wires: Wire[] = [];
  private readonly ports = new Map<string, number>();

  constructor(nodes: readonly NodeInfo[]) {
    this.nodes = nodes.map(({ name, enclosure, role }) => ({ name, role, enclosure }));
    const leaves = new Map<string, string>();
    for (const { name, enclosure } of nodes) {
      const own = leaves.get(enclosure) ?? `leaf${leaves.size + 1}`;
      // The outside has no switch of its own.
      const leaf = enclosure === 'outside' ? `leaf${leaves.size}` : own;
      if (leaf === own) leaves.set(enclosure, leaf);
      this.cable(`${name}:fab0`, this.portOf(leaf));
    }
    const names = [...leaves.values()];
    this.nodes.push({ name: 'ctl', role: 'controller', enclosure: null });
    this.cable('ctl:fab0', this.portOf('leaf1'));
    const spines = names.length <= kFewLeaves ? 0 : kSpines;
    for (let s = 1; s <= spines; s++)
      for (const leaf of names) this.cable(this.portOf(leaf), this.portOf(`spine${s}`));
    if (spines === 0)
      names
        .slice(1)
        .forEach((leaf, i) => this.cable(this.portOf(names[i] ?? ''), this.portOf(leaf)));
    for (const name of [...names, ...Array.from({ length: spines }, (_, i) => `spine${i + 1}`)])
      this.nodes.push({ name, role: 'switch', enclosure: null });
    this.cable('e1n1:fab1', 'e2n1:fab1');
    this.setSpecial();
  }

  pulse(): [number, number, number] {
    return [this.planVersion, this.changes, this.findings().length];
  }

  topology(withAll: boolean): Topology {
    const wires_by_verdict: Topology['wires_by_verdict'] = {};
    const { policies } = this;
    if (this.planVersion === 0)
      return { plan_version: null, wires_by_verdict, findings: [], policies };
    for (const { verdict } of this.wires)
      wires_by_verdict[verdict] = (wires_by_verdict[verdict] ?? 0) + 1;
    const all = {
      plan_version: this.planVersion,
      wires_by_verdict,
      findings: this.findings(),
      policies,
    };
    const since_s = (Date.now() - this.beganMs) / 1000;
    const wires = this.wires.map((wire) => ({ ...wire, since_s }));
    return withAll ? { ...all, nodes: this.nodes, wires } : all;
  }

  plans(): PlanVersion[] {
    return Array.from({ length: Math.max(2, this.planVersion) }, (_, i) => ({
      version: i + 1,
      at_ms: this.beganMs - 86_400_000 + i * 3_600_000,
      active: i + 1 === this.planVersion,
      nodes: this.nodes.length,
      cables: this.wires.length,
      sha256: 'ab12'.repeat(16),
    })).reverse();
  }

  text(): string {
    const cables = this.wires.map((wire) => `  "${cableName(wire).replace(' -- ', '" -- "')}";\n`);
    return `graph fleet {\n${cables.join('').replaceAll(':', '":"')}}\n`;
  }

  // Exchanges the plugs of the swapped cables; `told`: and says so on the stream.
  mend(told: boolean): void {
    for (const wire of this.wires) if (wire.verdict === 'swapped') this.judge(wire, 'unproved');
    if (told) this.changes += 1;
  }

  private readonly policies: Topology['policies'] = [
    { scope: 'fleet', policy: 'enforce' },
    { scope: 'node:e1n2', policy: 'alert' },
  ];

  private portOf(name: string): string {
    const port = (this.ports.get(name) ?? 0) + 1;
    this.ports.set(name, port);
    return `${name}:p${port}`;
  }

  private cable(a: string, b: string): void {
    const wire: Wire = {
      a,
      b,
      verdict: 'unproved',
      bad: false,
      evidence: '',
      since_s: 0,
      a_sees: '',
      b_sees: '',
      rtt_s: null,
      max_rtt_s: 0.0001,
      speed_bps: 1e9,
    };
    const proved = !/^(leaf|spine)/.test(b);
    this.judge(wire, proved ? 'as-planned' : 'unproved');
    this.wires.push(wire);
  }

  private judge(wire: Wire, verdict: Verdict): void {
    const bad = verdict !== 'as-planned' && verdict !== 'unproved';
    const proved = verdict === 'as-planned';
    wire.verdict = verdict;
    wire.bad = bad;
    wire.evidence = kEvidence[verdict];
    wire.a_sees = verdict === 'missing' ? 'nobody' : `${wire.b} (${proved ? 'proved' : 'claimed'})`;
    wire.b_sees = proved ? `${wire.a} (proved)` : '';
    wire.rtt_s = proved ? 0.000012 : null;
  }

  private find(a: string): Wire | undefined {
    return this.wires.find((wire) => wire.a === a);
  }

  private setSpecial(): void {
    const [one, two] = [this.find('e1n1:fab0'), this.find('e2n1:fab0')];
    if (one && two) {
      for (const wire of [one, two]) this.judge(wire, 'swapped');
      one.a_sees = `${two.b} (claimed)`;
      two.a_sees = `${one.b} (claimed)`;
    }
    const missing = this.find('e1n4:fab0');
    if (missing) this.judge(missing, 'missing');
  }

  private findings(): Finding[] {
    if (this.planVersion === 0) return [];
    const since_s = (Date.now() - this.beganMs) / 1000;
    const swapped = this.wires.filter((wire) => wire.verdict === 'swapped');
    const [one, two] = swapped.map(cableName);
    const out: Finding[] = this.wires
      .filter((wire) => wire.verdict === 'missing')
      .map((wire) => ({
        verdict: 'missing',
        text: `the cable ${cableName(wire)} is missing: ${wire.evidence}`,
        cables: [cableName(wire)],
        ports: [wire.a, wire.b],
        closes: true,
        since_s,
      }));
    if (one && two)
      out.unshift({
        verdict: 'swapped',
        text: `the cables ${one} and ${two} are swapped; exchange their plugs`,
        cables: [one, two],
        ports: swapped.flatMap((wire) => [wire.a, wire.b]),
        closes: true,
        since_s,
      });
    out.push({
      verdict: 'replayed',
      text: 'at gw:fab0: an old probe came again (1 frame)',
      cables: [],
      ports: ['gw:fab0'],
      closes: false,
      since_s,
    });
    return out;
  }
}
