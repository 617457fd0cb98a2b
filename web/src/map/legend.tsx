import { useComputedColorScheme } from '@mantine/core';
import { useState } from 'react';
import { linkLook } from '../model/words';
import { kDashes, palettes } from './style';
import { kWireStrokes, wireTones, type WireKind } from './wire_style';

const kUses = ['none', '1 %', '25 %', '50 %', '75 %', '95 %'];
const kWires: [WireKind, string][] = [
  ['as-planned', 'as planned'],
  ['unproved', 'unproved'],
  ['missing', 'missing'],
  ['bad', 'not as planned, with words'],
  ['seen', 'observed, not in the plan'],
];
const kShut = ['waiting', 'expired', 'exhausted', 'revoked', 'no_quota'] as const;

function Stroke(props: { color: string; width: number; dash?: readonly number[] | undefined }) {
  return (
    <svg width="34" height="10" aria-hidden="true">
      <line
        x1="1"
        x2="33"
        y1="5"
        y2="5"
        stroke={props.color}
        strokeWidth={props.width}
        strokeDasharray={props.dash?.join(' ')}
      />
    </svg>
  );
}

export function Legend({ wires }: { wires: boolean }) {
  const palette = palettes[useComputedColorScheme('light')];
  const [open, setOpen] = useState(false);
  return (
    <details className="map-legend" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Legend</summary>
      <div>
        Colour: sent of what is leased, from{' '}
        {kUses.map((words, i) => (
          <span key={words}>
            <Stroke color={palette.uses[i] ?? palette.unknown} width={5} />
            {words}
          </span>
        ))}
        <span>
          <Stroke color={palette.unknown} width={5} />
          not known
        </span>
      </div>
      <div>
        Thickness: leased rate, on a logarithmic scale.{' '}
        {[1e6, 1e9, 1e11].map((rate, i) => (
          <span key={rate}>
            <Stroke color={palette.idle} width={[3, 5.5, 7.5][i] ?? 1} />
            {['1 Mbit/s', '1 Gbit/s', '100 Gbit/s'][i]}
          </span>
        ))}
      </div>
      <div>
        Not open:{' '}
        {kShut.map((state) => (
          <span key={state}>
            <Stroke
              color={state === 'revoked' ? palette.bad : palette.warn}
              width={2}
              dash={kDashes[state]}
            />
            {linkLook(state).words}
          </span>
        ))}
      </div>
      <div>
        Nodes: solid border online, dashed <span>◇ offline</span> dotted <span>○ pending</span>{' '}
        double <span>✕ tampered</span> six corners: a gateway.
      </div>
      {wires && (
        <div>
          Wires, thin and without arrows:{' '}
          {kWires.map(([kind, words]) => (
            <span key={kind}>
              <Stroke
                color={wireTones(palette)[kind]}
                width={kWireStrokes[kind].width}
                dash={kWireStrokes[kind].dash ?? undefined}
              />
              {words}
            </span>
          ))}
          Slanted sides: a switch. A wire to a closed enclosure stands for all of them, and looks
          like the worst.
        </div>
      )}
    </details>
  );
}
