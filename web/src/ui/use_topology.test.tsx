// @vitest-environment jsdom
import { act, screen, waitFor } from '@testing-library/react';
import { expect, it } from 'vitest';
import '../../test/dom';
import { stage } from '../../test/stage';
import { useTopology } from './use_topology';

function Shown() {
  const { topology, old, error } = useTopology(true);
  return (
    <p>
      {error?.message ?? (topology ? `version ${topology.plan_version ?? 0}` : 'nothing')}
      {old ? ', old' : ''}
    </p>
  );
}

it('reads when a verdict changes, and takes nothing over from an older stream', async () => {
  let version = 1;
  let works = true;
  const { asked, store } = stage(<Shown />, () =>
    works
      ? { body: { plan_version: version, wires_by_verdict: {}, findings: [], policies: [] } }
      : { status: 503, body: { error: { message: 'no' } } },
  );
  const hear = (wiring?: [number, number, number]) =>
    act(() =>
      store.dispatch({
        type: 'figures',
        now: 1,
        wire: {
          version: 1,
          at_ms: 1000,
          store_ok: true,
          last_event: 0,
          nodes: [],
          links: [],
          ...(wiring ? { wiring } : {}),
        },
      }),
    );
  const open = () =>
    act(() => {
      const wire = {
        version: 1,
        fleet: 'lab',
        controller: '',
        heartbeat_s: 1,
        nodes: [],
        links: [],
      };
      store.dispatch({ type: 'opened' });
      store.dispatch({ type: 'fleet', wire });
    });
  open();
  // A controller that says nothing of wiring, or has no plan, is not asked.
  hear();
  hear([0, 0, 0]);
  expect(asked).toHaveLength(0);
  hear([1, 1, 0]);
  await screen.findByText('version 1');
  hear([1, 1, 0]);
  expect(asked).toHaveLength(1);
  version = 2;
  hear([2, 2, 0]);
  await screen.findByText('version 2');
  // The same counts by another stream: what was read is old until it is read again.
  works = false;
  open();
  hear([2, 2, 0]);
  await screen.findByText('no, old');
  works = true;
  hear([2, 3, 0]);
  await waitFor(() => screen.getByText('version 2'));
  hear([0, 4, 0]);
  await screen.findByText(/^nothing/);
});
