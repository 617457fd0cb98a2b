// Scopes as people write them: "fleet", "enclosure:east", "node:a1", "a1>b1".
import type { ScopeKind } from '../api/types';
import { endsOf } from '../live/figures';

export interface Scope {
  kind: ScopeKind;
  name: string;
}

const kName = /^[a-z0-9][a-z0-9-]{0,31}$/;

export function parseScope(text: string): Scope | null {
  if (text === 'fleet') return { kind: 'fleet', name: 'fleet' };
  const match = /^(enclosure|node):(.*)$/.exec(text);
  if (match) {
    const name = match[2] ?? '';
    return kName.test(name) ? { kind: match[1] as ScopeKind, name } : null;
  }
  const { src, dst } = endsOf(text);
  const good = kName.test(src) && kName.test(dst) && src !== dst;
  return good ? { kind: 'link', name: text } : null;
}

// "enclosure east", "link a1>b1": for headings and sentences.
export function scopeWords(text: string): string {
  const scope = parseScope(text);
  if (!scope) return text;
  return scope.kind === 'fleet' ? 'the fleet' : `${scope.kind} ${scope.name}`;
}

export const enclosureScope = (name: string) => `enclosure:${name}`;
export const nodeScope = (name: string) => `node:${name}`;

export const pathOf = {
  link: (name: string) => `/links/${encodeURIComponent(name)}`,
  node: (name: string) => `/nodes/${encodeURIComponent(name)}`,
  enclosure: (name: string) => `/?at=${encodeURIComponent(enclosureScope(name))}`,
  wiring: (text: string) => `/wiring?q=${encodeURIComponent(text)}`,
  quota: (scope: string) => `/quotas/${encodeURIComponent(scope)}`,
};

// Where the console shows this scope.
export function scopePath(text: string): string | null {
  const scope = parseScope(text);
  if (!scope) return null;
  switch (scope.kind) {
    case 'fleet':
      return '/';
    case 'enclosure':
      return pathOf.enclosure(scope.name);
    case 'node':
      return pathOf.node(scope.name);
    case 'link':
      return pathOf.link(scope.name);
  }
}
