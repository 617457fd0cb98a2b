import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { timeText } from '../model/format';

export interface ChartSeries {
  label: string;
  values: (number | null)[];
  // A custom property of console.css, or a colour.
  color: string;
  dash?: number[];
}

export interface ChartProps {
  title: string;
  // What the chart says now, for those who do not see it.
  summary: string;
  at: number[];
  series: ChartSeries[];
  fromS: number;
  toS: number;
  text: (value: number | null) => string;
  height?: number;
}

const kAxisWidth = 84;

function cssColor(element: Element, color: string): string {
  if (!color.startsWith('--')) return color;
  return getComputedStyle(element).getPropertyValue(color).trim();
}

// What is under the cursor, or the latest when it is elsewhere.
function withLast(
  plot: UPlot,
  series: number,
  index: number | null,
  value: number,
  text: (value: number | null) => string,
): string {
  if (index !== null) return text(value);
  const values = plot.data[series];
  return values && values.length > 0 ? text(values[values.length - 1] ?? null) : '–';
}

function optionsFor(frame: HTMLElement, props: ChartProps): UPlot.Options {
  const ink = getComputedStyle(frame).color;
  const grid = { stroke: cssColor(frame, '--mantine-color-default-border'), width: 1 };
  return {
    width: Math.max(200, frame.clientWidth),
    height: props.height ?? 180,
    // Room for half a label at the right edge.
    padding: [8, 42, 0, 0],
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { time: true },
      y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        stroke: ink,
        grid,
        values: (_u, splits) => splits.map((s) => timeText(s * 1000)),
        space: 90,
      },
      { stroke: ink, grid, size: kAxisWidth, values: (_u, splits) => splits.map(props.text) },
    ],
    series: [
      {
        label: 'At',
        value: (u, at, i, index) => withLast(u, i, index, at, (s) => timeText((s ?? 0) * 1000)),
      },
      ...props.series.map((one) => ({
        label: one.label,
        stroke: cssColor(frame, one.color),
        width: 1.5,
        ...(one.dash ? { dash: one.dash } : {}),
        points: { show: false },
        spanGaps: false,
        value: (u: UPlot, v: number, i: number, index: number | null) =>
          withLast(u, i, index, v, props.text),
      })),
    ],
  };
}

// A chart over time. Drawn anew only when its lines or the colours change; fresh values only
// replace its data.
export function Chart(props: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const scheme = useComputedColorScheme('light');
  const labels = props.series.map((one) => one.label).join('\n');

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const mine = new UPlot(optionsFor(element, latest.current), [[]], element);
    plot.current = mine;
    show(mine, latest.current);
    const resized = new ResizeObserver(() => {
      const { height = 180 } = latest.current;
      if (element.clientWidth > 0) mine.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      mine.destroy();
      plot.current = null;
    };
  }, [labels, scheme]);

  useEffect(() => {
    if (plot.current) show(plot.current, props);
  });

  return (
    <figure className="chart figures" aria-label={`${props.title}: ${props.summary}`}>
      <figcaption>{props.title}</figcaption>
      <div ref={frame} />
    </figure>
  );
}

function show(plot: UPlot, props: ChartProps): void {
  plot.batch(() => {
    plot.setData([props.at, ...props.series.map((one) => one.values)], false);
    plot.setScale('x', { min: props.fromS, max: props.toS });
  });
  // By itself it does so only when the pointer moves.
  plot.setLegend({});
}
