import { useCallback, useEffect, useRef, useState } from 'react';
import { paths } from '../api/client';
import type { EventPage, FleetEvent } from '../api/types';
import { selectLastEvent, useLive } from '../live/store';
import { mergeEvents } from '../model/events';
import { useApi } from './session';

interface Held {
  query: string;
  events: FleetEvent[];
  more: boolean;
  loaded: boolean;
}

const kNothing: Held = { query: '', events: [], more: false, loaded: false };

export interface Events extends Held {
  error: Error | null;
  loadMore: () => void;
}

// The newest events of a subject and kinds; grows at the top when the stream says that there are
// new ones, and at the end on demand.
export function useEvents(subject: string, kinds: string, limit: number): Events {
  const api = useApi();
  const lastEvent = useLive(selectLastEvent);
  const query = `${subject} ${kinds}`;
  const [held, setHeld] = useState<Held>(kNothing);
  const [error, setError] = useState<Error | null>(null);
  const current = useRef(query);

  const load = useCallback(
    async (before: number | undefined, signal: AbortSignal | undefined) => {
      const list = kinds === '' ? [] : kinds.split(',');
      const path = paths.events({
        limit,
        kinds: list,
        subject,
        ...(before === undefined ? {} : { before }),
      });
      try {
        const page = await api.get<EventPage>(path, signal);
        if (signal?.aborted || current.current !== query) return;
        setError(null);
        setHeld((old) => {
          const same = old.query === query && old.loaded;
          const known = same ? old.events : [];
          const { events, gap } = mergeEvents(known, page.events, page.more);
          const more = before !== undefined || !same || gap ? page.more : old.more;
          return { query, events, more, loaded: true };
        });
      } catch (thrown) {
        if (!signal?.aborted)
          setError(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    },
    [api, kinds, limit, query, subject],
  );

  useEffect(() => {
    current.current = query;
    const controller = new AbortController();
    void load(undefined, controller.signal);
    return () => controller.abort();
  }, [load, query, lastEvent]);

  const oldest = held.events[held.events.length - 1]?.id;
  const loadMore = useCallback(() => void load(oldest, undefined), [load, oldest]);
  const mine = held.query === query ? held : kNothing;
  return { ...mine, error, loadMore };
}
