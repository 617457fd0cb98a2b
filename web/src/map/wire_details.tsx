import { Anchor, Text } from '@mantine/core';
import { Link } from 'react-router-dom';
import type { Wire } from '../api/wiring_types';
import { rateText, roundTripText } from '../model/format';
import { pathOf } from '../model/scope';
import { cableName, sinceText } from '../model/wiring';
import { plural, wireVerdicts } from '../model/words';
import { Facts } from '../ui/page';
import { PortName, VerdictBadge } from '../ui/wires';
import { wiresBehind, type WireMap } from './wires';

const kMostListed = 100;

// What stands behind a switch or a wire of the map.
export function WireDetails({ id, map }: { id: string; map: WireMap }) {
  const wires = (wiresBehind(map, id) ?? []).flatMap((i) => map.topology.wires?.[i] ?? []);
  const [first] = wires;
  return (
    <div data-old={map.old || undefined}>
      <div className="figures">
        {map.old && <Text size="xs">As it was before the stream came back.</Text>}
        {id.startsWith('seen:') && <strong>Observed, but not in the plan</strong>}
        {id.startsWith('wire:') && first && <OneWire wire={first} atMs={map.atMs} />}
        {!id.startsWith('wire:') && <Bundle id={id} wires={wires} />}
      </div>
    </div>
  );
}

function OneWire({ wire, atMs }: { wire: Wire; atMs: number }) {
  return (
    <>
      <PortName name={wire.a} /> -- <PortName name={wire.b} />{' '}
      <VerdictBadge verdict={wire.verdict} />
      <Facts
        facts={[
          ['Evidence', wire.evidence || '–'],
          ['Since', sinceText(atMs, wire.since_s)],
          ['Round trip', roundTripText(wire.rtt_s)],
          ['At most', roundTripText(wire.max_rtt_s)],
          ['Speed', rateText(wire.speed_bps)],
          [`${wire.a} sees`, wire.a_sees || 'nothing'],
          [`${wire.b} sees`, wire.b_sees || 'nothing'],
        ]}
      />
      <Anchor component={Link} to={pathOf.wiring(cableName(wire))} size="sm">
        In the table
      </Anchor>
    </>
  );
}

function Bundle({ id, wires }: { id: string; wires: Wire[] }) {
  const worstFirst = [...wires].sort(
    (x, y) => wireVerdicts.indexOf(x.verdict) - wireVerdicts.indexOf(y.verdict),
  );
  return (
    <>
      {id.startsWith('switch:') && <strong>switch {id.slice('switch:'.length)} · </strong>}
      {id.startsWith('seen:') ? ' · said by ' : ''}
      {plural(wires.length, 'wire')}
      <ul>
        {worstFirst.slice(0, kMostListed).map((wire) => (
          <li key={cableName(wire)}>
            <Anchor component={Link} to={pathOf.wiring(cableName(wire))} className="mono">
              {cableName(wire)}
            </Anchor>{' '}
            <VerdictBadge verdict={wire.verdict} />
          </li>
        ))}
        {wires.length > kMostListed && <li>and {wires.length - kMostListed} more</li>}
      </ul>
    </>
  );
}
