import { Anchor, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import type { Capability, End, LinkInfo, NodeInfo } from '../api/types';
import type { LiveLink } from '../live/figures';
import { boundBytes, bytesText, countText, durationText, rateText } from '../model/format';
import { timeToExhaustion } from '../model/history';
import { pathOf } from '../model/scope';
import { dropWords, kindWords, nodeLook } from '../model/words';
import { Facts, Section } from '../ui/page';
import { NodeName, StateBadge } from '../ui/state_badge';

export function QuotaSection({ link, live }: { link: LinkInfo; live: LiveLink | null }) {
  const sentBps = live && !live.old ? live.sentBps : null;
  const exhaustion = timeToExhaustion(link.volume_left_bytes, sentBps);
  const has = link.rate_bps !== null;
  const volume = link.volume_bytes === null ? 'none' : boundBytes(link.volume_bytes);
  return (
    <Section title="Quota">
      <Facts
        facts={[
          ['Rate', has ? rateText(link.rate_bps) : 'no quota'],
          ['Burst', bytesText(link.burst_bytes)],
          ['Volume', volume],
          ['Used', bytesText(link.volume_used_bytes)],
          ['Left', has ? bytesText(link.volume_left_bytes) : '–'],
          ['Outstanding', bytesText(link.volume_outstanding_bytes)],
          ['Exhausted in', has ? `${durationText(exhaustion)} at the present rate` : '–'],
          [
            'Rule',
            <Anchor key="rule" component={Link} to={pathOf.quota(link.link)}>
              {has ? 'change the quota' : 'set a quota'}
            </Anchor>,
          ],
        ]}
      />
    </Section>
  );
}

export function LeaseSection({ link }: { link: LinkInfo }) {
  const { key } = link;
  const inUse = key?.in_use
    ? 'in use: both nodes send under it and under no older one'
    : 'not in use yet by both nodes';
  return (
    <Section title="Lease and key">
      <Facts
        facts={[
          ['Leased rate', rateText(link.leased_rate_bps)],
          ['Lease', link.lease_sequence === 0 ? 'none' : `number ${link.lease_sequence}`],
          ['Ends in, says the controller', durationText(link.expires_in_s)],
          ['Ends in, says the sender', durationText(link.sender?.expires_in_s)],
          ['Ends in, says the receiver', durationText(link.receiver?.expires_in_s)],
          ['Key epoch', key ? countText(key.epoch) : 'no keys'],
          ['Key age', durationText(key?.age_s)],
          ['Key', key ? inUse : '–'],
        ]}
      />
    </Section>
  );
}

function endFacts(
  role: string,
  end: End | null,
  node: NodeInfo | undefined,
): [string, ReactNode][] {
  return [
    [
      `${role} admitted`,
      end ? `${bytesText(end.bytes)}, ${countText(end.packets)} packets` : 'unknown',
    ],
    [`${role} reported`, end ? `${durationText(end.age_s)} ago` : 'never'],
    [`${role} heartbeat`, node ? heartbeat(node) : 'unknown'],
    [`${role} backends`, node ? <Backends list={node.capabilities} /> : 'unknown'],
  ];
}

function heartbeat(node: NodeInfo): ReactNode {
  return (
    <>
      <StateBadge look={nodeLook(node.state)} />
      {node.last_heartbeat_s === null ? '' : `, ${durationText(node.last_heartbeat_s)} ago`}
    </>
  );
}

// What each end really got, as it read it back.
function Backends({ list }: { list: Capability[] }) {
  if (list.length === 0) return <>unknown</>;
  return (
    <>
      {list.map((one) => (
        <div key={one.name}>
          {one.name}: {one.choice}
        </div>
      ))}
    </>
  );
}

export function EndsSection(props: {
  link: LinkInfo;
  src: NodeInfo | undefined;
  dst: NodeInfo | undefined;
}) {
  const { link } = props;
  return (
    <Section title="Ends">
      <Facts
        facts={[
          ['Sender', <NodeName key="src" name={link.src} />],
          ...endFacts('Sender', link.sender, props.src),
          ['Receiver', <NodeName key="dst" name={link.dst} />],
          ...endFacts('Receiver', link.receiver, props.dst),
        ]}
      />
    </Section>
  );
}

export function RefusedSection({ link }: { link: LinkInfo }) {
  const drops = Object.entries(link.drops).filter(([, count]) => count > 0);
  return (
    <Section title="Refused at both ends, in all">
      {drops.length === 0 && <Text>No packet was refused.</Text>}
      <Facts
        facts={drops.map(([reason, count]) => [
          `${kindWords(reason)}: ${dropWords(reason)}`,
          countText(count),
        ])}
      />
    </Section>
  );
}
