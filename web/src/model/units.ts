// Quantities as people write them: the grammar of src/base/units.h. This is for early words at
// the field only; the controller judges.

export type Parsed<T> = { ok: true; value: T } | { ok: false; message: string };

interface Unit {
  name: string;
  factor: bigint;
  decimal: boolean;
}

const kNsPerSecond = 1_000_000_000n;
const kMaxDigits = 20;
const kU64Max = (1n << 64n) - 1n;
const kMaxDurationNs = 24n * 36_525n * 3600n * kNsPerSecond;

const decimal = (name: string, power: number): Unit => ({
  name,
  factor: 10n ** BigInt(power),
  decimal: true,
});

const kRateUnits: Unit[] = ['bit', 'kbit', 'Mbit', 'Gbit', 'Tbit'].map((name, i) =>
  decimal(name, 3 * i),
);
const kByteUnits: Unit[] = [
  ...['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'].map((name, i) => decimal(name, 3 * i)),
  ...['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'].map((name, i) => ({
    name,
    factor: 1n << BigInt(10 * (i + 1)),
    decimal: false,
  })),
];
const kTimeUnits: Unit[] = [
  { name: 'd', factor: 86_400n * kNsPerSecond, decimal: false },
  { name: 'h', factor: 3_600n * kNsPerSecond, decimal: false },
  { name: 'm', factor: 60n * kNsPerSecond, decimal: false },
  { name: 's', factor: kNsPerSecond, decimal: true },
  { name: 'ms', factor: 1_000_000n, decimal: true },
  { name: 'us', factor: 1_000n, decimal: true },
  { name: 'ns', factor: 1n, decimal: true },
];

interface Kind {
  what: string;
  examples: string;
}
const kRate: Kind = { what: 'rate', examples: 'write for example 100Mbit, 1.5Gbit or 8kbit' };
const kVolume: Kind = { what: 'volume', examples: 'write for example 1GB, 512KiB or 1500B' };
const kTime: Kind = { what: 'duration', examples: 'write for example 30s, 500ms, 24h or 1h30m' };

function bad(kind: Kind, text: string, problem: string): { ok: false; message: string } {
  return { ok: false, message: `${kind.what} "${text}" ${problem}; ${kind.examples}` };
}

interface Decimal {
  digits: bigint;
  scale: number;
  rest: string;
}

function takeNumber(kind: Kind, text: string, from: string): Parsed<Decimal> {
  if (from === '') return bad(kind, text, 'is empty');
  if (from.startsWith('-')) return bad(kind, text, 'is negative');
  const number = /^[0-9.]*/.exec(from)?.[0] ?? '';
  const match = /^([0-9]+)(?:\.([0-9]+))?$/.exec(number);
  if (!match) return bad(kind, text, 'does not start with a decimal number');
  const whole = (match[1] ?? '').replace(/^0+/, '');
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  const digits = BigInt(`0${whole}${fraction}`);
  if (whole.length + fraction.length > kMaxDigits || digits > kU64Max)
    return bad(kind, text, 'has more digits than fit');
  return { ok: true, value: { digits, scale: fraction.length, rest: from.slice(number.length) } };
}

function scale(
  kind: Kind,
  text: string,
  number: Decimal,
  unit: Unit,
  smallest: string,
): Parsed<bigint> {
  const product = number.digits * unit.factor;
  const divisor = 10n ** BigInt(number.scale);
  if (product % divisor !== 0n) return bad(kind, text, `is not a whole number of ${smallest}`);
  const value = product / divisor;
  if (value > kU64Max) return bad(kind, text, 'is too large');
  return { ok: true, value };
}

// "Mbit", "mbit", "Mbit/s" and "Mbps" all mean Mbit; "MB" and "Mb" do not.
function findRateUnit(name: string): Unit | undefined {
  const base = name.replace(/bit\/s$/, 'bit').replace(/bps$/, 'bit');
  return kRateUnits.find(
    (unit) =>
      unit.name === base ||
      (unit.name.length === 4 &&
        base.length === 4 &&
        base.endsWith('bit') &&
        base[0]?.toLowerCase() === unit.name[0]?.toLowerCase()),
  );
}

// The prefix in either case ("kB"), the B only as a capital: "b" reads as bit.
function findByteUnit(name: string): Unit | undefined {
  if (name === '') return kByteUnits[0];
  if (name === 'b') return undefined;
  return kByteUnits.find(
    (unit) => unit.name[0] === name[0]?.toUpperCase() && unit.name.slice(1) === name.slice(1),
  );
}

export function parseBitRate(text: string): Parsed<bigint> {
  const number = takeNumber(kRate, text, text);
  if (!number.ok) return number;
  const { rest } = number.value;
  if (rest === '') return bad(kRate, text, 'has no unit');
  const unit = findRateUnit(rest);
  if (unit) return scale(kRate, text, number.value, unit, 'bit/s');
  const bytes = rest.includes('B');
  return bad(kRate, text, bytes ? 'is in bytes; rates are in bit/s' : 'has an unknown unit');
}

export function parseBytes(text: string): Parsed<bigint> {
  const number = takeNumber(kVolume, text, text);
  if (!number.ok) return number;
  const { rest } = number.value;
  const unit = findByteUnit(rest);
  if (unit) return scale(kVolume, text, number.value, unit, 'bytes');
  const bits = rest.endsWith('bit') || rest.endsWith('b');
  return bad(kVolume, text, bits ? 'is in bits; volumes are in bytes' : 'has an unknown unit');
}

// In nanoseconds.
export function parseDuration(text: string): Parsed<bigint> {
  let rest = text;
  let sum = 0n;
  let nextUnit = 0;
  do {
    const number = takeNumber(kTime, text, rest);
    if (!number.ok) return number;
    const name = /^[a-zA-Z]*/.exec(number.value.rest)?.[0] ?? '';
    if (name === '' && number.value.rest === '') return bad(kTime, text, 'has no unit');
    const index = kTimeUnits.findIndex((unit) => unit.name === name);
    const unit = kTimeUnits[index];
    if (!unit) return bad(kTime, text, 'has an unknown unit');
    if (index < nextUnit) return bad(kTime, text, 'does not go from large units to small ones');
    nextUnit = index + 1;
    rest = number.value.rest.slice(name.length);
    const ns = scale(kTime, text, number.value, unit, 'nanoseconds');
    if (!ns.ok) return ns;
    sum += ns.value;
    if (sum > kMaxDurationNs) return bad(kTime, text, 'is longer than 100 years');
  } while (rest !== '');
  if (sum === 0n) return bad(kTime, text, 'is zero');
  return { ok: true, value: sum };
}

// The value in this unit, or "" where that is not exact or begins with 0.
function inUnit(value: bigint, unit: Unit): string {
  const whole = value / unit.factor;
  const rest = value % unit.factor;
  if (whole === 0n && unit.factor !== 1n) return '';
  if (rest === 0n) return `${whole}${unit.name}`;
  if (!unit.decimal) return '';
  // Adding the factor keeps the fraction's leading zeros; its own 1 is cut off.
  const fraction = (unit.factor + rest).toString().slice(1).replace(/0+$/, '');
  return `${whole}.${fraction}${unit.name}`;
}

function shortest(value: bigint, units: Unit[]): string {
  let best = '';
  for (const unit of units) {
    const text = inUnit(value, unit);
    if (text !== '' && (best === '' || text.length < best.length)) best = text;
  }
  return best;
}

// The shortest text that the controller reads as the same value ("100Mbit", "1GB").
export const exactRate = (bps: number): string => shortest(BigInt(bps), kRateUnits);
export const exactBytes = (bytes: number): string => shortest(BigInt(bytes), kByteUnits);

export function exactDuration(seconds: number): string {
  const ns = BigInt(Math.round(seconds * 1e9));
  if (ns === 0n) return '0s';
  // A single day is "24h": that is how people name the window.
  const unit = kTimeUnits.find(
    ({ name, factor }) => ns % factor === 0n && !(name === 'd' && ns === factor),
  );
  return unit ? `${ns / unit.factor}${unit.name}` : '';
}
