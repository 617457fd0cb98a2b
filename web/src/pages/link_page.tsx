import { Alert, Anchor, Group, Text } from '@mantine/core';
import { useCallback, useMemo } from 'react';
import { Link, useParams } from 'react-router-dom';
import { paths } from '../api/client';
import type { LinkInfo, Mismatch, NodeInfo, Revocations } from '../api/types';
import type { LiveLink } from '../live/figures';
import type { LiveState } from '../live/state';
import { useLive } from '../live/store';
import { bytesText, durationText } from '../model/format';
import { linkLook } from '../model/words';
import { EventList } from '../ui/event_list';
import { Page, Section } from '../ui/page';
import { RestoreLinkButtons, StopButton } from '../ui/scope_actions';
import { LinkEnds, StateBadge } from '../ui/state_badge';
import { Trouble } from '../ui/trouble';
import { useFollow } from '../ui/use_follow';
import { LinkCharts } from './link_charts';
import { EndsSection, LeaseSection, QuotaSection, RefusedSection } from './link_sections';

function useLiveLink(name: string): LiveLink | null {
  return useLive(
    useCallback(
      (state: LiveState) => {
        const index = state.fleet?.linkIndex.get(name);
        const link = index === undefined ? undefined : state.figures?.links[index];
        return link?.name === name ? link : null;
      },
      [name],
    ),
  );
}

export default function LinkPage() {
  const { link = '' } = useParams();
  return <OneLink key={link} name={link} />;
}

function OneLink({ name }: { name: string }) {
  const live = useLiveLink(name);
  const { data, error, readAt } = useFollow<{ link: LinkInfo }>(paths.link(name), 1);
  // Capabilities and heartbeats of both ends; the whole list is read, so not often.
  const nodes = useFollow<{ nodes: NodeInfo[] }>(paths.nodes, 5).data?.nodes;
  const stops = useFollow<Revocations>(paths.revocations, 2);
  const link = data?.link ?? null;
  const src = useMemo(() => nodes?.find((n) => n.name === link?.src), [nodes, link?.src]);
  const dst = useMemo(() => nodes?.find((n) => n.name === link?.dst), [nodes, link?.dst]);
  return (
    <Page
      title={`Link ${name}`}
      heading={
        <>
          Link <LinkEnds name={name} />
        </>
      }
      actions={
        link?.state === 'revoked' ? (
          <Group gap="xs">
            <RestoreLinkButtons link={name} stops={stops.data?.stops} onDone={stops.reload} />
          </Group>
        ) : (
          <StopButton scope={name} />
        )
      }
    >
      <Trouble error={error} what="The link cannot be read" />
      <StateLine link={link} live={live} />
      {link?.wiring && <WiringAlert words={link.wiring} />}
      {link?.mismatch && <MismatchAlert mismatch={link.mismatch} link={link} />}
      <LinkCharts name={name} live={live} link={link} readAt={readAt} />
      {link && (
        <div className="columns figures">
          <QuotaSection link={link} live={live} />
          <LeaseSection link={link} />
          <EndsSection link={link} src={src} dst={dst} />
          <RefusedSection link={link} />
        </div>
      )}
      <Section title="Events">
        <EventList subject={name} limit={50} short />
      </Section>
    </Page>
  );
}

function StateLine({ link, live }: { link: LinkInfo | null; live: LiveLink | null }) {
  return (
    <Text className="figures" data-testid="link-state">
      <StateBadge look={linkLook(link?.state ?? 'unknown')} />
      {link?.why ? `: ${link.why}` : ''}
      {live?.recalling ? ' · its lease is being recalled' : ''}
      {live?.old ? ' · figures are old: an end does not report' : ''}
    </Text>
  );
}

function WiringAlert({ words }: { words: string }) {
  return (
    <Alert color="red" variant="outline" title="Its path is not as planned" className="figures">
      {words}.{' '}
      <Anchor component={Link} to="/wiring">
        Wiring
      </Anchor>
    </Alert>
  );
}

function MismatchAlert({ mismatch, link }: { mismatch: Mismatch; link: LinkInfo }) {
  return (
    <Alert color="red" variant="outline" title="The ends count differently" className="figures">
      {link.src} sent {bytesText(mismatch.sent_bytes)}, {link.dst} received{' '}
      {bytesText(mismatch.received_bytes)}, for {durationText(mismatch.since_s)} now.
    </Alert>
  );
}
