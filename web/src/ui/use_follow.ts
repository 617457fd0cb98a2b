import { useCallback, useEffect, useRef, useState } from 'react';
import { useLive, useLiveStore } from '../live/store';
import type { LiveState } from '../live/state';
import { useApi } from './session';

export interface Followed<T> {
  data: T | null;
  error: Error | null;
  // Monotonic milliseconds when `data` came; 0 before.
  readAt: number;
  reload: () => void;
}

interface Held<T> {
  path: string | null;
  data: T | null;
  error: Error | null;
  readAt: number;
}

// Reads `path` now and again with every `everyS`-th second of the live figures. So whatever is
// shown stops with the stream, and nothing on the page is newer than the banner says.
export function useFollow<T>(path: string | null, everyS: number): Followed<T> {
  const api = useApi();
  const store = useLiveStore();
  const beat = useLive(
    useCallback(
      (s: LiveState) => (s.figures ? Math.floor(s.figures.atMs / 1000 / everyS) : -1),
      [everyS],
    ),
  );
  const [reloads, setReloads] = useState(0);
  const [held, setHeld] = useState<Held<T>>({ path: null, data: null, error: null, readAt: 0 });
  const flight = useRef<{ path: string; controller: AbortController } | null>(null);

  useEffect(() => {
    if (path === null || flight.current?.path === path) return;
    flight.current?.controller.abort();
    const mine = { path, controller: new AbortController() };
    flight.current = mine;
    const { signal } = mine.controller;
    api
      .get<T>(path, signal)
      .then((data) => {
        if (!signal.aborted) setHeld({ path, data, error: null, readAt: performance.now() });
      })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        const known = error instanceof Error ? error : new Error(String(error));
        setHeld((old) =>
          old.path === path
            ? { ...old, error: known }
            : { path, data: null, error: known, readAt: 0 },
        );
      })
      .finally(() => {
        if (flight.current === mine) flight.current = null;
      });
  }, [api, store, path, beat, reloads]);
  useEffect(
    () => () => {
      flight.current?.controller.abort();
      flight.current = null;
    },
    [],
  );

  const reload = useCallback(() => setReloads((n) => n + 1), []);
  const mine = held.path === path ? held : { data: null, error: null, readAt: 0 };
  return { data: mine.data, error: mine.error, readAt: mine.readAt, reload };
}
