import {
  Button,
  Group,
  Loader,
  SegmentedControl,
  Text,
  useMantineColorScheme,
} from '@mantine/core';
import { Suspense, useMemo } from 'react';
import { NavLink, Outlet } from 'react-router-dom';
import { countStates, type LiveState } from '../live/state';
import type { Figures } from '../live/figures';
import {
  selectAtMs,
  selectFigures,
  selectFindings,
  selectFleet,
  selectSilent,
  useLive,
} from '../live/store';
import { countText, timeText } from '../model/format';
import { linkLook, linkStates, nodeLook, nodeStates, type StateLook } from '../model/words';
import { DialogsProvider, useDialogs } from './dialogs';
import { useSession } from './session';

const kTabs: [string, string][] = [
  ['/', 'Map'],
  ['/links', 'Links'],
  ['/nodes', 'Nodes'],
  ['/wiring', 'Wiring'],
  ['/quotas', 'Quotas'],
  ['/events', 'Events'],
  ['/stops', 'Stops'],
];

export function Shell() {
  const silent = useLive(selectSilent);
  return (
    <DialogsProvider>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <div className="shell" data-silent={silent || undefined}>
        <section className="top" aria-label="Fleet">
          <TopRow />
          <Group justify="space-between" px="sm" gap="xs">
            <nav className="tabs" aria-label="Pages">
              {kTabs.map(([to, words]) => (
                <NavLink key={to} to={to} end={to === '/'}>
                  {words}
                  {to === '/wiring' && <FindingsCount />}
                </NavLink>
              ))}
            </nav>
            <Tally what="links" select={linkCounts} states={linkStates} look={linkLook} />
          </Group>
        </section>
        <Banner />
        <main id="main" tabIndex={-1}>
          <Suspense fallback={<Loader aria-label="Loading" />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
    </DialogsProvider>
  );
}

function FindingsCount() {
  const findings = useLive(selectFindings);
  if (findings === 0) return null;
  return (
    <span className="count-badge figures">
      {countText(findings)}
      <span className="heard"> {findings === 1 ? 'finding' : 'findings'}</span>
    </span>
  );
}

function TopRow() {
  const fleet = useLive(selectFleet);
  const { logOut } = useSession();
  const dialogs = useDialogs();
  return (
    <Group justify="space-between" px="md" py={6} gap="xs">
      <Group gap="sm">
        <Text component="span" fw={700}>
          Sluice
        </Text>
        <Text component="span">{fleet ? `fleet ${fleet.name}` : 'fleet unknown'}</Text>
        <Tally what="nodes" select={nodeCounts} states={nodeStates} look={nodeLook} />
      </Group>
      <Group gap="xs">
        <StreamAge />
        <SchemeSwitch />
        <Button
          size="compact-sm"
          color="red"
          variant="filled"
          onClick={() => dialogs.stop('fleet')}
        >
          Stop fleet…
        </Button>
        <Button size="compact-sm" variant="default" onClick={logOut}>
          Log out
        </Button>
      </Group>
    </Group>
  );
}

const nodeCounts = (figures: Figures) => countStates(figures.nodes);
const linkCounts = (figures: Figures) => countStates(figures.links);

function Tally<S extends string>(props: {
  what: string;
  select: (figures: Figures) => Record<string, number>;
  states: S[];
  look: (state: S) => StateLook;
}) {
  const { select } = props;
  const figures = useLive(selectFigures);
  const counts = useMemo(() => (figures ? select(figures) : null), [figures, select]);
  const there = props.states.filter((state) => (counts?.[state] ?? 0) > 0);
  return (
    <Group gap={8} component="span" fz="sm" className="figures">
      <span>{props.what}:</span>
      {there.length === 0 && <span>{counts ? 'none' : 'unknown'}</span>}
      {there.map((state) => {
        const { words, mark, tone } = props.look(state);
        return (
          <span key={state} className={`state tone-${tone}`} title={words}>
            <span aria-hidden="true">{mark}</span> {countText(counts?.[state])}{' '}
            <span className="tally-words">{words}</span>
          </span>
        );
      })}
    </Group>
  );
}

function StreamAge() {
  const atMs = useLive(selectAtMs);
  const silent = useLive(selectSilent);
  const words = atMs === null ? 'no figures yet' : timeText(atMs);
  return (
    <Text size="sm" className="number" data-testid="stream-age">
      {silent ? 'as of ' : atMs === null ? '' : 'live '}
      {words}
    </Text>
  );
}

function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Colours"
      value={colorScheme}
      onChange={(value) => setColorScheme(value as 'light' | 'dark' | 'auto')}
      data={[
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
        { value: 'auto', label: 'Auto' },
      ]}
    />
  );
}

const selectBanner = (state: LiveState): string => {
  if (state.silentS === null) return '';
  const since = state.figures
    ? `figures are as of ${timeText(state.figures.atMs)}`
    : 'no figures have come yet';
  return state.trouble ? `${since} (${state.trouble})` : since;
};
const selectSilentS = (state: LiveState) => state.silentS;
const selectStoreBad = (state: LiveState) => state.figures?.storeOk === false;

// Always there, so that screen readers hear when words come into it; the running seconds are
// kept from them.
function Banner() {
  const silentS = useLive(selectSilentS);
  const since = useLive(selectBanner);
  const storeBad = useLive(selectStoreBad);
  return (
    <div role="status">
      {silentS !== null && (
        <div className="banner" data-testid="silent-banner">
          No news from the controller for <span aria-live="off">{silentS}</span> s; {since}
        </div>
      )}
      {storeBad && (
        <div className="banner">The ledger cannot be written: no new leases are given.</div>
      )}
    </div>
  );
}
