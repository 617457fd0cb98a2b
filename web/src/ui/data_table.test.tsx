import { expect, it } from 'vitest';
import { sortRows, type Column } from './data_table';

interface Row {
  name: string;
  rate: number | null;
}
const kRows: Row[] = [
  { name: 'a10', rate: null },
  { name: 'a2', rate: 5 },
  { name: 'a1', rate: 7 },
];
const column = (sort: (row: Row) => string | number | null): Column<Row> => ({
  key: 'x',
  title: 'x',
  render: () => '',
  sort,
});
const names = (rows: Row[]) => rows.map((row) => row.name);

it('sorts names as people count', () => {
  expect(
    names(
      sortRows(
        kRows,
        column((row) => row.name),
        false,
      ),
    ),
  ).toEqual(['a1', 'a2', 'a10']);
});

it('puts what is not known last in both directions', () => {
  const rate = column((row) => row.rate);
  expect(names(sortRows(kRows, rate, false))).toEqual(['a2', 'a1', 'a10']);
  expect(names(sortRows(kRows, rate, true))).toEqual(['a1', 'a2', 'a10']);
});
