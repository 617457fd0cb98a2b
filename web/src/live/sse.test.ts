import { describe, expect, it } from 'vitest';
import { SseParser, type SseEvent } from './sse';

const kText =
  '\uFEFF: hello\r\nevent: fleet\r\ndata: {"a":1}\r\n\r\n' +
  'data: one\ndata:two\nid: 7\n\nevent: empty\n\nevent: figures\rdata: {"ü":"→"}\r\rdata\n\n';
const kEvents: SseEvent[] = [
  { event: 'fleet', data: '{"a":1}' },
  { event: 'message', data: 'one\ntwo' },
  { event: 'figures', data: '{"ü":"→"}' },
  { event: 'message', data: '' },
];

function parse(pieces: string[]): SseEvent[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

describe('SseParser', () => {
  it('reads events in one piece', () => {
    expect(parse([kText])).toEqual(kEvents);
  });

  it('reads events cut at any one place', () => {
    for (let cut = 0; cut <= kText.length; cut++)
      expect(parse([kText.slice(0, cut), kText.slice(cut)]), `cut at ${cut}`).toEqual(kEvents);
  });

  it('reads events character by character', () => {
    expect(parse(kText.split(''))).toEqual(kEvents);
  });

  it('reads bytes cut inside a character', () => {
    const bytes = new TextEncoder().encode(kText);
    const decoder = new TextDecoder();
    const parser = new SseParser();
    const out: SseEvent[] = [];
    for (const byte of bytes)
      out.push(...parser.push(decoder.decode(new Uint8Array([byte]), { stream: true })));
    expect(out).toEqual(kEvents);
  });

  it('keeps an event that is not finished to itself', () => {
    expect(parse(['event: figures\ndata: {}\n'])).toEqual([]);
  });
});
