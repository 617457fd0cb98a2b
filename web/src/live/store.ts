// The live state outside React, so that a figure a second renders only what shows it.
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import { initialLive, reduceLive, type LiveAction, type LiveState } from './state';

export class LiveStore {
  private state: LiveState;
  private readonly listeners = new Set<() => void>();

  constructor(now: number) {
    this.state = initialLive(now);
  }

  readonly get = (): LiveState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly dispatch = (action: LiveAction): void => {
    const next = reduceLive(this.state, action);
    if (next === this.state) return;
    this.state = next;
    for (const listener of [...this.listeners]) listener();
  };
}

export const LiveContext = createContext<LiveStore | null>(null);

export function useLiveStore(): LiveStore {
  const store = useContext(LiveContext);
  if (!store) throw new Error('no live store around this component');
  return store;
}

// The selector must return the same reference as long as nothing that it selects changes.
export function useLive<T>(select: (state: LiveState) => T): T {
  const store = useLiveStore();
  const get = useCallback(() => select(store.get()), [store, select]);
  return useSyncExternalStore(store.subscribe, get);
}

export const selectFigures = (state: LiveState) => state.figures;
export const selectFleet = (state: LiveState) => state.fleet;
export const selectSilent = (state: LiveState) => state.silentS !== null;
export const selectLastEvent = (state: LiveState) => state.figures?.lastEvent ?? null;
// null: not known.
export const selectPlanVersion = (state: LiveState) => state.figures?.wiring.planVersion ?? null;
export const selectFindings = (state: LiveState) => state.figures?.wiring.findings ?? 0;
export const selectAtMs = (state: LiveState) => state.figures?.atMs ?? null;
