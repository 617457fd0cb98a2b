import { useEffect, useRef, useState } from 'react';
import { useLiveStore } from '../live/store';
import type { Sample } from '../model/history';
import type { Figures } from '../live/figures';

// One hour at one a second: what is older comes from the controller's history.
export const kKept = 3600;

// Collects a sample from each set of figures for as long as the component is there.
export function useSamples(pick: (figures: Figures) => Sample | null): readonly Sample[] {
  const store = useLiveStore();
  const buffer = useRef<Sample[]>([]);
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    buffer.current = [];
    const take = () => {
      const { figures } = store.get();
      const last = buffer.current[buffer.current.length - 1];
      if (!figures || figures.atMs === last?.atMs) return;
      const sample = pick(figures);
      if (!sample) return;
      buffer.current.push(sample);
      if (buffer.current.length > kKept) buffer.current.shift();
      setSamples([...buffer.current]);
    };
    take();
    return store.subscribe(take);
  }, [store, pick]);
  return samples;
}
