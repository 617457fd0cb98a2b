import { useCallback, useEffect, useRef, useState } from 'react';
import { paths } from '../api/client';
import type { LinkInfo } from '../api/types';
import type { Figures, LiveLink } from '../live/figures';
import { selectAtMs, useLive } from '../live/store';
import { dropRates, unknownAt, type Sample } from '../model/history';
import { TrafficCharts } from '../ui/traffic_charts';
import { kKept, useSamples } from '../ui/use_samples';

export interface LinkChartsProps {
  name: string;
  live: LiveLink | null;
  link: LinkInfo | null;
  // When `link` came.
  readAt: number;
}

export function LinkCharts(props: LinkChartsProps) {
  const { name } = props;
  const samples = useLinkSamples(name);
  const refusals = useRefusals(props);
  return (
    <TrafficCharts
      past={paths.linkHistory(name)}
      pastEveryS={60}
      samples={samples}
      refusals={refusals}
    />
  );
}

function useLinkSamples(name: string): readonly Sample[] {
  return useSamples(
    useCallback(
      (figures: Figures) => {
        const link = figures.links.find((one) => one.name === name);
        if (!link) return null;
        return {
          ...unknownAt(figures.atMs),
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

// Rates by reason since the page was opened, from the counters at each reading. Counters that
// stand still because nobody reports say nothing.
function useRefusals({ live, link, readAt }: LinkChartsProps): readonly Sample[] {
  const nowMs = useLive(selectAtMs);
  const known = live !== null && !live.old && live.refusedPps !== null;
  const before = useRef<{ atMs: number; drops: Record<string, number> } | null>(null);
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const latest = useRef({ nowMs, known });
  latest.current = { nowMs, known };
  useEffect(() => {
    const { nowMs, known } = latest.current;
    if (!link || nowMs === null) return;
    const reading = { atMs: readAt, drops: link.drops };
    const old = before.current;
    // Two readings close together would make a burst of one report.
    if (old && readAt - old.atMs < 500) return;
    before.current = known ? reading : null;
    const reasons = old && known ? dropRates(old, reading) : null;
    setSamples((all) => [...all.slice(1 - kKept), { ...unknownAt(nowMs), reasons }]);
  }, [link, readAt]);
  return samples;
}
