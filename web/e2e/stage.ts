import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { kDesk, logIn, open, type Look } from './browser';
import { FakeController } from './fake_controller';

export interface Stage {
  fake: FakeController;
  origin: string;
  page: Page;
  complaints: string[];
}

// Runs `act` on a logged-in page at `path`; whatever the page must not do fails it.
export async function onStage(
  browser: Browser,
  path: string,
  act: (stage: Stage) => Promise<void>,
  options: { look?: Look; login?: boolean; mayFail?: RegExp } = {},
): Promise<void> {
  const fake = new FakeController({ enclosures: 2, nodesEach: 4, links: 20 });
  const origin = await fake.listen();
  const { page, context, complaints } = await open(browser, origin, options.look ?? kDesk);
  try {
    if (options.login ?? true) await logIn(page, origin, path);
    await act({ fake, origin, page, complaints });
    const { mayFail } = options;
    assert.deepEqual(mayFail ? complaints.filter((one) => !mayFail.test(one)) : complaints, []);
  } finally {
    await context.close();
    fake.close();
  }
}
