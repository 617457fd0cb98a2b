import { Anchor, Button, Group } from '@mantine/core';
import { useMemo } from 'react';
import { Link } from 'react-router-dom';
import type { Figures, Fleet } from '../live/figures';
import { selectFigures, useLive } from '../live/store';
import { durationText, percentText, rateText } from '../model/format';
import { enclosureScope, nodeScope, parseScope, pathOf } from '../model/scope';
import { linkLook, nodeLook, plural } from '../model/words';
import { Facts } from '../ui/page';
import { StopButton } from '../ui/scope_actions';
import { LinkName, NodeName, StateBadge } from '../ui/state_badge';
import { sumLinks, type Sum } from './look';
import type { Structure } from './structure';
import { WireDetails } from './wire_details';
import { isWiring, type WireMap } from './wires';

const kMostListed = 100;

// What stands behind the chosen element, in figures and with ways on.
export function Details(props: {
  id: string;
  fleet: Fleet;
  structure: Structure;
  wires: WireMap | null;
  onExpand: (id: string, open: boolean) => void;
}) {
  const { id, fleet, structure, wires } = props;
  const figures = useLive(selectFigures);
  const scope = parseScope(id);
  const edge = useMemo(() => structure.edges.find((one) => one.id === id), [structure, id]);
  if (isWiring(id)) return wires && <WireDetails id={id} map={wires} />;
  if (edge && scope?.kind !== 'link')
    return <Bundle id={id} fleet={fleet} figures={figures} links={edge.links} />;
  if (scope?.kind === 'link') return <OneLink name={id} fleet={fleet} figures={figures} />;
  if (scope?.kind === 'node') return <OneNode name={scope.name} fleet={fleet} figures={figures} />;
  if (scope?.kind === 'enclosure')
    return <OneEnclosure {...props} figures={figures} name={scope.name} />;
  return null;
}

function sumFacts(sum: Sum): [string, string][] {
  const use =
    sum.sentBps === null || sum.someUnknown || sum.leasedBps <= 0
      ? null
      : sum.sentBps / sum.leasedBps;
  const sent = rateText(sum.sentBps) + (sum.someUnknown && sum.sentBps !== null ? ' or more' : '');
  return [
    ['Links', `${sum.open} of ${sum.count} open`],
    ['Leased', rateText(sum.leasedBps)],
    ['Sent', sent],
    ['Use', percentText(use)],
  ];
}

interface PartProps {
  fleet: Fleet;
  figures: Figures | null;
}

function Bundle(props: PartProps & { id: string; links: number[] }) {
  const { fleet, figures, links } = props;
  const sum = sumLinks(links.map((i) => figures?.links[i]));
  const [from = '', to = ''] = props.id.split('~');
  return (
    <>
      <strong>
        {from} → {to}
      </strong>
      <Facts facts={sumFacts(sum)} />
      <LinkList {...props} fleet={fleet} />
    </>
  );
}

function LinkList({ fleet, figures, links }: PartProps & { links: number[] }) {
  return (
    <ul>
      {links.slice(0, kMostListed).map((i) => (
        <li key={i}>
          <LinkName name={fleet.links[i]?.name ?? ''} />{' '}
          <StateBadge look={linkLook(figures?.links[i]?.state ?? 'unknown')} />
        </li>
      ))}
      {links.length > kMostListed && <li>and {links.length - kMostListed} more</li>}
    </ul>
  );
}

function OneLink({ name, fleet, figures }: PartProps & { name: string }) {
  const index = fleet.linkIndex.get(name);
  const link = index === undefined ? undefined : figures?.links[index];
  return (
    <>
      <LinkName name={name} />{' '}
      <StateBadge look={linkLook(link?.name === name ? link.state : 'unknown')} />
      {link?.old ? ' · figures are old' : ''}
      <Facts facts={sumFacts(sumLinks([link])).slice(1)} />
      <StopButton scope={name} words="Stop link…" />
    </>
  );
}

function OneNode({ name, fleet, figures }: PartProps & { name: string }) {
  const index = fleet.nodeIndex.get(name);
  const node = index === undefined ? undefined : figures?.nodes[index];
  const links = fleet.links.flatMap((link, i) => (link.src === name ? [i] : []));
  const sum = sumLinks(links.map((i) => figures?.links[i]));
  return (
    <>
      <NodeName name={name} /> <StateBadge look={nodeLook(node?.state ?? 'unknown')} />
      <Facts
        facts={[
          ['Heartbeat', durationText(node?.heartbeatAgeS)],
          ['From here', ''],
          ...sumFacts(sum),
        ]}
      />
      <StopButton scope={nodeScope(name)} words="Stop node…" />
    </>
  );
}

function OneEnclosure(
  props: PartProps & {
    name: string;
    structure: Structure;
    onExpand: (id: string, open: boolean) => void;
  },
) {
  const { name, fleet, figures, structure } = props;
  const scope = enclosureScope(name);
  const box = structure.boxes.find((one) => one.name === name);
  const nodes = fleet.nodes.filter((node) => node.enclosure === name);
  const inside = new Set(nodes.map((node) => node.name));
  const leaving = fleet.links.flatMap((link, i) =>
    inside.has(link.src) && !inside.has(link.dst) ? [i] : [],
  );
  const sum = sumLinks(leaving.map((i) => figures?.links[i]));
  return (
    <>
      <strong>enclosure {name}</strong> · {plural(nodes.length, 'node')}
      <Facts facts={[['Leaving it', ''], ...sumFacts(sum)]} />
      <Group gap="xs" mt={4}>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => props.onExpand(scope, !box?.expanded)}
        >
          {box?.expanded ? 'Collapse' : 'Expand'}
        </Button>
        <StopButton scope={scope} words="Stop enclosure…" />
        <Anchor component={Link} to={pathOf.quota(scope)} size="sm">
          Quota
        </Anchor>
      </Group>
      <ul>
        {nodes.slice(0, kMostListed).map((node) => {
          const live = figures?.nodes[fleet.nodeIndex.get(node.name) ?? -1];
          return (
            <li key={node.name}>
              <NodeName name={node.name} /> <StateBadge look={nodeLook(live?.state ?? 'unknown')} />
            </li>
          );
        })}
      </ul>
    </>
  );
}
