import { Anchor } from '@mantine/core';
import { Link } from 'react-router-dom';
import { pathOf, scopePath } from '../model/scope';
import type { StateLook } from '../model/words';
import { endsOf } from '../live/figures';

export function StateBadge({ look }: { look: StateLook }) {
  return (
    <span className={`state tone-${look.tone}`}>
      <span aria-hidden="true">{look.mark}</span> {look.words}
    </span>
  );
}

export function LinkName({ name }: { name: string }) {
  return (
    <Anchor component={Link} to={pathOf.link(name)} className="mono">
      {name}
    </Anchor>
  );
}

export function NodeName({ name }: { name: string }) {
  return (
    <Anchor component={Link} to={pathOf.node(name)} className="mono">
      {name}
    </Anchor>
  );
}

export function EnclosureName({ name }: { name: string }) {
  return (
    <Anchor component={Link} to={pathOf.enclosure(name)}>
      {name}
    </Anchor>
  );
}

export function ScopeName({ scope }: { scope: string }) {
  const path = scopePath(scope);
  return path ? (
    <Anchor component={Link} to={path} className="mono">
      {scope}
    </Anchor>
  ) : (
    <span className="mono">{scope}</span>
  );
}

// A link's name whose ends lead to their nodes.
export function LinkEnds({ name }: { name: string }) {
  const { src, dst } = endsOf(name);
  return (
    <>
      <NodeName name={src} /> <span aria-label="to">→</span> <NodeName name={dst} />
    </>
  );
}

// A share of 1 as a small bar; the number beside it says the same.
export function Meter({ share }: { share: number | null }) {
  if (share === null) return null;
  return (
    <span className="meter" aria-hidden="true">
      <span style={{ width: `${Math.round(100 * Math.min(1, Math.max(0, share)))}%` }} />
    </span>
  );
}
