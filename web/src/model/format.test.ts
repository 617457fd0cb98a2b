import { describe, expect, it } from 'vitest';
import { boundRate, bytesText, durationText, perSecondText, rateText, setLocale } from './format';

describe('figures for people', () => {
  it('scale', () => {
    expect(rateText(100_000_000)).toBe('100 Mbit/s');
    expect(rateText(999_999)).toBe('1 Mbit/s');
    expect(rateText(12)).toBe('12 bit/s');
    expect(bytesText(1_234_567_890)).toBe('1.23 GB');
    expect(perSecondText(12.34)).toBe('12/s');
  });

  it('never make a number of what is not known', () => {
    for (const text of [rateText, bytesText, perSecondText, durationText])
      expect([text(null), text(undefined)]).toEqual(['–', '–']);
    expect(durationText(Infinity)).toBe('–');
  });

  it('are in two units at most', () => {
    expect(durationText(17.5)).toBe('18 secs');
    expect(durationText(0.0041)).toBe('4.1 ms');
    expect(durationText(90)).toBe('1 min 30 secs');
    expect(durationText(5400)).toBe('1 hr 30 mins');
    expect(durationText(86_400)).toBe('1 day');
  });

  it('say what is not bounded', () => expect(boundRate(1e15)).toBe('any'));

  it('follow the locale', () => {
    setLocale('de');
    expect(rateText(1_230_000)).toBe('1,23 Mbit/s');
    setLocale('en-GB');
  });
});
