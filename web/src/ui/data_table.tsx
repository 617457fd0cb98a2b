import { Table, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type ReactNode } from 'react';

export interface Column<T> {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  // What to sort by; without it the column does not sort.
  sort?: (row: T) => number | string | null;
  number?: boolean;
  width?: string;
  wraps?: boolean;
}

export interface Order {
  key: string;
  down: boolean;
}

const kRowHeight = 36;
const kCollator = new Intl.Collator(undefined, { numeric: true });

// What is not known comes last, whichever the direction.
export function sortRows<T>(rows: readonly T[], column: Column<T> | undefined, down: boolean): T[] {
  const value = column?.sort;
  if (!value) return [...rows];
  const sign = down ? -1 : 1;
  return rows
    .map((row) => ({ row, by: value(row) }))
    .sort((a, b) => {
      if (a.by === null || b.by === null) return Number(a.by === null) - Number(b.by === null);
      if (typeof a.by === 'number' && typeof b.by === 'number') return sign * (a.by - b.by);
      return sign * kCollator.compare(String(a.by), String(b.by));
    })
    .map(({ row }) => row);
}

// A table of any length: only the rows in sight are in the document, between two that stand for
// the rest.
export function DataTable<T>(props: {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string | number;
  empty: string;
  order?: Order;
  short?: boolean;
}) {
  const { columns, rows } = props;
  const [order, setOrder] = useState<Order | null>(props.order ?? null);
  const sorted = useMemo(
    () =>
      sortRows(
        rows,
        columns.find((c) => c.key === order?.key),
        order?.down ?? false,
      ),
    [rows, columns, order],
  );
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => frame.current,
    estimateSize: () => kRowHeight,
    overscan: 8,
    initialRect: { width: 800, height: 600 },
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <div
      ref={frame}
      className={`scroll-table figures${props.short ? ' short' : ''}`}
      role="region"
      aria-label={props.label}
      tabIndex={0}
    >
      <Table
        stickyHeader
        highlightOnHover
        verticalSpacing={6}
        aria-label={props.label}
        aria-rowcount={sorted.length + 1}
      >
        <Table.Thead>
          <Table.Tr aria-rowindex={1}>
            {columns.map((column) => (
              <Heading key={column.key} column={column} order={order} onOrder={setOrder} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          <Filler height={before} columns={columns.length} />
          {items.map((item) => {
            const row = sorted[item.index];
            if (row === undefined) return null;
            return (
              <Table.Tr
                key={props.rowKey(row)}
                data-index={item.index}
                ref={virtual.measureElement}
                aria-rowindex={item.index + 2}
              >
                {columns.map((column) => (
                  <Table.Td key={column.key} className={classOf(column)}>
                    {column.render(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            );
          })}
          <Filler height={after} columns={columns.length} />
        </Table.Tbody>
      </Table>
      {sorted.length === 0 && <Text p="sm">{props.empty}</Text>}
    </div>
  );
}

function classOf<T>(column: Column<T>): string {
  return [column.number ? 'number' : '', column.wraps ? 'wraps' : ''].filter(Boolean).join(' ');
}

function Filler({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" style={{ height }}>
      <td colSpan={columns} />
    </tr>
  );
}

function Heading<T>(props: {
  column: Column<T>;
  order: Order | null;
  onOrder: (order: Order) => void;
}) {
  const { column, order } = props;
  const mine = order?.key === column.key ? order : null;
  const style = column.width ? { width: column.width } : undefined;
  if (!column.sort) {
    return (
      <Table.Th scope="col" className={classOf(column)} style={style}>
        {column.title}
      </Table.Th>
    );
  }
  const ariaSort = mine ? (mine.down ? 'descending' : 'ascending') : 'none';
  return (
    <Table.Th scope="col" className={classOf(column)} style={style} aria-sort={ariaSort}>
      <button
        type="button"
        onClick={() => props.onOrder({ key: column.key, down: mine ? !mine.down : false })}
      >
        {column.title}
        <span aria-hidden="true">{mine ? (mine.down ? ' ▼' : ' ▲') : ' ↕'}</span>
      </button>
    </Table.Th>
  );
}
