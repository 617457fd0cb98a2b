// What a dry run says, in words.
import type { Change, LinkChange, ScopeSum } from '../api/types';
import { isAnyRate, isAnyVolume } from './format';
import { changeLook, plural } from './words';

const kOrder: Change[] = ['closes', 'recalled', 'opens', 'none'];

// What changes first; the rest keeps its order.
export function byWeight(links: readonly LinkChange[]): LinkChange[] {
  return [...links].sort((a, b) => kOrder.indexOf(a.change) - kOrder.indexOf(b.change));
}

export function touched(links: readonly LinkChange[]): LinkChange[] {
  return links.filter((link) => link.change !== 'none');
}

// "2 links close, 1 link opens", or that nothing does.
export function summary(links: readonly LinkChange[]): string {
  const parts = kOrder
    .filter((change) => change !== 'none')
    .map((change) => ({ change, count: links.filter((l) => l.change === change).length }))
    .filter(({ count }) => count > 0)
    .map(({ change, count }) => `${plural(count, 'link')}: ${changeLook(change).words}`);
  return parts.length > 0 ? parts.join('; ') : 'No link opens or closes and no lease is recalled.';
}

// More is promised to links than the scope has: the links share by fairness.
export function oversubscribed(sum: ScopeSum): boolean {
  return !isAnyRate(sum.rate_bps) && sum.links_rate_bps > sum.rate_bps;
}

// Of the volume: used, outstanding and what is left, as shares of 1; null where not bounded.
export function volumeShares(sum: ScopeSum): { used: number; outstanding: number } | null {
  if (isAnyVolume(sum.volume_bytes) || sum.volume_bytes <= 0) return null;
  const used = Math.min(1, sum.used_bytes / sum.volume_bytes);
  const outstanding = Math.min(1 - used, sum.outstanding_bytes / sum.volume_bytes);
  return { used, outstanding };
}
