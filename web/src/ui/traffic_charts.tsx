import { SegmentedControl } from '@mantine/core';
import { useMemo, useState, type ReactNode } from 'react';
import type { History } from '../api/types';
import { selectAtMs, useLive } from '../live/store';
import { perSecondText, rateText } from '../model/format';
import { mergeHistory, toLine, type Line, type Sample } from '../model/history';
import { kindWords } from '../model/words';
import { Chart, type ChartSeries } from './chart';
import { Section } from './page';
import { useFollow } from './use_follow';

const kSpans = [
  { value: '120', label: '2 min' },
  { value: '3600', label: '1 h' },
  { value: '86400', label: '24 h' },
];

interface Span {
  fromS: number;
  toS: number;
}

// What a link or a node did: the controller's past of it, filled in with what came live since.
export function TrafficCharts(props: {
  // The history's path …
  past: string;
  // … and how often it is read for the shortest span; for the others once a minute.
  pastEveryS: number;
  samples: readonly Sample[];
  // Those that know of reasons.
  refusals: readonly Sample[];
  children?: ReactNode;
}) {
  const { samples, refusals } = props;
  const [span, setSpan] = useState('120');
  const spanS = Number(span);
  const history = useFollow<History>(props.past, spanS > 120 ? 60 : props.pastEveryS).data;
  const nowMs = useLive(selectAtMs) ?? history?.now_ms ?? 0;
  const line = useMemo(
    () => toLine(mergeHistory(history, samples, spanS, nowMs)),
    [history, samples, spanS, nowMs],
  );
  const refused = useMemo(
    () => toLine(mergeHistory(history, refusals, spanS, nowMs)),
    [history, refusals, spanS, nowMs],
  );
  const shown: Span = { fromS: nowMs / 1000 - spanS, toS: nowMs / 1000 };
  return (
    <Section
      title="Traffic"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Time shown"
          data={kSpans}
          value={span}
          onChange={setSpan}
        />
      }
    >
      <div className="columns">
        <RateChart title="Sent and leased" line={line} shown={shown} other="leased" />
        <RateChart title="Sent and received" line={line} shown={shown} other="received" />
        <RefusedChart line={refused} shown={shown} />
      </div>
      {props.children}
    </Section>
  );
}

const last = (values: (number | null)[]): number | null => values[values.length - 1] ?? null;

function RateChart(props: {
  title: string;
  line: Line;
  shown: Span;
  other: 'leased' | 'received';
}) {
  const { line, other } = props;
  const values = other === 'leased' ? line.leasedBps : line.receivedBps;
  const dash = other === 'leased' ? [6, 4] : [2, 3];
  return (
    <Chart
      title={props.title}
      summary={`sent ${rateText(last(line.sentBps))}, ${other} ${rateText(last(values))}`}
      at={line.at}
      {...props.shown}
      series={[
        { label: 'sent', values: line.sentBps, color: '--line-sent' },
        { label: other, values, color: `--line-${other}`, dash },
      ]}
      text={rateText}
    />
  );
}

const kDropColors = ['--tone-bad', '--tone-busy', '--tone-warn', '--tone-good', '--tone-idle'];
const kDropDashes = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

function RefusedChart({ line, shown }: { line: Line; shown: Span }) {
  const series = line.reasons.map(
    ([reason, values], i): ChartSeries => ({
      label: kindWords(reason),
      values,
      color: kDropColors[i % kDropColors.length] ?? '--tone-bad',
      dash: kDropDashes[i % kDropDashes.length] ?? [],
    }),
  );
  const summary = series.map((one) => `${one.label} ${perSecondText(last(one.values))}`);
  const none = [{ label: 'none refused', values: line.none, color: '--tone-idle' }];
  return (
    <Chart
      title="Refused packets by reason"
      summary={summary.join(', ') || (last(line.none) === null ? 'unknown' : 'none')}
      at={line.at}
      {...shown}
      series={series.length > 0 ? series : none}
      text={perSecondText}
    />
  );
}
