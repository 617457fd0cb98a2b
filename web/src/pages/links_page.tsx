import { Group, MultiSelect, Text, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import type { LiveLink } from '../live/figures';
import { selectFigures, useLive } from '../live/store';
import { bytesText, countText, durationText, perSecondText, rateText } from '../model/format';
import { linkLook, linkStates, plural } from '../model/words';
import { DataTable, type Column } from '../ui/data_table';
import { Page } from '../ui/page';
import { LinkName, Meter, StateBadge } from '../ui/state_badge';
import { useQueryList, useQueryText } from '../ui/use_query';

const share = (link: LiveLink): number | null =>
  link.sentBps === null || link.leasedBps <= 0 ? null : link.sentBps / link.leasedBps;

function notes(link: LiveLink): string {
  const out: string[] = [];
  if (link.old) out.push('figures are old');
  if (link.mismatch) out.push('ends count differently');
  if (link.recalling) out.push('lease is being recalled');
  if (link.state === 'open' && !link.keyAgreed) out.push('key not agreed');
  return out.join('; ');
}

const kColumns: Column<LiveLink>[] = [
  {
    key: 'link',
    title: 'Link',
    render: (l) => <LinkName name={l.name} />,
    sort: (l) => l.name,
  },
  {
    key: 'state',
    title: 'State',
    render: (l) => <StateBadge look={linkLook(l.state)} />,
    sort: (l) => linkStates.indexOf(l.state),
  },
  {
    key: 'sent',
    title: 'Sent',
    number: true,
    render: (l) => <Old link={l} text={rateText(l.sentBps)} />,
    sort: (l) => l.sentBps,
  },
  {
    key: 'leased',
    title: 'Leased',
    number: true,
    render: (l) => rateText(l.leasedBps),
    sort: (l) => l.leasedBps,
  },
  { key: 'use', title: 'Use', render: (l) => <Meter share={share(l)} />, sort: share },
  {
    key: 'received',
    title: 'Received',
    number: true,
    render: (l) => <Old link={l} text={rateText(l.receivedBps)} />,
    sort: (l) => l.receivedBps,
  },
  {
    key: 'refused',
    title: 'Refused',
    number: true,
    render: (l) => <Old link={l} text={perSecondText(l.refusedPps)} />,
    sort: (l) => l.refusedPps,
  },
  {
    key: 'left',
    title: 'Volume left',
    number: true,
    render: (l) => bytesText(l.state === 'no_quota' ? null : l.leftBytes),
    sort: (l) => (l.state === 'no_quota' ? null : l.leftBytes),
  },
  {
    key: 'expires',
    title: 'Lease ends in',
    number: true,
    render: (l) => durationText(l.expiresInS),
    sort: (l) => l.expiresInS,
  },
  { key: 'notes', title: 'Notes', wraps: true, render: notes },
];

function Old({ link, text }: { link: LiveLink; text: string }) {
  return <span className={link.old ? 'old' : undefined}>{text}</span>;
}

export function LinksTable({ links, short }: { links: LiveLink[]; short?: boolean }) {
  return (
    <DataTable
      label="Links"
      columns={kColumns}
      rows={links}
      rowKey={(l) => l.name}
      order={{ key: 'link', down: false }}
      empty="No link is here."
      {...(short ? { short } : {})}
    />
  );
}

export function LinksPage() {
  const figures = useLive(selectFigures);
  const [text, setText] = useQueryText('q');
  const [states, setStates] = useQueryList('state');
  const links = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return (figures?.links ?? []).filter(
      (link) => link.name.includes(wanted) && (states.length === 0 || states.includes(link.state)),
    );
  }, [figures, text, states]);
  return (
    <Page title="Links" fills>
      <Group align="end">
        <TextInput
          label="Name contains"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <MultiSelect
          label="State"
          placeholder={states.length === 0 ? 'all' : undefined}
          data={linkStates.map((state) => ({ value: state, label: linkLook(state).words }))}
          value={states}
          onChange={setStates}
          clearable
          clearButtonProps={{ 'aria-label': 'All states' }}
          miw={220}
        />
        <Text size="sm" role="status" pb={8}>
          {figures
            ? `${plural(links.length, 'link')} of ${countText(figures.links.length)}`
            : 'links unknown'}
        </Text>
      </Group>
      <LinksTable links={links} />
    </Page>
  );
}
