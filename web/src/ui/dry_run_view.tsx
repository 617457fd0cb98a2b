import { Stack, Text } from '@mantine/core';
import type { QuotaDryRun, ScopeSum } from '../api/types';
import { oversubscribed, summary } from '../model/dry_run';
import { boundBytes, boundRate, bytesText, rateText } from '../model/format';
import { ChangesTable } from './changes_table';
import { DataTable, type Column } from './data_table';
import { ScopeName } from './state_badge';

const kSums: Column<ScopeSum>[] = [
  { key: 'scope', title: 'Scope', render: (s) => <ScopeName scope={s.scope} /> },
  { key: 'rate', title: 'Rate', number: true, render: (s) => boundRate(s.rate_bps) },
  {
    key: 'links',
    title: 'Sum of its links',
    number: true,
    render: (s) => (
      <span className={oversubscribed(s) ? 'tone-warn' : undefined}>
        {oversubscribed(s) ? '▲ ' : ''}
        {rateText(s.links_rate_bps)}
      </span>
    ),
  },
  { key: 'leased', title: 'Leased', number: true, render: (s) => rateText(s.leased_rate_bps) },
  { key: 'volume', title: 'Volume', number: true, render: (s) => boundBytes(s.volume_bytes) },
  { key: 'used', title: 'Used', number: true, render: (s) => bytesText(s.used_bytes) },
  {
    key: 'outstanding',
    title: 'Outstanding',
    number: true,
    render: (s) => bytesText(s.outstanding_bytes),
  },
];

// What a change would do, before it is made.
export function DryRunView({ result }: { result: QuotaDryRun }) {
  const over = result.sums.filter(oversubscribed);
  return (
    <Stack gap="xs" mt="sm" data-testid="dry-run">
      <Text fw={600} role="status">
        {summary(result.links)}
      </Text>
      {result.notes.map((note) => (
        <Text key={note} size="sm">
          {note}
        </Text>
      ))}
      {over.map((sum) => (
        <Text key={sum.scope} size="sm">
          The links’ rates in {sum.scope} add up to more than its own: they share it.
        </Text>
      ))}
      <ChangesTable links={result.links} label="Links that the change touches" />
      {result.sums.length > 0 && (
        <DataTable
          short
          label="Sums after the change"
          columns={kSums}
          rows={result.sums}
          rowKey={(s) => s.scope}
          empty=""
        />
      )}
    </Stack>
  );
}
