import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Api } from '../api/client';
import { LiveConnection } from './connection';
import type { LiveAction } from './state';

const kFigures = 'event: figures\ndata: {"version":1}\n\n';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Rig {
  connection: LiveConnection;
  actions: LiveAction[];
  headers: Headers[];
  left: { count: number };
}

// `answers` are given one after another; the last one again and again.
function rig(...answers: ((signal: AbortSignal) => Promise<Response>)[]): Rig {
  const actions: LiveAction[] = [];
  const headers: Headers[] = [];
  const left = { count: 0 };
  const fetcher = ((_path: string, init: RequestInit) => {
    headers.push(init.headers as Headers);
    const answer = answers[Math.min(headers.length, answers.length) - 1];
    return answer?.(init.signal as AbortSignal) ?? Promise.reject(new Error('no answer'));
  }) as typeof fetch;
  const api = new Api('secret', () => (left.count += 1), fetcher);
  const connection = new LiveConnection(
    api,
    (action) => actions.push(action),
    () => 42,
  );
  return { connection, actions, headers, left };
}

const stream = (text: string) => () => Promise.resolve(new Response(text));
const hangs = (signal: AbortSignal) =>
  new Promise<Response>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')));
  });

it('sends the token in the header, reads, and comes back when the stream ends', async () => {
  const { connection, actions, headers } = rig(stream(kFigures), hangs);
  void connection.run();
  await vi.advanceTimersByTimeAsync(1100);
  connection.stop();
  expect(actions).toContainEqual({ type: 'figures', wire: { version: 1 }, now: 42 });
  expect(actions).toContainEqual({ type: 'trouble', text: 'the controller ended the stream' });
  expect(headers).toHaveLength(2);
  expect(headers[0]?.get('Authorization')).toBe('Bearer secret');
});

it('gives up on a stream that says nothing', async () => {
  const { connection, actions, headers } = rig(hangs);
  void connection.run();
  await vi.advanceTimersByTimeAsync(7000);
  connection.stop();
  expect(actions).toContainEqual({ type: 'trouble', text: 'the stream stalled' });
  expect(headers.length).toBeGreaterThan(1);
});

it('stops for good when the token is not taken', async () => {
  const { connection, headers, left } = rig(() =>
    Promise.resolve(new Response('{}', { status: 401 })),
  );
  await connection.run();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(headers).toHaveLength(1);
  expect(left.count).toBe(1);
});

it('says what the controller says', async () => {
  const body = JSON.stringify({ error: { code: 'unavailable', message: 'too many streams' } });
  const { connection, actions } = rig(() => Promise.resolve(new Response(body, { status: 503 })));
  void connection.run();
  await vi.advanceTimersByTimeAsync(10);
  connection.stop();
  expect(actions).toEqual([{ type: 'trouble', text: 'too many streams' }]);
});
