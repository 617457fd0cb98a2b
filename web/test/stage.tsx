import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router-dom';
import { Api } from '../src/api/client';
import { LiveContext, LiveStore } from '../src/live/store';
import { SessionContext } from '../src/ui/session';
import { routerFuture } from '../src/ui/router';
import { DialogsProvider } from '../src/ui/dialogs';

export interface Asked {
  method: string;
  path: string;
  body: unknown;
}
export type Answers = (asked: Asked) => { status?: number; body: unknown };

// Renders with an API whose answers are `answers`; returns what was asked.
export function stage(children: ReactNode, answers: Answers): { asked: Asked[]; store: LiveStore } {
  const asked: Asked[] = [];
  const fetcher = ((path: string, init: RequestInit) => {
    const text = typeof init.body === 'string' ? init.body : 'null';
    const mine: Asked = { method: init.method ?? 'GET', path, body: JSON.parse(text) };
    asked.push(mine);
    const { status = 200, body } = answers(mine);
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  }) as typeof fetch;
  const store = new LiveStore(0);
  const api = new Api('token', () => undefined, fetcher);
  render(
    <MantineProvider>
      <MemoryRouter future={routerFuture}>
        <SessionContext.Provider value={{ api, logOut: () => undefined }}>
          <LiveContext.Provider value={store}>
            <DialogsProvider>{children}</DialogsProvider>
          </LiveContext.Provider>
        </SessionContext.Provider>
      </MemoryRouter>
    </MantineProvider>,
  );
  return { asked, store };
}
