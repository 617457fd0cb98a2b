// What the page knows of the stream, as a pure reducer. Times are monotonic milliseconds of this
// browser; nothing here is ever extrapolated.
import type { WireFigures, WireFleet } from '../api/types';
import { decodeFigures, decodeFleet, type Figures, type Fleet } from './figures';

export const kSilentMs = 3000;

export interface LiveState {
  fleet: Fleet | null;
  figures: Figures | null;
  // How many streams were opened.
  streams: number;
  // When the latest figures came, or when this console began to wait for the first.
  heardAt: number;
  // Whole seconds without figures, once they are more than kSilentMs old; null while they come.
  silentS: number | null;
  // What the controller or the connection said last, while it does not work.
  trouble: string | null;
}

export type LiveAction =
  | { type: 'opened' }
  | { type: 'fleet'; wire: WireFleet }
  | { type: 'figures'; wire: WireFigures; now: number }
  | { type: 'trouble'; text: string }
  | { type: 'tick'; now: number };

export function initialLive(now: number): LiveState {
  return { fleet: null, figures: null, streams: 0, heardAt: now, silentS: null, trouble: null };
}

function withSilence(state: LiveState, now: number): LiveState {
  const silentMs = now - state.heardAt;
  const silentS = silentMs > kSilentMs ? Math.floor(silentMs / 1000) : null;
  return silentS === state.silentS ? state : { ...state, silentS };
}

export function reduceLive(state: LiveState, action: LiveAction): LiveState {
  switch (action.type) {
    case 'opened':
      return { ...state, streams: state.streams + 1 };
    case 'fleet':
      return { ...state, fleet: decodeFleet(action.wire) };
    case 'figures': {
      const figures = decodeFigures(state.fleet, action.wire, state.streams);
      if (!figures) return state;
      return { ...state, figures, heardAt: action.now, silentS: null, trouble: null };
    }
    case 'trouble':
      return { ...state, trouble: action.text };
    case 'tick':
      return withSilence(state, action.now);
  }
}

export function countStates(all: readonly { state: string }[]): Record<string, number> {
  const out: Record<string, number> = {};
  for (const { state } of all) out[state] = (out[state] ?? 0) + 1;
  return out;
}
