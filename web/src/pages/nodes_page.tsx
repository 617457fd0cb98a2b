import { Group, MultiSelect, Text, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import type { Figures, LiveNode } from '../live/figures';
import { selectFigures, useLive } from '../live/store';
import { countText, durationText, rateText } from '../model/format';
import { nodeLook, nodeStates, plural } from '../model/words';
import { addKnown } from '../model/sums';
import { DataTable, type Column } from '../ui/data_table';
import { Page } from '../ui/page';
import { EnclosureName, NodeName, StateBadge } from '../ui/state_badge';
import { useQueryList, useQueryText } from '../ui/use_query';

interface NodeRow extends LiveNode {
  links: number;
  sentBps: number | null;
  receivedBps: number | null;
}

function rowsOf(figures: Figures | null): NodeRow[] {
  const rows = new Map<string, NodeRow>();
  for (const node of figures?.nodes ?? [])
    rows.set(node.name, { ...node, links: 0, sentBps: null, receivedBps: null });
  for (const link of figures?.links ?? []) {
    const src = rows.get(link.src);
    const dst = rows.get(link.dst);
    if (src) {
      src.links += 1;
      src.sentBps = addKnown(src.sentBps, link.sentBps);
    }
    if (dst) {
      dst.links += 1;
      dst.receivedBps = addKnown(dst.receivedBps, link.receivedBps);
    }
  }
  return [...rows.values()];
}

const kColumns: Column<NodeRow>[] = [
  { key: 'node', title: 'Node', render: (n) => <NodeName name={n.name} />, sort: (n) => n.name },
  {
    key: 'enclosure',
    title: 'Enclosure',
    render: (n) => <EnclosureName name={n.enclosure} />,
    sort: (n) => n.enclosure,
  },
  { key: 'role', title: 'Role', render: (n) => n.role, sort: (n) => n.role },
  {
    key: 'state',
    title: 'State',
    render: (n) => (
      <>
        <StateBadge look={nodeLook(n.state)} />
        {n.dark ? ' · dark' : ''}
      </>
    ),
    sort: (n) => nodeStates.indexOf(n.state),
  },
  {
    key: 'heartbeat',
    title: 'Heartbeat',
    number: true,
    render: (n) => durationText(n.heartbeatAgeS),
    sort: (n) => n.heartbeatAgeS,
  },
  {
    key: 'generation',
    title: 'Generation',
    render: (n) => <Generations node={n} />,
    sort: (n) => n.desiredGeneration - n.appliedGeneration,
  },
  {
    key: 'faults',
    title: 'Faults',
    number: true,
    render: (n) => countText(n.faults),
    sort: (n) => n.faults,
  },
  {
    key: 'links',
    title: 'Links',
    number: true,
    render: (n) => countText(n.links),
    sort: (n) => n.links,
  },
  {
    key: 'sent',
    title: 'Sent',
    number: true,
    render: (n) => rateText(n.sentBps),
    sort: (n) => n.sentBps,
  },
  {
    key: 'received',
    title: 'Received',
    number: true,
    render: (n) => rateText(n.receivedBps),
    sort: (n) => n.receivedBps,
  },
];

function Generations({ node }: { node: LiveNode }) {
  const { desiredGeneration: desired, appliedGeneration: applied } = node;
  if (node.state === 'pending') return <>–</>;
  if (desired === applied) return <>{countText(applied)}</>;
  return (
    <span className="tone-warn">
      ▲ {countText(applied)} of {countText(desired)}
    </span>
  );
}

export function NodesPage() {
  const figures = useLive(selectFigures);
  const [text, setText] = useQueryText('q');
  const [states, setStates] = useQueryList('state');
  const rows = useMemo(() => rowsOf(figures), [figures]);
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return rows.filter(
      (node) =>
        (node.name.includes(wanted) || node.enclosure.includes(wanted)) &&
        (states.length === 0 || states.includes(node.state)),
    );
  }, [rows, text, states]);
  return (
    <Page title="Nodes" fills>
      <Group align="end">
        <TextInput
          label="Name or enclosure contains"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <MultiSelect
          label="State"
          placeholder={states.length === 0 ? 'all' : undefined}
          data={nodeStates.map((state) => ({ value: state, label: nodeLook(state).words }))}
          value={states}
          onChange={setStates}
          clearable
          clearButtonProps={{ 'aria-label': 'All states' }}
          miw={220}
        />
        <Text size="sm" role="status" pb={8}>
          {figures
            ? `${plural(shown.length, 'node')} of ${countText(rows.length)}`
            : 'nodes unknown'}
        </Text>
      </Group>
      <DataTable
        label="Nodes"
        columns={kColumns}
        rows={shown}
        rowKey={(n) => n.name}
        order={{ key: 'node', down: false }}
        empty="No node is here."
      />
    </Page>
  );
}
