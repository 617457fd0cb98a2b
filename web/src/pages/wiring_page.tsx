import { Anchor, Button, Code, Group, Modal, MultiSelect, Text, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { paths } from '../api/client';
import type { Finding, PlanText, PlanVersion, Topology, WiringPolicy } from '../api/wiring_types';
import { countText, dateTimeText, timeText } from '../model/format';
import { filterWires, sinceText } from '../model/wiring';
import { plural, verdictLook, wireVerdicts } from '../model/words';
import { DataTable, type Column } from '../ui/data_table';
import { Page, Section } from '../ui/page';
import { ScopeName, StateBadge } from '../ui/state_badge';
import { Trouble } from '../ui/trouble';
import { useFollow } from '../ui/use_follow';
import { useQueryList, useQueryText } from '../ui/use_query';
import { useTopology } from '../ui/use_topology';
import { PortName, VerdictBadge, WiresTable } from '../ui/wires';

export function WiringPage() {
  const { topology, atMs, old, error } = useTopology(false);
  return (
    <Page title="Wiring">
      <Trouble error={error} what="The wiring cannot be read" />
      {!topology && !error && <Text>Reading the wiring…</Text>}
      {topology && (
        <div className="page" data-old={old || undefined}>
          <PlanSection topology={topology} atMs={atMs} old={old} />
          {topology.plan_version !== null && (
            <>
              <FindingsSection findings={topology.findings} atMs={atMs} />
              <WiresSection topology={topology} atMs={atMs} />
            </>
          )}
        </div>
      )}
      {topology && <PoliciesSection policies={topology.policies} />}
      <HistorySection />
    </Page>
  );
}

const kSetWith = (
  <>
    This page only shows it: a plan is set with <Code>sluicectl plan set FILE</Code>.
  </>
);

function PlanSection(props: { topology: Topology; atMs: number; old: boolean }) {
  const { topology, atMs } = props;
  if (topology.plan_version === null)
    return (
      <Section title="Plan">
        <Text>
          There is no plan, so no wire is checked. A plan is a Graphviz file that says which port is
          cabled to which. With one, nodes prove to each other what they are really cabled to, and
          links whose path is not as planned are closed. {kSetWith}
        </Text>
      </Section>
    );
  const counts = wireVerdicts.map((verdict): [string, number] => [
    verdict,
    topology.wires_by_verdict[verdict] ?? 0,
  ]);
  return (
    <Section title="Plan">
      <Text mb="xs">
        Version {topology.plan_version}. {kSetWith}
      </Text>
      <Group gap="md" className="figures" role="group" aria-label="Wires by verdict">
        {counts.map(([verdict, count]) => (
          <span key={verdict} className={count === 0 ? 'tone-idle' : undefined}>
            {count === 0 ? verdictLook(verdict).words : <VerdictBadge verdict={verdict} />}{' '}
            {countText(count)}
          </span>
        ))}
      </Group>
      <Text size="sm" c="dimmed" mt="xs">
        {props.old ? 'As it was at' : 'Read at'} {timeText(atMs)}
        {props.old ? '; it could not be read since.' : ', and again whenever a verdict changes.'}
      </Text>
    </Section>
  );
}

const findingColumns = (atMs: number): Column<Finding>[] => [
  {
    key: 'verdict',
    title: 'Finding',
    render: (f) => <VerdictBadge verdict={f.verdict} />,
    sort: (f) => f.verdict,
    width: '8rem',
  },
  { key: 'text', title: 'In words', wraps: true, render: (f) => f.text },
  {
    key: 'ports',
    title: 'Ports',
    wraps: true,
    width: '16rem',
    render: (f) =>
      f.ports.map((port, i) => (
        <span key={port}>
          {i > 0 && ', '}
          <PortName name={port} />
        </span>
      )),
  },
  {
    key: 'effect',
    title: 'Effect',
    width: '9rem',
    render: (f) =>
      f.closes ? (
        <StateBadge look={{ words: 'closes links', mark: '✕', tone: 'bad' }} />
      ) : (
        <StateBadge look={{ words: 'alert only', mark: '▲', tone: 'warn' }} />
      ),
    sort: (f) => Number(f.closes),
  },
  {
    key: 'since',
    title: 'Since',
    number: true,
    width: '9rem',
    render: (f) => sinceText(atMs, f.since_s),
    sort: (f) => -f.since_s,
  },
];

function FindingsSection({ findings, atMs }: { findings: Finding[]; atMs: number }) {
  const columns = useMemo(() => findingColumns(atMs), [atMs]);
  return (
    <Section title="Findings">
      <Text size="sm" mb="xs" role="status">
        {findings.length === 0
          ? 'Nothing was found that is not as planned.'
          : `${plural(findings.length, 'finding')}. One that closes links does so unless their policy is to alert only.`}
      </Text>
      {findings.length > 0 && (
        <DataTable
          short
          label="Findings in words"
          columns={columns}
          rows={findings}
          rowKey={(f) => [f.verdict, ...f.cables, ...f.ports, f.text].join(' ')}
          empty=""
        />
      )}
    </Section>
  );
}

function WiresSection({ topology, atMs }: { topology: Topology; atMs: number }) {
  const [text, setText] = useQueryText('q');
  const [verdicts, setVerdicts] = useQueryList('verdict');
  const wires = useMemo(() => filterWires(topology, text, verdicts), [topology, text, verdicts]);
  return (
    <Section title="Wires">
      <Group align="end" mb="xs">
        <TextInput
          label="Port or words contain"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <MultiSelect
          label="Verdict"
          placeholder={verdicts.length === 0 ? 'all' : undefined}
          data={wireVerdicts.map((one) => ({ value: one, label: verdictLook(one).words }))}
          value={verdicts}
          onChange={setVerdicts}
          clearable
          clearButtonProps={{ 'aria-label': 'All verdicts' }}
          miw={220}
        />
        <Text size="sm" role="status" pb={8}>
          {plural(wires.length, 'wire')} of {countText(topology.wires?.length)}
        </Text>
      </Group>
      <WiresTable wires={wires} atMs={atMs} empty="No wire is here." />
    </Section>
  );
}

const kPolicyColumns: Column<WiringPolicy>[] = [
  { key: 'scope', title: 'Scope', render: (p) => <ScopeName scope={p.scope} /> },
  {
    key: 'policy',
    title: 'Links whose path is not as planned',
    wraps: true,
    render: (p) => (p.policy === 'enforce' ? 'are closed' : 'stay open, with an alert'),
  },
];

function PoliciesSection({ policies }: { policies: WiringPolicy[] }) {
  return (
    <Section title="Policies">
      <Text size="sm" mb="xs">
        The policy of the smallest scope around a link counts. Policies are set with{' '}
        <Code>sluicectl topology policy</Code>.
      </Text>
      <DataTable
        short
        label="Policies by scope"
        columns={kPolicyColumns}
        rows={policies}
        rowKey={(p) => p.scope}
        empty="None is set: links whose path is not as planned are closed."
      />
    </Section>
  );
}

const planColumns = (onShow: (version: number) => void): Column<PlanVersion>[] => [
  { key: 'version', title: 'Version', number: true, render: (p) => p.version },
  {
    key: 'text',
    title: 'Text',
    render: (p) => (
      <Anchor component="button" type="button" size="sm" onClick={() => onShow(p.version)}>
        Show version {p.version}
      </Anchor>
    ),
  },
  { key: 'at', title: 'Set', render: (p) => dateTimeText(p.at_ms) },
  {
    key: 'active',
    title: 'In force',
    render: (p) =>
      p.active ? <StateBadge look={{ words: 'in force', mark: '●', tone: 'good' }} /> : '–',
  },
  { key: 'nodes', title: 'Nodes', number: true, render: (p) => countText(p.nodes) },
  { key: 'cables', title: 'Cables', number: true, render: (p) => countText(p.cables) },
  {
    key: 'sha256',
    title: 'SHA-256',
    render: (p) => (
      <span className="mono" title={p.sha256}>
        {p.sha256.slice(0, 12)}…
      </span>
    ),
  },
];

function HistorySection() {
  const { data, error } = useFollow<{ plans: PlanVersion[] }>(paths.plans, 5);
  const [shown, setShown] = useState<number | null>(null);
  const columns = useMemo(() => planColumns(setShown), []);
  return (
    <Section title="Versions of the plan">
      <Trouble error={error} what="The versions cannot be read" />
      <DataTable
        short
        label="Versions of the plan, newest first"
        columns={columns}
        rows={data?.plans ?? []}
        rowKey={(p) => p.version}
        empty={data ? 'No plan was ever set.' : 'Not read yet.'}
      />
      {shown !== null && <PlanDialog version={shown} onClose={() => setShown(null)} />}
    </Section>
  );
}

function PlanDialog({ version, onClose }: { version: number; onClose: () => void }) {
  // A version never changes.
  const { data, error } = useFollow<PlanText>(paths.plan(version), 3600);
  const empty = data?.plan === '';
  return (
    <Modal opened onClose={onClose} title={`Version ${version} of the plan`} size="xl">
      <Trouble error={error} what="The plan cannot be read" />
      {!data && !error && <Text>Reading the plan…</Text>}
      {empty && <Text>With this version the plan was removed.</Text>}
      {data && !empty && (
        <div className="plan-text" role="region" aria-label="The plan’s text" tabIndex={0}>
          <pre>{data.plan}</pre>
        </div>
      )}
      <Group justify="flex-end" mt="sm">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </Modal>
  );
}
