// @vitest-environment jsdom
import '../../test/dom';
import { fireEvent, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { stage } from '../../test/stage';
import { StopDialog } from './stop_dialog';

const kLink = { link: 'a1>b1', state: 'open', leased_rate_bps: 1e8, change: 'closes', text: 'x' };
const kEnd = { link: 'a1>b1', role: 'send', node: 'a1', by_expiry: false };

it('asks for the name, revokes, and shows the time to silence', async () => {
  let reads = 0;
  const { asked } = stage(
    <StopDialog scope="enclosure:east" onClose={() => undefined} />,
    ({ path }) => {
      if (path.includes('dry_run')) return { body: { scope: '', links: [kLink], notes: [] } };
      if (path.endsWith('/revoke')) return { body: { revoked: 'enclosure:east', revocation: 5 } };
      reads += 1;
      const after = reads > 1 ? 0.0041 : null;
      const ends = [{ ...kEnd, silent_after_s: after, silent_within_s: after === null ? 9 : null }];
      const one = { id: 5, scope: '', reason: '', age_s: 0, ends };
      return {
        body: { revocations: [{ ...one, silent: reads > 1, silent_after_s: after }], stops: [] },
      };
    },
  );
  await screen.findByText('1 link will fall silent at both ends, and stay so until restored.');
  const go = screen.getByRole<HTMLButtonElement>('button', { name: 'Stop enclosure east' });
  expect(go.disabled).toBe(true);
  fireEvent.change(screen.getByLabelText(/to confirm/), { target: { value: 'east' } });
  fireEvent.change(screen.getByLabelText('Reason'), { target: { value: 'drill' } });
  fireEvent.click(go);
  await screen.findByText('Waiting for 1 end of 1.');
  await screen.findByText('All 1 end silent after 4.1 ms.');
  expect(asked[1]).toMatchObject({ method: 'POST', body: { reason: 'drill' } });
});

it('can stop even when the dry run cannot be had', async () => {
  stage(<StopDialog scope="a1>b1" onClose={() => undefined} />, () => ({
    status: 503,
    body: { error: { code: 'unavailable', message: 'not now' } },
  }));
  await screen.findByText('not now');
  const go = screen.getByRole<HTMLButtonElement>('button', { name: 'Stop link a1>b1' });
  expect(go.disabled).toBe(false);
});
