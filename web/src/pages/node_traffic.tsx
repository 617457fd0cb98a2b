import { useCallback, useMemo } from 'react';
import { paths } from '../api/client';
import { reports, type Figures } from '../live/figures';
import { selectFigures, useLive } from '../live/store';
import { unknownAt, type Sample } from '../model/history';
import { addKnown } from '../model/sums';
import { TrafficCharts } from '../ui/traffic_charts';
import { useSamples } from '../ui/use_samples';
import { LinksTable } from './links_page';

// The stream does not tell which end refused what, nor why.
const kNoRefusals: readonly Sample[] = [];

export function NodeTraffic({ name }: { name: string }) {
  const figures = useLive(selectFigures);
  const samples = useNodeSamples(name);
  const links = useMemo(
    () => figures?.links.filter((link) => link.src === name || link.dst === name) ?? [],
    [figures, name],
  );
  return (
    <TrafficCharts
      past={paths.nodeHistory(name)}
      pastEveryS={2}
      samples={samples}
      refusals={kNoRefusals}
    >
      <LinksTable links={links} short />
    </TrafficCharts>
  );
}

function useNodeSamples(name: string): readonly Sample[] {
  return useSamples(
    useCallback(
      (figures: Figures) => {
        const node = figures.nodes.find((one) => one.name === name);
        if (!node) return null;
        const sample = unknownAt(figures.atMs);
        sample.leasedBps = 0;
        for (const link of figures.links) {
          if (link.src === name) sample.leasedBps += link.leasedBps;
          if (!reports(node)) continue;
          if (link.src === name) sample.sentBps = addKnown(sample.sentBps, link.sentBps);
          if (link.dst === name)
            sample.receivedBps = addKnown(sample.receivedBps, link.receivedBps);
        }
        return sample;
      },
      [name],
    ),
  );
}
