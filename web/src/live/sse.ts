// Server-sent events from text that may be cut anywhere.

export interface SseEvent {
  event: string;
  data: string;
}

export class SseParser {
  private rest = '';
  private event = '';
  private data: string[] = [];
  private start = true;

  push(text: string): SseEvent[] {
    this.rest += text;
    if (this.start && this.rest.length > 0) {
      if (this.rest.startsWith('\uFEFF')) this.rest = this.rest.slice(1);
      this.start = false;
    }
    const out: SseEvent[] = [];
    for (let line = this.takeLine(); line !== null; line = this.takeLine()) {
      const done = this.takeField(line);
      if (done) out.push(done);
    }
    return out;
  }

  // A CR at the very end waits: the LF that belongs to it may come with the next piece.
  private takeLine(): string | null {
    const end = this.rest.search(/[\r\n]/);
    if (end < 0) return null;
    const cr = this.rest[end] === '\r';
    if (cr && end + 1 === this.rest.length) return null;
    const length = cr && this.rest[end + 1] === '\n' ? 2 : 1;
    const line = this.rest.slice(0, end);
    this.rest = this.rest.slice(end + length);
    return line;
  }

  private takeField(line: string): SseEvent | null {
    if (line === '') return this.finish();
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.event = value;
    else if (name === 'data') this.data.push(value);
    return null;
  }

  private finish(): SseEvent | null {
    const { event, data } = this;
    this.event = '';
    this.data = [];
    return data.length > 0 ? { event: event || 'message', data: data.join('\n') } : null;
  }
}
