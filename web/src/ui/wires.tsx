import { Anchor } from '@mantine/core';
import { useMemo } from 'react';
import { Link } from 'react-router-dom';
import type { Wire } from '../api/wiring_types';
import { selectFleet, useLive } from '../live/store';
import { rateText, roundTripText } from '../model/format';
import { pathOf } from '../model/scope';
import { verdictLook, wireVerdicts } from '../model/words';
import { cableName, parsePort, sinceText } from '../model/wiring';
import { DataTable, type Column } from './data_table';
import { StateBadge } from './state_badge';

// A port whose node leads to its page, if it has one: switches have none.
export function PortName({ name }: { name: string }) {
  const fleet = useLive(selectFleet);
  const { node, port } = parsePort(name);
  if (!fleet?.nodeIndex.has(node)) return <span className="mono">{name}</span>;
  return (
    <span className="mono">
      <Anchor component={Link} to={pathOf.node(node)} inherit>
        {node}
      </Anchor>
      :{port}
    </span>
  );
}

export function VerdictBadge({ verdict }: { verdict: string }) {
  return <StateBadge look={verdictLook(verdict)} />;
}

const columnsAt = (atMs: number): Column<Wire>[] => [
  {
    key: 'cable',
    title: 'Cable',
    render: (w) => (
      <>
        <PortName name={w.a} /> -- <PortName name={w.b} />
      </>
    ),
    sort: cableName,
  },
  {
    key: 'verdict',
    title: 'Verdict',
    render: (w) => <VerdictBadge verdict={w.verdict} />,
    sort: (w) => wireVerdicts.indexOf(w.verdict),
  },
  {
    key: 'since',
    title: 'Since',
    number: true,
    render: (w) => sinceText(atMs, w.since_s),
    sort: (w) => -w.since_s,
  },
  { key: 'a', title: 'First end sees', render: (w) => w.a_sees || '–', sort: (w) => w.a_sees },
  { key: 'b', title: 'Second end sees', render: (w) => w.b_sees || '–', sort: (w) => w.b_sees },
  {
    key: 'rtt',
    title: 'Round trip',
    number: true,
    render: (w) => roundTripText(w.rtt_s),
    sort: (w) => w.rtt_s,
  },
  {
    key: 'ceiling',
    title: 'At most',
    number: true,
    render: (w) => roundTripText(w.max_rtt_s),
    sort: (w) => w.max_rtt_s,
  },
  {
    key: 'speed',
    title: 'Speed',
    number: true,
    render: (w) => rateText(w.speed_bps),
    sort: (w) => w.speed_bps,
  },
  { key: 'evidence', title: 'Evidence', wraps: true, width: '18rem', render: (w) => w.evidence },
];

export function WiresTable(props: { wires: Wire[]; atMs: number; empty: string }) {
  const { wires, atMs } = props;
  const columns = useMemo(() => columnsAt(atMs), [atMs]);
  return (
    <DataTable
      short
      label="Wires of the plan"
      columns={columns}
      rows={wires}
      rowKey={cableName}
      order={{ key: 'verdict', down: false }}
      empty={props.empty}
    />
  );
}
