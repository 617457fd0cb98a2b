import { Button, Text } from '@mantine/core';
import type { FleetEvent } from '../api/types';
import { dateTimeText } from '../model/format';
import { kindWords, severityLook } from '../model/words';
import { DataTable, type Column } from './data_table';
import { ScopeName, StateBadge } from './state_badge';
import { Trouble } from './trouble';
import { useEvents } from './use_events';

const kColumns: Column<FleetEvent>[] = [
  {
    key: 'at',
    title: 'When',
    render: (e) => <time dateTime={new Date(e.at_ms).toISOString()}>{dateTimeText(e.at_ms)}</time>,
    width: '12.5rem',
  },
  {
    key: 'severity',
    title: 'Severity',
    render: (e) => <StateBadge look={severityLook(e.severity)} />,
    width: '6.5rem',
  },
  { key: 'kind', title: 'Kind', render: (e) => kindWords(e.kind), width: '9rem' },
  {
    key: 'subject',
    title: 'Subject',
    render: (e) => <ScopeName scope={e.subject} />,
    width: '11rem',
  },
  { key: 'text', title: 'In words', wraps: true, render: (e) => e.text },
];

export function EventList(props: {
  subject: string;
  kinds?: string;
  severities?: readonly string[];
  limit?: number;
  short?: boolean;
}) {
  const { subject, kinds = '', severities = [], limit = 200 } = props;
  const { events, more, loaded, error, loadMore } = useEvents(subject, kinds, limit);
  const shown =
    severities.length === 0 ? events : events.filter((e) => severities.includes(e.severity));
  return (
    <>
      <Trouble error={error} what="The events cannot be read" />
      {!loaded && !error && <Text>Reading the events…</Text>}
      {loaded && (
        <DataTable
          label="Events, newest first"
          columns={kColumns}
          rows={shown}
          rowKey={(e) => e.id}
          empty="No such event is known."
          {...(props.short ? { short: true } : {})}
        />
      )}
      {more && (
        <div>
          <Button size="compact-sm" variant="default" onClick={loadMore}>
            Load more
          </Button>
        </div>
      )}
    </>
  );
}
