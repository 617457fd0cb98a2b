import type { Stop } from '../api/types';
import type { Fleet } from '../live/figures';
import { endsOf } from '../live/figures';
import { enclosureScope, nodeScope } from './scope';

// The stopped scopes around a link: as long as there is one, to restore the link alone is in vain.
export function stopsAround(
  link: string,
  stops: readonly Stop[] | undefined,
  fleet: Fleet | null,
): Stop[] {
  const { src, dst } = endsOf(link);
  const around = new Set(['fleet', nodeScope(src), nodeScope(dst)]);
  for (const name of [src, dst]) {
    const node = fleet?.nodes[fleet.nodeIndex.get(name) ?? -1];
    if (node) around.add(enclosureScope(node.enclosure));
  }
  return stops?.filter((stop) => around.has(stop.scope)) ?? [];
}
