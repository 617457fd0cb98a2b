import { describe, expect, it } from 'vitest';
import {
  exactBytes,
  exactDuration,
  exactRate,
  parseBitRate,
  parseBytes,
  parseDuration,
  type Parsed,
} from './units';

const value = (parsed: Parsed<bigint>) => (parsed.ok ? parsed.value : parsed.message);

describe('parseBitRate', () => {
  it.each([
    ['100Mbit', 100_000_000n],
    ['1.5Gbit', 1_500_000_000n],
    ['8kbit', 8_000n],
    ['250000bit', 250_000n],
    ['100mbit/s', 100_000_000n],
    ['1Gbps', 1_000_000_000n],
    ['0.0000000001Tbit', 100n],
  ])('%s', (text, bps) => expect(value(parseBitRate(text))).toBe(bps));

  it.each([
    ['', 'is empty'],
    ['-1Mbit', 'is negative'],
    ['100', 'has no unit'],
    ['100MB', 'is in bytes'],
    ['100Mb', 'unknown unit'],
    ['1.5bit', 'not a whole number'],
    ['.5Mbit', 'decimal number'],
    ['1.Mbit', 'decimal number'],
    ['1.2.3Mbit', 'decimal number'],
    ['99999999Tbit', 'is too large'],
    ['999999999999999999999bit', 'more digits'],
  ])('refuses %s', (text, words) => expect(value(parseBitRate(text))).toContain(words));
});

describe('parseBytes', () => {
  it.each([
    ['1GB', 1_000_000_000n],
    ['512KiB', 524_288n],
    ['512kiB', 524_288n],
    ['1500B', 1500n],
    ['1500', 1500n],
    ['4EiB', 1n << 62n],
    ['0.5KiB', 512n],
  ])('%s', (text, bytes) => expect(value(parseBytes(text))).toBe(bytes));

  it.each([
    ['1b', 'is in bits'],
    ['1Gbit', 'is in bits'],
    ['1gigabyte', 'unknown unit'],
    ['0.3KiB', 'not a whole number'],
    ['99EB', 'is too large'],
  ])('refuses %s', (text, words) => expect(value(parseBytes(text))).toContain(words));
});

describe('parseDuration', () => {
  it.each([
    ['30s', 30_000_000_000n],
    ['500ms', 500_000_000n],
    ['1h30m', 5_400_000_000_000n],
    ['24h', 86_400_000_000_000n],
    ['7d', 604_800_000_000_000n],
    ['1.5s', 1_500_000_000n],
  ])('%s', (text, ns) => expect(value(parseDuration(text))).toBe(ns));

  it.each([
    ['30', 'has no unit'],
    ['30x', 'unknown unit'],
    ['1m1h', 'from large units to small'],
    ['1s1s', 'from large units to small'],
    ['0s', 'is zero'],
    ['40000d', '100 years'],
  ])('refuses %s', (text, words) => expect(value(parseDuration(text))).toContain(words));
});

describe('exact texts', () => {
  it('are the shortest that read back the same', () => {
    expect(exactRate(100_000_000)).toBe('100Mbit');
    expect(exactRate(1_500_000_000)).toBe('1.5Gbit');
    expect(exactBytes(1_000_000_000)).toBe('1GB');
    expect(exactBytes(524_288)).toBe('512KiB');
    expect(exactBytes(1)).toBe('1B');
    expect(exactDuration(30)).toBe('30s');
    expect(exactDuration(86_400)).toBe('24h');
    expect(exactDuration(172_800)).toBe('2d');
    expect(exactDuration(0.5)).toBe('500ms');
    for (const bytes of [1, 999, 1023, 1024, 1_048_577, 123_456_789])
      expect(value(parseBytes(exactBytes(bytes)))).toBe(BigInt(bytes));
  });
});
