// The fake controller's answers, apart from the stream.
import type { LinkChange, Quota, QuotaDryRun, Revocation } from '../src/api/types';
import { parseScope } from '../src/model/scope';
import { parseBitRate, parseBytes, parseDuration, type Parsed } from '../src/model/units';
import type { FakeFleet } from './fake_fleet';
import { linkHistory, nodeHistory } from './fake_past';

export interface Answer {
  status: number;
  body: unknown;
}
type Body = Record<string, string>;

const ok = (body: unknown): Answer => ({ status: 200, body });
const refuse = (status: number, message: string, field?: string): Answer => ({
  status,
  body: { error: { code: 'invalid_argument', message, ...(field ? { field } : {}) } },
});

const found = (body: unknown, what: string): Answer =>
  body === null ? refuse(404, `there is no ${what}`) : ok(body);

export function answer(fleet: FakeFleet, method: string, url: URL, body: Body): Answer {
  const [, , , collection, name = '', verb = ''] = url.pathname.split('/').map(decodeURIComponent);
  const dryRun = url.searchParams.get('dry_run') === '1';
  const now = Date.now();
  switch (`${method} ${collection ?? ''}`) {
    case 'GET status':
      return ok({ fleet: 'lab', version: '0.1.0-fake' });
    case 'GET nodes':
      if (verb === 'history') return found(nodeHistory(fleet, name, now), `node ${name}`);
      return ok({ nodes: fleet.nodes });
    case 'POST nodes':
      return readmit(fleet, name);
    case 'GET quotas':
      return ok({ quotas: fleet.quotaUses() });
    case 'PUT quotas':
      return putQuota(fleet, name, body, dryRun);
    case 'DELETE quotas':
      return deleteQuota(fleet, name, dryRun);
    case 'GET links':
      if (verb === 'history') return found(linkHistory(fleet, name, now), `link ${name}`);
      return linkAnswer(fleet, name, now);
    case 'GET topology':
      return ok(fleet.wiring.topology(url.searchParams.get('findings') !== '1'));
    case 'GET plans':
      if (name === '') return ok({ plans: fleet.wiring.plans() });
      return ok({ version: Number(name), plan: fleet.wiring.text() });
    case 'GET events':
      return events(fleet, url.searchParams);
    case 'GET revocations':
      return ok({
        revocations: fleet.revocations.map((r) => progress(r, now)),
        stops: fleet.stops,
      });
    case 'POST scopes':
      return verb === 'revoke' ? revoke(fleet, name, body, dryRun) : restore(fleet, name);
    default:
      return refuse(404, `no ${method} ${url.pathname}`);
  }
}

function linkAnswer(fleet: FakeFleet, name: string, now: number): Answer {
  const link = fleet.linkInfo(name, now);
  return link ? ok({ link }) : refuse(404, `there is no link ${name}`);
}

function readmit(fleet: FakeFleet, name: string): Answer {
  const node = fleet.nodes.find((one) => one.name === name);
  if (!node) return refuse(404, `there is no node ${name}`);
  node.state = 'online';
  node.tamper = null;
  fleet.addEvent('readmitted', 'info', `node:${name}`, 'readmitted by the operator');
  return ok({ readmitted: name });
}

function changes(fleet: FakeFleet, scope: string, change: LinkChange['change']): LinkChange[] {
  return fleet.inScope(scope).map((link) => ({
    link: link.name,
    state: link.state,
    leased_rate_bps: link.state === 'open' ? link.rate : 0,
    change: link.state === 'open' || change === 'opens' ? change : 'none',
    text: `its lease of ${link.rate} bit/s: ${change}`,
  }));
}

function quotaFrom(fleet: FakeFleet, scope: string, body: Body): Quota | Answer {
  const kind = parseScope(scope)?.kind;
  if (!kind) return refuse(400, `scope: ${scope} is no scope`, 'scope');
  const read = (field: string, parse: (t: string) => Parsed<bigint>, otherwise: number) => {
    const text = body[field];
    if (text === undefined) return otherwise;
    const parsed = parse(text);
    return parsed.ok ? Number(parsed.value) : NaN;
  };
  const rate = read('rate', parseBitRate, 1e15);
  if (rate < 8000)
    return refuse(400, `rate: ${rate}bit is too small; write 8kbit to 400Gbit`, 'rate');
  const per = body['per'] ?? 'lifetime';
  return {
    scope,
    kind,
    link: kind === 'link' ? scope : null,
    rate_bps: rate,
    burst_bytes: read('burst', parseBytes, 500_000),
    volume_bytes: read('volume', parseBytes, 2 ** 62),
    per,
    window_s: per === 'lifetime' ? null : read('per', parseDuration, 0) / 1e9,
    lease_s: read('lease', parseDuration, 30e9) / 1e9,
    version: (fleet.quotas.get(scope)?.version ?? 0) + 1,
  };
}

function putQuota(fleet: FakeFleet, scope: string, body: Body, dryRun: boolean): Answer {
  const quota = quotaFrom(fleet, scope, body);
  if ('status' in quota) return quota;
  const before = fleet.quotas.get(scope) ?? null;
  if (!dryRun) {
    fleet.quotas.set(scope, quota);
    fleet.addEvent(
      'quota_set',
      'info',
      scope,
      `rate ${quota.rate_bps}, volume ${quota.volume_bytes}`,
    );
    return ok({ quota });
  }
  const lower = before !== null && quota.rate_bps < before.rate_bps;
  const result: QuotaDryRun = {
    quota,
    before,
    links: changes(fleet, scope, before ? (lower ? 'recalled' : 'none') : 'opens').slice(0, 5000),
    sums: [
      {
        scope,
        rate_bps: quota.rate_bps,
        leased_rate_bps: 1e8,
        links_rate_bps: 2 * quota.rate_bps,
        volume_bytes: quota.volume_bytes,
        used_bytes: 1e9,
        outstanding_bytes: 1e8,
      },
    ],
    notes: ['what has been used stays used'],
  };
  return ok(result);
}

function deleteQuota(fleet: FakeFleet, scope: string, dryRun: boolean): Answer {
  const before = fleet.quotas.get(scope);
  if (!before) return refuse(404, `there is no quota on ${scope}`);
  if (dryRun)
    return ok({ quota: null, before, links: changes(fleet, scope, 'closes'), sums: [], notes: [] });
  fleet.quotas.delete(scope);
  fleet.addEvent('quota_deleted', 'info', scope, 'deleted by the operator');
  return ok({ deleted: scope });
}

function revoke(fleet: FakeFleet, scope: string, body: Body, dryRun: boolean): Answer {
  if (!parseScope(scope)) return refuse(400, 'no such scope', 'scope');
  const links = changes(fleet, scope, 'closes');
  if (dryRun) return ok({ scope, links, notes: [] });
  const ends = fleet
    .inScope(scope)
    .filter((link) => link.state === 'open')
    .flatMap((link) =>
      (['send', 'receive'] as const).map((role) => ({
        link: link.name,
        role,
        node: role === 'send' ? link.src : link.dst,
        silent_after_s: null,
        by_expiry: false,
        silent_within_s: 29,
      })),
    );
  for (const link of fleet.inScope(scope)) if (link.state === 'open') link.state = 'revoked';
  const id = (fleet.revocations[0]?.id ?? 0) + 1;
  const reason = body['reason'] ?? '';
  fleet.revocations.unshift({
    id,
    scope,
    reason,
    age_s: 0,
    silent: false,
    silent_after_s: null,
    ends,
    atMs: Date.now(),
  });
  if (!scope.includes('>')) fleet.stops.push({ scope, reason });
  fleet.addEvent('revoked', 'warning', scope, reason || 'by the operator');
  return ok({ revoked: scope, revocation: id });
}

// The ends fall silent one after another, within a second.
function progress(one: Revocation & { atMs: number }, now: number): Revocation {
  const age_s = (now - one.atMs) / 1000;
  const ends = one.ends.map((end, i) => {
    const after = 0.0041 + (i % 8) * 0.11;
    return age_s < after ? end : { ...end, silent_after_s: after, silent_within_s: null };
  });
  const silent = ends.every((end) => end.silent_after_s !== null);
  const most = Math.max(0, ...ends.map((end) => end.silent_after_s ?? 0));
  const { id, scope, reason } = one;
  return { id, scope, reason, age_s, silent, silent_after_s: silent ? most : null, ends };
}

function restore(fleet: FakeFleet, scope: string): Answer {
  fleet.stops = fleet.stops.filter((stop) => stop.scope !== scope);
  for (const link of fleet.inScope(scope)) if (link.state === 'revoked') link.state = 'open';
  fleet.addEvent('restored', 'info', scope, 'by the operator');
  return ok({ restored: scope });
}

function events(fleet: FakeFleet, query: URLSearchParams): Answer {
  const before = Number(query.get('before') ?? Infinity);
  const limit = Number(query.get('limit') ?? 200);
  const kinds = query.get('kind')?.split(',') ?? [];
  const subject = query.get('subject') ?? '';
  const node = subject.startsWith('node:') ? subject.slice(5) : null;
  const fits = fleet.events.filter(
    (event) =>
      event.id < before &&
      (kinds.length === 0 || kinds.includes(event.kind)) &&
      (subject === '' ||
        event.subject === subject ||
        (node !== null && event.subject.split('>').includes(node))),
  );
  return ok({ events: fits.slice(0, limit), more: fits.length > limit });
}
