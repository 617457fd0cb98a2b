import { Anchor, Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { Link } from 'react-router-dom';
import { paths } from '../api/client';
import type { QuotaUse } from '../api/types';
import {
  boundBytes,
  boundRate,
  bytesText,
  countText,
  isAnyVolume,
  percentText,
  rateText,
} from '../model/format';
import { pathOf } from '../model/scope';
import { exactDuration } from '../model/units';
import { plural } from '../model/words';
import { DataTable, type Column } from '../ui/data_table';
import { Page } from '../ui/page';
import { Meter } from '../ui/state_badge';
import { Trouble } from '../ui/trouble';
import { useFollow } from '../ui/use_follow';
import { useQueryText } from '../ui/use_query';

const usedShare = (q: QuotaUse): number | null =>
  isAnyVolume(q.volume_bytes) ? null : q.volume_used_bytes / q.volume_bytes;

const kKinds = ['fleet', 'enclosure', 'node', 'link'];

const kColumns: Column<QuotaUse>[] = [
  {
    key: 'scope',
    title: 'Scope',
    render: (q) => (
      <Anchor component={Link} to={pathOf.quota(q.scope)} className="mono">
        {q.scope}
      </Anchor>
    ),
    sort: (q) => `${kKinds.indexOf(q.kind)} ${q.scope}`,
  },
  {
    key: 'rate',
    title: 'Rate',
    number: true,
    render: (q) => boundRate(q.rate_bps),
    sort: (q) => q.rate_bps,
  },
  {
    key: 'leased',
    title: 'Leased',
    number: true,
    render: (q) => rateText(q.leased_rate_bps),
    sort: (q) => q.leased_rate_bps,
  },
  {
    key: 'volume',
    title: 'Volume',
    number: true,
    render: (q) => boundBytes(q.volume_bytes),
    sort: (q) => q.volume_bytes,
  },
  { key: 'per', title: 'Per', render: (q) => q.per, sort: (q) => q.window_s ?? Infinity },
  {
    key: 'used',
    title: 'Used',
    number: true,
    render: (q) => bytesText(q.volume_used_bytes),
    sort: (q) => q.volume_used_bytes,
  },
  {
    key: 'share',
    title: 'Of volume',
    render: (q) => (
      <>
        <Meter share={usedShare(q)} /> {percentText(usedShare(q))}
      </>
    ),
    sort: usedShare,
  },
  {
    key: 'outstanding',
    title: 'Outstanding',
    number: true,
    render: (q) => bytesText(q.volume_outstanding_bytes),
    sort: (q) => q.volume_outstanding_bytes,
  },
  {
    key: 'lease',
    title: 'Lease',
    number: true,
    render: (q) => exactDuration(q.lease_s),
    sort: (q) => q.lease_s,
  },
  {
    key: 'links',
    title: 'Links',
    number: true,
    render: (q) => countText(q.links),
    sort: (q) => q.links,
  },
  {
    key: 'recalling',
    title: 'Recalling',
    number: true,
    render: (q) => (q.recalling > 0 ? <span className="tone-warn">▲ {q.recalling}</span> : 0),
    sort: (q) => q.recalling,
  },
];

export function QuotasPage() {
  // All quotas in one answer: read every third second only.
  const { data, error } = useFollow<{ quotas: QuotaUse[] }>(paths.quotas, 3);
  const [text, setText] = useQueryText('q');
  const [kind, setKind] = useQueryText('kind');
  const shown = useMemo(
    () =>
      (data?.quotas ?? []).filter(
        (quota) =>
          quota.scope.includes(text.trim().toLowerCase()) && (kind === '' || quota.kind === kind),
      ),
    [data, text, kind],
  );
  return (
    <Page
      title="Quotas"
      fills
      actions={
        <Button component={Link} to="/quotas/new" size="compact-md">
          Set a quota
        </Button>
      }
    >
      <Trouble error={error} what="The quotas cannot be read" />
      <Group align="end">
        <TextInput
          label="Scope contains"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Select
          label="Kind of scope"
          placeholder="all"
          data={kKinds}
          value={kind === '' ? null : kind}
          onChange={(value) => setKind(value ?? '')}
          clearable
          clearButtonProps={{ 'aria-label': 'All kinds' }}
        />
        <Text size="sm" role="status" pb={8}>
          {data ? plural(shown.length, 'quota') : 'quotas unknown'}
        </Text>
      </Group>
      <DataTable
        label="Quotas"
        columns={kColumns}
        rows={shown}
        rowKey={(q) => q.scope}
        order={{ key: 'scope', down: false }}
        empty={data ? 'No quota is set here: no link opens without one.' : 'Not read yet.'}
      />
    </Page>
  );
}
