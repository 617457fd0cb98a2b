import { useMemo } from 'react';
import type { LinkChange } from '../api/types';
import { byWeight } from '../model/dry_run';
import { rateText } from '../model/format';
import { changeLook, linkLook } from '../model/words';
import { DataTable, type Column } from './data_table';
import { LinkName, StateBadge } from './state_badge';

const kColumns: Column<LinkChange>[] = [
  { key: 'link', title: 'Link', render: (l) => <LinkName name={l.link} />, sort: (l) => l.link },
  { key: 'state', title: 'State now', render: (l) => <StateBadge look={linkLook(l.state)} /> },
  {
    key: 'leased',
    title: 'Leased',
    number: true,
    render: (l) => rateText(l.leased_rate_bps),
    sort: (l) => l.leased_rate_bps,
  },
  { key: 'change', title: 'Change', render: (l) => <StateBadge look={changeLook(l.change)} /> },
  { key: 'text', title: 'In words', wraps: true, render: (l) => l.text },
];

export function ChangesTable({ links, label }: { links: LinkChange[]; label: string }) {
  const rows = useMemo(() => byWeight(links), [links]);
  return (
    <DataTable
      short
      label={label}
      columns={kColumns}
      rows={rows}
      rowKey={(l) => l.link}
      empty="No link is in this scope."
    />
  );
}
