import { Alert, List, Text } from '@mantine/core';
import { useCallback, useMemo } from 'react';
import { useParams } from 'react-router-dom';
import { paths } from '../api/client';
import type { NodeInfo, Revocations } from '../api/types';
import type { LiveNode } from '../live/figures';
import type { LiveState } from '../live/state';
import { selectPlanVersion, useLive } from '../live/store';
import { countText, dateTimeText, durationText } from '../model/format';
import { nodeScope } from '../model/scope';
import { isAt } from '../model/wiring';
import { dropWords, nodeLook } from '../model/words';
import { EventList } from '../ui/event_list';
import { Facts, Page, Section } from '../ui/page';
import { ReadmitButton, RestoreButton, StopButton } from '../ui/scope_actions';
import { EnclosureName, StateBadge } from '../ui/state_badge';
import { Trouble } from '../ui/trouble';
import { useFollow } from '../ui/use_follow';
import { useTopology } from '../ui/use_topology';
import { WiresTable } from '../ui/wires';
import { NodeTraffic } from './node_traffic';

function useLiveNode(name: string): LiveNode | null {
  return useLive(
    useCallback(
      (state: LiveState) => {
        const index = state.fleet?.nodeIndex.get(name);
        const node = index === undefined ? undefined : state.figures?.nodes[index];
        return node?.name === name ? node : null;
      },
      [name],
    ),
  );
}

export default function NodePage() {
  const { node = '' } = useParams();
  return <OneNode key={node} name={node} />;
}

function OneNode({ name }: { name: string }) {
  const live = useLiveNode(name);
  const { data, error, reload } = useFollow<{ nodes: NodeInfo[] }>(paths.nodes, 5);
  const stops = useFollow<Revocations>(paths.revocations, 2);
  const node = useMemo(() => data?.nodes.find((one) => one.name === name) ?? null, [data, name]);
  const scope = nodeScope(name);
  const stopped = stops.data?.stops.some((stop) => stop.scope === scope) ?? false;
  return (
    <Page
      title={`Node ${name}`}
      actions={
        stopped ? (
          <RestoreButton scope={scope} onDone={stops.reload} />
        ) : (
          <StopButton scope={scope} />
        )
      }
    >
      <Trouble error={error} what="The node cannot be read" />
      {data && !node && <Text>There is no node {name} in this fleet.</Text>}
      {node?.tamper && <TamperAlert node={node} onReadmitted={reload} />}
      {node && node.faults.length > 0 && <Faults faults={node.faults} />}
      <div className="columns figures">
        <StateSection live={live} node={node} />
        {node && <CapabilitiesSection node={node} />}
        {node && <DropsSection node={node} />}
      </div>
      <NodeTraffic name={name} />
      <NodeWires name={name} />
      <Section title="Events">
        <EventList subject={scope} limit={50} short />
      </Section>
    </Page>
  );
}

function TamperAlert({ node, onReadmitted }: { node: NodeInfo; onReadmitted: () => void }) {
  const { tamper } = node;
  if (!tamper) return null;
  const at = Date.parse(tamper.at);
  return (
    <Alert color="red" variant="outline" title="Tampered">
      <Text mb="xs">
        {tamper.source}: {tamper.words} ({Number.isNaN(at) ? tamper.at : dateTimeText(at)}). Its
        links stay closed until it is readmitted.
      </Text>
      <ReadmitButton node={node.name} onDone={onReadmitted} />
    </Alert>
  );
}

function Faults({ faults }: { faults: string[] }) {
  return (
    <Alert color="yellow" variant="outline" title="Faults" className="figures">
      <List>
        {faults.map((fault) => (
          <List.Item key={fault}>{fault}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

function StateSection({ live, node }: { live: LiveNode | null; node: NodeInfo | null }) {
  const enclosure = live?.enclosure ?? node?.enclosure;
  return (
    <Section title="State">
      <Facts
        facts={[
          ['State', <StateBadge key="state" look={nodeLook(live?.state ?? 'unknown')} />],
          ['Dark', live ? (live.dark ? 'yes: it missed three heartbeats' : 'no') : 'unknown'],
          ['Last heartbeat', live ? heartbeatText(live) : 'unknown'],
          ['Enclosure', enclosure ? <EnclosureName key="e" name={enclosure} /> : 'unknown'],
          ['Role', live?.role ?? node?.role ?? 'unknown'],
          ['Applied generation', countText(live?.appliedGeneration)],
          ['Desired generation', countText(live?.desiredGeneration)],
          ['Accelerators', node?.prefixes.join(', ') || '–'],
          ['Fabric endpoints', node?.fabric_endpoints.join(', ') || '–'],
          ['Agent', node?.version || '–'],
        ]}
      />
    </Section>
  );
}

function heartbeatText(live: LiveNode): string {
  return live.heartbeatAgeS === null ? 'never' : `${durationText(live.heartbeatAgeS)} ago`;
}

function CapabilitiesSection({ node }: { node: NodeInfo }) {
  return (
    <Section title="Capabilities">
      {node.capabilities.length === 0 && <Text>It has named none.</Text>}
      <Facts
        facts={node.capabilities.map(({ name, choice, reason }) => [
          name,
          reason ? `${choice} (${reason})` : choice,
        ])}
      />
    </Section>
  );
}

function DropsSection({ node }: { node: NodeInfo }) {
  const drops = Object.entries(node.unattributed_drops).filter(([, count]) => count > 0);
  return (
    <Section title="Drops that belong to no link">
      {drops.length === 0 && <Text>None was reported.</Text>}
      <Facts facts={drops.map(([reason, count]) => [dropWords(reason), countText(count)])} />
    </Section>
  );
}

function NodeWires({ name }: { name: string }) {
  const planned = (useLive(selectPlanVersion) ?? 0) > 0;
  const { topology, atMs, old, error } = useTopology(true);
  const wires = useMemo(
    () => topology?.wires?.filter((wire) => isAt(wire, name)) ?? [],
    [topology, name],
  );
  if (!planned) return null;
  return (
    <Section title="Wires">
      <Trouble error={error} what="The wiring cannot be read" />
      <div data-old={old || undefined}>
        <WiresTable
          wires={wires}
          atMs={atMs}
          empty={topology ? 'The plan has no cable of this node.' : 'Not read yet.'}
        />
      </div>
    </Section>
  );
}
