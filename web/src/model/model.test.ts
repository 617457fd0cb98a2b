import { describe, expect, it } from 'vitest';
import type { FleetEvent, LinkChange, Quota } from '../api/types';
import { byWeight, oversubscribed, summary, touched } from './dry_run';
import { mergeEvents } from './events';
import { bodyOf, checkForm, emptyForm, formOf } from './quota_form';
import { parseScope, scopePath, scopeWords } from './scope';

describe('scopes', () => {
  it('are read as the controller reads them', () => {
    expect(parseScope('fleet')).toEqual({ kind: 'fleet', name: 'fleet' });
    expect(parseScope('enclosure:east')).toEqual({ kind: 'enclosure', name: 'east' });
    expect(parseScope('a1>b1')).toEqual({ kind: 'link', name: 'a1>b1' });
    for (const bad of ['', 'a1', 'Fleet', 'node:', 'node:A1', 'a1>', '>b1', 'a1>a1', 'a>b>c'])
      expect(parseScope(bad), bad).toBeNull();
  });

  it('have a page and words', () => {
    expect(scopePath('a1>b1')).toBe('/links/a1%3Eb1');
    expect(scopePath('enclosure:east')).toBe('/?at=enclosure%3Aeast');
    expect(scopePath('what is this')).toBeNull();
    expect(scopeWords('node:a1')).toBe('node a1');
  });
});

const kQuota: Quota = {
  scope: 'a1>b1',
  kind: 'link',
  link: 'a1>b1',
  rate_bps: 100_000_000,
  burst_bytes: 500_000,
  volume_bytes: 1_000_000_000,
  per: '24h',
  window_s: 86_400,
  lease_s: 30,
  version: 1,
};

describe('the quota form', () => {
  it('shows a quota as people write it, a default burst not at all', () => {
    const form = formOf(kQuota);
    expect(form).toEqual({
      scope: 'a1>b1',
      rate: '100Mbit',
      burst: '',
      volume: '1GB',
      per: '24h',
      lease: '30s',
    });
    expect(formOf({ ...kQuota, burst_bytes: 65_536 }).burst).toBe('64KiB');
    expect(bodyOf(form)).toEqual({ rate: '100Mbit', volume: '1GB', per: '24h', lease: '30s' });
  });

  it('shows what is not bounded as empty', () => {
    const any = { ...kQuota, scope: 'fleet', kind: 'fleet' as const, volume_bytes: 2 ** 62 };
    expect(formOf(any).volume).toBe('');
  });

  it('says what is wrong at the field', () => {
    expect(checkForm(formOf(kQuota))).toEqual({});
    expect(Object.keys(checkForm(emptyForm('a1>b1')))).toEqual(['rate', 'volume']);
    expect(Object.keys(checkForm(emptyForm('fleet')))).toEqual(['rate']);
    expect(Object.keys(checkForm({ ...emptyForm(''), per: 'x' }))).toEqual(['scope', 'per']);
    expect(checkForm({ ...formOf(kQuota), volume: '1Gbit' }).volume).toContain('in bits');
  });
});

const change = (link: string, what: LinkChange['change']): LinkChange => ({
  link,
  state: 'open',
  leased_rate_bps: 1,
  change: what,
  text: '',
});

describe('a dry run', () => {
  const links = [change('a>b', 'none'), change('c>d', 'opens'), change('e>f', 'closes')];

  it('puts what closes first', () => {
    expect(byWeight(links).map((one) => one.change)).toEqual(['closes', 'opens', 'none']);
    expect(touched(links)).toHaveLength(2);
  });

  it('is summed up in words', () => {
    expect(summary(links)).toBe('1 link: closes; 1 link: opens');
    expect(summary([])).toMatch(/^No link/);
  });

  it('sees where links were promised more than there is', () => {
    const sum = {
      scope: 'fleet',
      rate_bps: 10,
      leased_rate_bps: 0,
      links_rate_bps: 11,
      volume_bytes: 0,
      used_bytes: 0,
      outstanding_bytes: 0,
    };
    expect(oversubscribed(sum)).toBe(true);
    expect(oversubscribed({ ...sum, rate_bps: 1e15, links_rate_bps: 2e15 })).toBe(false);
  });
});

const event = (id: number): FleetEvent => ({
  id,
  at_ms: id,
  kind: 'fault',
  severity: 'info',
  subject: 'fleet',
  text: '',
});
const ids = (events: FleetEvent[]) => events.map(({ id }) => id);

describe('mergeEvents', () => {
  it('joins pages without doubles, newest first', () => {
    const { events, gap } = mergeEvents([event(3), event(2)], [event(4), event(3)], true);
    expect([ids(events), gap]).toEqual([[4, 3, 2], false]);
    expect(ids(mergeEvents([event(3)], [event(2), event(1)], false).events)).toEqual([3, 2, 1]);
  });

  it('lets go of what is older than a hole', () => {
    const { events, gap } = mergeEvents([event(3)], [event(9), event(8)], true);
    expect([ids(events), gap]).toEqual([[9, 8], true]);
  });
});
