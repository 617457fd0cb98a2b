// Keeps the stream open: reads it, gives up on one that says nothing, and comes back by itself.
import type { Api } from '../api/client';
import { ApiError, paths } from '../api/client';
import type { WireFigures, WireFleet } from '../api/types';
import { Backoff } from './backoff';
import { SseParser, type SseEvent } from './sse';
import type { LiveAction } from './state';

// A stream that is open and says nothing for so long is dropped and opened anew.
const kStallMs = 6000;

export class LiveConnection {
  private readonly stopped = new AbortController();
  private readonly backoff = new Backoff();
  private wake: (() => void) | null = null;

  constructor(
    private readonly api: Api,
    private readonly dispatch: (action: LiveAction) => void,
    private readonly now: () => number,
  ) {}

  async run(): Promise<void> {
    while (!this.isStopped()) {
      try {
        await this.readOnce();
        this.tell('the controller ended the stream');
      } catch (error) {
        if (this.isStopped()) return;
        // The session is over: the page goes back to the login.
        if (error instanceof ApiError && error.status === 401) return;
        this.tell(wordsOf(error));
      }
      await this.pause(this.backoff.nextMs());
    }
  }

  stop(): void {
    this.stopped.abort();
    this.wake?.();
  }

  private isStopped(): boolean {
    return this.stopped.signal.aborted;
  }

  private tell(text: string): void {
    if (!this.isStopped()) this.dispatch({ type: 'trouble', text });
  }

  private async readOnce(): Promise<void> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.stopped.signal.addEventListener('abort', stop, { once: true });
    let watchdog = setTimeout(stop, kStallMs);
    try {
      const response = await this.api.open(paths.stream, {
        signal: attempt.signal,
        headers: { Accept: 'text/event-stream' },
      });
      const reader = response.body?.getReader();
      if (!reader) return;
      this.dispatch({ type: 'opened' });
      const decoder = new TextDecoder();
      const parser = new SseParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(stop, kStallMs);
        for (const event of parser.push(decoder.decode(value, { stream: true }))) this.take(event);
      }
    } finally {
      clearTimeout(watchdog);
      this.stopped.signal.removeEventListener('abort', stop);
      attempt.abort();
    }
  }

  private take(event: SseEvent): void {
    if (event.event === 'fleet') {
      this.dispatch({ type: 'fleet', wire: JSON.parse(event.data) as WireFleet });
    } else if (event.event === 'figures') {
      const wire = JSON.parse(event.data) as WireFigures;
      this.dispatch({ type: 'figures', wire, now: this.now() });
      this.backoff.reset();
    } else if (event.event === 'unavailable') {
      const body = JSON.parse(event.data) as { error?: { message?: string } };
      this.tell(body.error?.message ?? 'the controller is not available');
    }
  }

  private pause(ms: number): Promise<void> {
    if (this.isStopped()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (error instanceof DOMException && error.name === 'AbortError') return 'the stream stalled';
  return 'the controller cannot be reached';
}
