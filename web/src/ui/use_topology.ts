import { useEffect, useMemo, useRef, useState } from 'react';
import { paths } from '../api/client';
import type { Topology } from '../api/wiring_types';
import type { LiveState } from '../live/state';
import { selectPlanVersion, useLive, useLiveStore } from '../live/store';
import { topologyKey } from '../model/wiring';
import { useApi } from './session';

export interface FollowedTopology {
  topology: Topology | null;
  // The controller's time when it was read.
  atMs: number;
  // Not read since the stream came back, or not to be read.
  old: boolean;
  error: Error | null;
}

interface Held {
  topology: Topology | null;
  atMs: number;
  stream: number;
  error: Error | null;
}

const kNothing: Held = { topology: null, atMs: 0, stream: 0, error: null };
const selectStream = (state: LiveState) => state.figures?.stream ?? 0;

// Reads the topology when the stream says that it changed; `onlyWithPlan`, not without a plan.
export function useTopology(onlyWithPlan: boolean): FollowedTopology {
  const api = useApi();
  const store = useLiveStore();
  const key = useLive(topologyKey);
  const stream = useLive(selectStream);
  const planned = (useLive(selectPlanVersion) ?? 0) > 0;
  const wanted = planned || !onlyWithPlan ? key : null;
  const [held, setHeld] = useState<Held>(kNothing);
  const latest = useRef(wanted);
  const flight = useRef<{ stream: number; controller: AbortController } | null>(null);

  useEffect(() => {
    latest.current = wanted;
    // One at a time; but what was asked under an older stream may never be answered.
    if (wanted === null || flight.current?.stream === stream) return;
    flight.current?.controller.abort();
    const mine = { stream, controller: new AbortController() };
    flight.current = mine;
    const { signal } = mine.controller;
    const read = async () => {
      let asked: string | null = null;
      while (latest.current !== null && latest.current !== asked) {
        asked = latest.current;
        const topology = await api.get<Topology>(paths.topology, signal);
        if (signal.aborted) return;
        setHeld({ topology, atMs: store.get().figures?.atMs ?? 0, stream, error: null });
      }
    };
    read()
      .catch((error: unknown) => {
        if (signal.aborted) return;
        const known = error instanceof Error ? error : new Error(String(error));
        setHeld((before) => ({ ...before, error: known }));
      })
      .finally(() => {
        if (flight.current === mine) flight.current = null;
      });
  }, [api, store, wanted, stream]);
  useEffect(
    () => () => {
      flight.current?.controller.abort();
      flight.current = null;
    },
    [],
  );

  return useMemo(() => {
    const { topology, atMs, error } = wanted === null ? kNothing : held;
    return { topology, atMs, error, old: held.stream !== stream || error !== null };
  }, [held, stream, wanted]);
}
