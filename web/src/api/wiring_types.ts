// The plan and what the nodes prove of it. Durations are seconds.

export type Verdict =
  | 'as-planned'
  | 'unproved'
  | 'missing'
  | 'unexpected'
  | 'swapped'
  | 'wrong-port'
  | 'too-far'
  | 'flapping';

// What no wire can be, only a finding.
export type FindingVerdict =
  | Verdict
  | 'undeclared'
  | 'forged'
  | 'replayed'
  | 'misplaced'
  | 'cloned';

export interface Finding {
  verdict: FindingVerdict;
  text: string;
  cables: string[];
  ports: string[];
  // Links over it may not lease, unless their policy is to alert only.
  closes: boolean;
  since_s: number;
}

export interface WiringPolicy {
  scope: string;
  policy: 'enforce' | 'alert';
}

export interface PlanNode {
  name: string;
  role: 'node' | 'gateway' | 'switch' | 'controller';
  enclosure: string | null;
}

export interface Wire {
  a: string;
  b: string;
  verdict: Verdict;
  bad: boolean;
  evidence: string;
  since_s: number;
  // "leaf1:p1 (claimed)", or words; empty: nothing.
  a_sees: string;
  b_sees: string;
  rtt_s: number | null;
  max_rtt_s: number | null;
  speed_bps: number | null;
}

export interface Topology {
  // null: there is no plan, and nothing is checked.
  plan_version: number | null;
  wires_by_verdict: Partial<Record<Verdict, number>>;
  findings: Finding[];
  policies: WiringPolicy[];
  nodes?: PlanNode[];
  wires?: Wire[];
}

export interface PlanVersion {
  version: number;
  at_ms: number;
  active: boolean;
  nodes: number;
  cables: number;
  sha256: string;
}

export interface PlanText {
  version: number;
  plan: string;
}
