import { SegmentedControl } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { paths } from '../api/client';
import type { History, LinkInfo } from '../api/types';
import type { Figures } from '../live/figures';
import { selectAtMs, useLive } from '../live/store';
import { perSecondText, rateText } from '../model/format';
import { dropRates, mergeHistory, toLine, type Line, type Sample } from '../model/history';
import { kindWords } from '../model/words';
import { Chart, type ChartSeries } from '../ui/chart';
import { Section } from '../ui/page';
import { useFollow } from '../ui/use_follow';
import { useSamples } from '../ui/use_samples';

const kSpans = [
  { value: '120', label: '2 min' },
  { value: '3600', label: '1 h' },
  { value: '86400', label: '24 h' },
];

function useLinkSamples(name: string): readonly Sample[] {
  return useSamples(
    useCallback(
      (figures: Figures) => {
        const link = figures.links.find((one) => one.name === name);
        if (!link) return null;
        return {
          atMs: figures.atMs,
          sentBps: link.old ? null : link.sentBps,
          receivedBps: link.old ? null : link.receivedBps,
          leasedBps: link.leasedBps,
          refusedPps: link.old ? null : link.refusedPps,
          usedBytes: link.usedBytes,
        };
      },
      [name],
    ),
  );
}

export function LinkCharts(props: { name: string; link: LinkInfo | null; readAt: number }) {
  const { name } = props;
  const [span, setSpan] = useState('120');
  const spanS = Number(span);
  const samples = useLinkSamples(name);
  // The live samples fill in between two readings of the past.
  const history = useFollow<History>(paths.history(name), 60).data;
  const nowMs = useLive(selectAtMs) ?? history?.now_ms ?? 0;
  const line = useMemo(
    () => toLine(mergeHistory(history, samples, spanS, nowMs)),
    [history, samples, spanS, nowMs],
  );
  const window = { at: line.at, fromS: nowMs / 1000 - spanS, toS: nowMs / 1000 };
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
        <Chart title="Sent and leased" {...sentLeased(line)} {...window} text={rateText} />
        <Chart title="Sent and received" {...sentReceived(line)} {...window} text={rateText} />
        <RefusedChart {...props} line={line} span={spanS} window={window} />
      </div>
    </Section>
  );
}

const last = (values: (number | null)[]): number | null => values[values.length - 1] ?? null;

function sentLeased(line: Line): { summary: string; series: ChartSeries[] } {
  return {
    summary: `sent ${rateText(last(line.sentBps))}, leased ${rateText(last(line.leasedBps))}`,
    series: [
      { label: 'sent', values: line.sentBps, color: '--line-sent' },
      { label: 'leased', values: line.leasedBps, color: '--line-leased', dash: [6, 4] },
    ],
  };
}

function sentReceived(line: Line): { summary: string; series: ChartSeries[] } {
  return {
    summary: `sent ${rateText(last(line.sentBps))}, received ${rateText(last(line.receivedBps))}`,
    series: [
      { label: 'sent', values: line.sentBps, color: '--line-sent' },
      { label: 'received', values: line.receivedBps, color: '--line-received', dash: [2, 3] },
    ],
  };
}

interface DropPoint {
  at: number;
  rates: Record<string, number | null>;
}

// Rates by reason since the page was opened, from the counters at each reading.
function useDropRates(link: LinkInfo | null, readAt: number): DropPoint[] {
  const nowMs = useLive(selectAtMs);
  const before = useRef<{ atMs: number; drops: Record<string, number> } | null>(null);
  const [points, setPoints] = useState<DropPoint[]>([]);
  const stamp = useRef(nowMs);
  stamp.current = nowMs;
  useEffect(() => {
    if (!link || stamp.current === null) return;
    const reading = { atMs: readAt, drops: link.drops };
    const old = before.current;
    // Two readings close together would make a burst of one report.
    if (old && readAt - old.atMs < 500) return;
    before.current = reading;
    if (!old) return;
    const point = { at: stamp.current / 1000, rates: dropRates(old, reading) };
    setPoints((all) => [...all.slice(-3599), point]);
  }, [link, readAt]);
  return points;
}

const kDropColors = ['--tone-bad', '--tone-busy', '--tone-warn', '--tone-good', '--tone-idle'];
const kDropDashes = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

function RefusedChart(props: {
  link: LinkInfo | null;
  readAt: number;
  line: Line;
  span: number;
  window: { at: number[]; fromS: number; toS: number };
}) {
  const points = useDropRates(props.link, props.readAt);
  const reasons = useMemo(() => {
    const seen = new Set<string>();
    for (const point of points)
      for (const [reason, rate] of Object.entries(point.rates)) if (rate) seen.add(reason);
    return [...seen].sort();
  }, [points]);
  // Reasons are known only while the page looks; the past has the sum.
  if (props.span > 120) {
    const { refusedPps } = props.line;
    return (
      <Chart
        title="Refused packets, all reasons"
        summary={perSecondText(last(refusedPps))}
        series={[{ label: 'refused', values: refusedPps, color: '--tone-bad' }]}
        {...props.window}
        text={perSecondText}
      />
    );
  }
  const at = points.map((point) => point.at);
  const series = reasons.map((reason, i) => ({
    label: kindWords(reason),
    values: points.map((point) => point.rates[reason] ?? null),
    color: kDropColors[i % kDropColors.length] ?? '--tone-bad',
    dash: kDropDashes[i % kDropDashes.length] ?? [],
  }));
  const none = [{ label: 'none refused', values: at.map(() => 0), color: '--tone-idle' }];
  const summary =
    series.map((one) => `${one.label} ${perSecondText(last(one.values))}`).join(', ') || 'none';
  return (
    <Chart
      title="Refused packets by reason"
      summary={summary}
      series={series.length > 0 ? series : none}
      at={at}
      fromS={props.window.fromS}
      toS={props.window.toS}
      text={perSecondText}
    />
  );
}
