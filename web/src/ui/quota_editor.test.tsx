// @vitest-environment jsdom
import '../../test/dom';
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { stage, type Answers } from '../../test/stage';
import { emptyForm } from '../model/quota_form';
import { QuotaEditor } from './quota_editor';

const kDryRun = { quota: null, before: null, links: [], sums: [], notes: ['it is noted'] };
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name });
const type = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });

function edit(answers: Answers) {
  const onSaved = vi.fn();
  const form = { ...emptyForm('a1>b1'), rate: '100Mbit', volume: '1GB' };
  return {
    ...stage(<QuotaEditor initial={form} fixedScope onSaved={onSaved} />, answers),
    onSaved,
  };
}

it('saves only what was checked as it stands', async () => {
  const { asked, onSaved } = edit(({ path }) => ({
    body: path.includes('dry_run') ? kDryRun : { quota: { version: 2 } },
  }));
  expect(button('Save').disabled).toBe(true);
  fireEvent.click(button('Check'));
  await screen.findByText('it is noted');
  expect(button('Save').disabled).toBe(false);
  type('Rate', '50Mbit');
  expect(button('Save').disabled).toBe(true);
  fireEvent.click(button('Check'));
  await screen.findByText('it is noted');
  fireEvent.click(button('Save'));
  await waitFor(() => expect(onSaved).toHaveBeenCalledOnce());
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'PUT /api/v1/quotas/a1%3Eb1?dry_run=1',
    'PUT /api/v1/quotas/a1%3Eb1?dry_run=1',
    'PUT /api/v1/quotas/a1%3Eb1',
  ]);
  expect(asked[2]?.body).toEqual({ rate: '50Mbit', volume: '1GB', per: 'lifetime' });
});

it('puts the refusal of the controller at its field', async () => {
  edit(() => ({
    status: 400,
    body: { error: { code: 'invalid_argument', message: 'rate: too small', field: 'rate' } },
  }));
  fireEvent.click(button('Check'));
  await screen.findByText('rate: too small');
  const field = screen.getByLabelText('Rate');
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect(button('Save').disabled).toBe(true);
});

it('asks the controller nothing that cannot be read', () => {
  const { asked } = edit(() => ({ body: kDryRun }));
  type('Volume', '1Gbit');
  fireEvent.click(button('Check'));
  expect(screen.getByText(/is in bits/)).toBeTruthy();
  expect(asked).toEqual([]);
});
