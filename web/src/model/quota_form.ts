// The quota form: what is typed, what is sent, and early words about what will be refused.
import type { NewQuota, Quota, ScopeKind } from '../api/types';
import { isAnyRate, isAnyVolume } from './format';
import { parseScope } from './scope';
import {
  exactBytes,
  exactDuration,
  exactRate,
  parseBitRate,
  parseBytes,
  parseDuration,
  type Parsed,
} from './units';

export interface QuotaForm {
  scope: string;
  rate: string;
  burst: string;
  volume: string;
  per: string;
  lease: string;
}
export type FormField = keyof QuotaForm;
export type FieldErrors = Partial<Record<FormField, string>>;

export const kFields: readonly FormField[] = ['scope', 'rate', 'burst', 'volume', 'per', 'lease'];

export const emptyForm = (scope = ''): QuotaForm => ({
  scope,
  rate: '',
  burst: '',
  volume: '',
  per: 'lifetime',
  lease: '',
});

// What the controller takes when no burst is given: see DefaultBurst in src/model/quota.cc.
function defaultBurst(rateBps: number, kind: ScopeKind): number {
  const most = kind === 'link' ? 2 ** 26 : 2 ** 44;
  return Math.min(most, Math.max(2 ** 15, Math.floor((rateBps * 0.04) / 8)));
}

// A burst that is the rate's own is left out, so that it follows the rate.
export function formOf(quota: Quota): QuotaForm {
  return {
    scope: quota.scope,
    rate: isAnyRate(quota.rate_bps) ? '' : exactRate(quota.rate_bps),
    burst:
      quota.burst_bytes === 0 || quota.burst_bytes === defaultBurst(quota.rate_bps, quota.kind)
        ? ''
        : exactBytes(quota.burst_bytes),
    volume: isAnyVolume(quota.volume_bytes) ? '' : exactBytes(quota.volume_bytes),
    per: quota.per,
    lease: exactDuration(quota.lease_s),
  };
}

export function bodyOf(form: QuotaForm): NewQuota {
  const out: NewQuota = {};
  for (const field of ['rate', 'burst', 'volume', 'per', 'lease'] as const) {
    const text = form[field].trim();
    if (text !== '') out[field] = text;
  }
  return out;
}

const kParsers: Record<Exclude<FormField, 'scope'>, (text: string) => Parsed<bigint>> = {
  rate: parseBitRate,
  burst: parseBytes,
  volume: parseBytes,
  per: (text) => (text === 'lifetime' ? { ok: true, value: 0n } : parseDuration(text)),
  lease: parseDuration,
};

function missing(kind: ScopeKind, form: QuotaForm): FieldErrors {
  const noRate = form.rate.trim() === '';
  const noVolume = form.volume.trim() === '';
  if (kind !== 'link') return noRate && noVolume ? { rate: 'give a rate, a volume or both' } : {};
  return {
    ...(noRate ? { rate: 'rate is missing; write for example 100Mbit' } : {}),
    ...(noVolume ? { volume: 'volume is missing; write for example 1GB' } : {}),
  };
}

// Grammar only: bounds are the controller's to know.
export function checkForm(form: QuotaForm): FieldErrors {
  const scope = parseScope(form.scope.trim());
  const errors: FieldErrors = scope
    ? missing(scope.kind, form)
    : { scope: 'write fleet, enclosure:east, node:a1 or a link such as a1>b1' };
  for (const field of ['rate', 'burst', 'volume', 'per', 'lease'] as const) {
    const text = form[field].trim();
    if (text === '') continue;
    const parsed = kParsers[field](text);
    if (!parsed.ok) errors[field] = parsed.message;
  }
  return errors;
}

export function isField(name: string | undefined): name is FormField {
  return name !== undefined && (kFields as readonly string[]).includes(name);
}
