// Figures for people, by the browser's locale. null is what nobody knows: it never reads as zero.

export const kUnknown = '–';

let locale: string | undefined;

// For tests: the browser's own otherwise.
export function setLocale(name: string | undefined): void {
  locale = name;
  numbers.clear();
}

const numbers = new Map<string, Intl.NumberFormat>();

function number(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, options);
    numbers.set(key, format);
  }
  return format;
}

// At most four digits, as sluicectl shows them.
function scaled(value: number, units: readonly string[]): string {
  let i = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.95 && i + 1 < units.length) {
    rest /= 1000;
    i += 1;
  }
  const maximumFractionDigits = i === 0 ? 0 : rest >= 100 ? 1 : 2;
  return `${number({ maximumFractionDigits }).format(rest)} ${units[i] ?? ''}`;
}

const kRates = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s', 'Pbit/s'] as const;
const kBytes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
// What the controller shows for "not bounded": see src/model/quota.h.
const kAnyRate = 1e15;
const kAnyVolume = 2 ** 62;

export const isAnyRate = (bps: number): boolean => bps >= kAnyRate;
export const isAnyVolume = (bytes: number): boolean => bytes >= kAnyVolume;

export function rateText(bps: number | null | undefined): string {
  return bps === null || bps === undefined ? kUnknown : scaled(bps, kRates);
}

export function bytesText(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? kUnknown : scaled(bytes, kBytes);
}

export const boundRate = (bps: number): string => (isAnyRate(bps) ? 'any' : rateText(bps));
export const boundBytes = (bytes: number): string =>
  isAnyVolume(bytes) ? 'any' : bytesText(bytes);

export function countText(value: number | null | undefined): string {
  return value === null || value === undefined ? kUnknown : number({}).format(value);
}

export function perSecondText(value: number | null | undefined): string {
  if (value === null || value === undefined) return kUnknown;
  return `${number({ maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)}/s`;
}

export function percentText(share: number | null | undefined): string {
  if (share === null || share === undefined) return kUnknown;
  return number({ style: 'percent', maximumFractionDigits: 0 }).format(share);
}

type TimeUnit = 'day' | 'hour' | 'minute' | 'second' | 'millisecond';

function inUnit(value: number, unit: TimeUnit, maximumFractionDigits: number): string {
  return number({
    style: 'unit',
    unit,
    unitDisplay: 'short',
    minimumFractionDigits: maximumFractionDigits === 1 ? 1 : 0,
    maximumFractionDigits,
  }).format(value);
}

// Two units at most: "1 hr 30 min", "17.5 sec", "4.1 ms".
export function durationText(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return kUnknown;
  if (seconds > 0 && seconds < 1)
    return inUnit(seconds * 1000, 'millisecond', seconds < 0.01 ? 1 : 0);
  if (seconds < 60) return inUnit(seconds, 'second', seconds < 10 ? 1 : 0);
  if (seconds < 3600) return twoUnits(seconds, ['minute', 60], ['second', 1]);
  if (seconds < 86_400) return twoUnits(seconds, ['hour', 3600], ['minute', 60]);
  return twoUnits(seconds, ['day', 86_400], ['hour', 3600]);
}

// A round trip, which is microseconds on a cable.
export function roundTripText(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return kUnknown;
  if (seconds >= 1e-3) return durationText(seconds);
  const maximumFractionDigits = seconds < 1e-5 ? 1 : 0;
  return `${number({ maximumFractionDigits }).format(seconds * 1e6)} µs`;
}

type Step = readonly [TimeUnit, number];

function twoUnits(seconds: number, [big, bigS]: Step, [small, smallS]: Step): string {
  const whole = Math.floor(seconds / bigS);
  const rest = Math.floor((seconds - whole * bigS) / smallS);
  const words = inUnit(whole, big, 0);
  return rest === 0 ? words : `${words} ${inUnit(rest, small, 0)}`;
}

export function timeText(ms: number): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }).format(ms);
}

export function dateTimeText(ms: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(ms);
}
