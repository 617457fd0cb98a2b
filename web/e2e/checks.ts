import assert from 'node:assert/strict';
import type { Browser, Locator, Page } from 'playwright-core';
import { axe } from './axe';
import type { Look } from './browser';
import { kToken, type FakeController } from './fake_controller';
import { kPastDrops } from './fake_past';
import { onStage } from './stage';

const linkOf = (fake: FakeController, i = 0): string => fake.fleet.links[i]?.name ?? '';
const pathOf = (name: string): string => encodeURIComponent(name);

async function login(browser: Browser): Promise<void> {
  const mayFail = /401/;
  await onStage(
    browser,
    '/',
    async ({ fake, origin, page }) => {
      await page.goto(`${origin}/links`);
      await page.getByLabel('Admin token').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByText('does not take this token').waitFor();
      await page.getByLabel('Admin token').fill(kToken);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Links' }).waitFor();
      assert.equal(page.url(), `${origin}/links`);
      await page.reload();
      await page.getByRole('heading', { name: 'Links' }).waitFor();
      // A token that is not taken any more leads back to the login.
      fake.refuseToken = true;
      fake.dropStreams();
      await page.getByText('does not take the token any more').waitFor();
      assert.equal(await page.evaluate('sessionStorage.length'), 0);
    },
    { login: false, mayFail },
  );
}

async function silence(browser: Browser): Promise<void> {
  await onStage(browser, '/links', async ({ fake, page }) => {
    await page
      .getByRole('cell', { name: linkOf(fake) })
      .first()
      .waitFor();
    assert.equal(await page.getByTestId('silent-banner').count(), 0);
    fake.silent = true;
    await page.getByTestId('silent-banner').waitFor({ timeout: 6000 });
    const banner = await page.getByTestId('silent-banner').innerText();
    assert.match(banner, /No news from the controller for \d+ s; figures are as of /);
    const filter = `getComputedStyle(document.querySelector('.scroll-table')).filter`;
    assert.match(String(await page.evaluate(filter)), /grayscale/);
    // Nothing runs on by itself.
    const before = await page.locator('.scroll-table').innerText();
    await page.waitForTimeout(2500);
    assert.equal(await page.locator('.scroll-table').innerText(), before);
    fake.dropStreams();
    fake.silent = false;
    await page.getByTestId('silent-banner').waitFor({ state: 'detached', timeout: 12_000 });
    assert.match(String(await page.evaluate(filter)), /none/);
  });
}

async function quota(browser: Browser): Promise<void> {
  const mayFail = /400/;
  await onStage(
    browser,
    '/quotas/new',
    async ({ fake, page }) => {
      const link = linkOf(fake);
      const save = page.getByRole('button', { name: 'Save' });
      const check = page.getByRole('button', { name: 'Check' });
      await page.getByRole('textbox', { name: 'Scope' }).fill(link);
      await page.keyboard.press('Escape');
      await page.getByLabel('Rate').fill('100MB');
      await page.getByLabel('Volume').fill('1GB');
      await check.click();
      const rate = page.getByLabel('Rate');
      assert.equal(await rate.getAttribute('aria-invalid'), 'true');
      await page.getByText('is in bytes').waitFor();
      // Early words do not know the bounds: the controller does, and names the field.
      await rate.fill('1kbit');
      await check.click();
      await page.getByText('write 8kbit to 400Gbit').waitFor();
      const described = (await rate.getAttribute('aria-describedby')) ?? '';
      const words = await page.locator(`[id="${described.split(' ').pop() ?? ''}"]`).innerText();
      assert.match(words, /8kbit|such as/);
      assert.ok(await save.isDisabled());
      await rate.fill('90Mbit');
      await check.click();
      await page.getByTestId('dry-run').waitFor();
      assert.ok(await save.isEnabled());
      await page.getByLabel('Volume').fill('2GB');
      assert.ok(await save.isDisabled());
      await check.click();
      await page.getByTestId('dry-run').waitFor();
      await save.click();
      await page.getByRole('heading', { name: `Quota of ${link}` }).waitFor();
      assert.equal(fake.fleet.quotas.get(link)?.rate_bps, 90e6);
      await page.getByRole('cell', { name: 'quota set' }).first().waitFor();
      await page.getByRole('button', { name: 'Check deletion' }).click();
      await page.getByTestId('dry-run').getByText('closes').first().waitFor();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByText('No quota is set on').waitFor();
    },
    { mayFail },
  );
}

async function stop(browser: Browser): Promise<void> {
  await onStage(browser, '/stops', async ({ fake, origin, page }) => {
    await page.getByRole('textbox', { name: 'Scope' }).fill('enclosure:e1');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Stop…', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('will fall silent').waitFor();
    const go = dialog.getByRole('button', { name: 'Stop enclosure e1' });
    assert.ok(await go.isDisabled());
    await dialog.getByLabel('Reason').fill('drill');
    await dialog.getByLabel('to confirm').fill('e1');
    assert.deepEqual(await axe(page), []);
    await go.click();
    await dialog.getByText(/All \d+ ends silent after/).waitFor();
    assert.deepEqual(fake.fleet.stops, [{ scope: 'enclosure:e1', reason: 'drill' }]);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('· drill').waitFor();
    // To restore a link alone would be in vain.
    const link = fake.fleet.inScope('enclosure:e1')[0]?.name ?? '';
    await page.goto(`${origin}/links/${pathOf(link)}`);
    await page.getByRole('button', { name: 'Restore enclosure e1…' }).waitFor();
    assert.equal(await page.getByRole('button', { name: `Restore link` }).count(), 0);
    await page.goto(`${origin}/stops`);
    await page.getByText('· drill').waitFor();
    await page.getByRole('button', { name: 'Restore enclosure e1…' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
    await page.getByText('No node, enclosure or fleet is stopped.').waitFor();
  });
}

async function readmit(browser: Browser): Promise<void> {
  await onStage(browser, '/nodes/e1n2', async ({ page }) => {
    await page.getByText('lid: the lid is open').first().waitFor();
    await page.getByRole('button', { name: 'Readmit…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Readmit' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Readmit…' }).waitFor({ state: 'detached' });
  });
}

// Charts show what was before the page was opened, and draw nothing through what nobody knew.
async function past(browser: Browser): Promise<void> {
  await onStage(browser, '/nodes/e1n1', async ({ fake, origin, page }) => {
    // The gate of this link refuses now as well, and both ends say so.
    const silent = /e1n3|e1n4/;
    const link = fake.fleet.links.find((one) => one.state === 'open' && !silent.test(one.name));
    const pages: [string, string[]][] = [
      ['/nodes/e1n1', ['cleartext', 'volume']],
      [`/links/${pathOf(link?.name ?? '')}`, ['volume', 'rate']],
    ];
    for (const [path, reasons] of pages) {
      await page.goto(origin + path);
      await page.reload();
      await legend(page, 'Refused packets by reason', 'volume').waitFor();
      assert.equal(await valueAt(page, 'Refused packets by reason', 'volume', 0.37), '–');
      for (const span of ['2 min', '1 h', '24 h']) {
        await page.getByText(span, { exact: true }).click();
        for (const reason of reasons)
          await legend(page, 'Refused packets by reason', reason).waitFor();
        assert.match(
          await valueAt(page, 'Refused packets by reason', 'volume', 0.6),
          new RegExp(`^${kPastDrops}\\b`),
        );
        assert.match(await valueAt(page, 'Sent and received', 'sent', 0.6), /bit\/s$/);
        assert.match(await valueAt(page, 'Sent and leased', 'leased', 0.6), /bit\/s$/);
      }
    }
  });
}

const chart = (page: Page, title: string): Locator =>
  page.locator(`figure[aria-label^="${title}"]`);

const legend = (page: Page, title: string, label: string): Locator =>
  chart(page, title).locator('.u-legend tr', { has: page.getByText(label, { exact: true }) });

// What the legend says with the pointer at this share of the chart's width.
async function valueAt(page: Page, title: string, label: string, share: number): Promise<string> {
  const plot = chart(page, title).locator('.u-over');
  const box = await plot.boundingBox();
  assert.ok(box);
  await plot.hover({ position: { x: box.width * share, y: box.height / 2 } });
  return legend(page, title, label).locator('.u-value').innerText();
}

async function events(browser: Browser): Promise<void> {
  await onStage(browser, '/events?kind=tampered', async ({ fake, page }) => {
    await page.getByRole('cell', { name: 'lid: the lid is open' }).waitFor();
    assert.equal(await page.getByRole('cell', { name: 'comet seen' }).count(), 0);
    fake.fleet.addEvent('tampered', 'critical', 'node:e2n1', 'cable: it was cut');
    await page.getByRole('cell', { name: 'cable: it was cut' }).waitFor();
    await page.goto(page.url().replace('?kind=tampered', ''));
    await page.getByRole('cell', { name: 'comet seen' }).waitFor();
  });
}

// From the start page to a node's page and to an enclosure's links without a mouse.
async function keyboard(browser: Browser): Promise<void> {
  await onStage(browser, '/', async ({ page }) => {
    await page.keyboard.press('Tab');
    const focused = `document.activeElement?.textContent`;
    for (let i = 0; i < 3 && !/Skip/.test(String(await page.evaluate(focused))); i++)
      await page.keyboard.press('Shift+Tab');
    const map = page.getByRole('application');
    await map.waitFor();
    for (let i = 0; i < 40; i++) {
      if (await map.evaluate((element) => element === document.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('ArrowRight');
    await page.getByRole('status').getByText('node e1n1').waitFor();
    await page.keyboard.press('-');
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('status').getByText('enclosure e1, 4 nodes').waitFor();
    await page.keyboard.press('+');
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Node e1n1' }).waitFor();
    const heading = await page.evaluate(`document.activeElement?.tagName`);
    assert.equal(heading, 'H1');
  });
}

async function accessibility(browser: Browser): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    const look: Look = { width: 1280, height: 720, colorScheme };
    await onStage(
      browser,
      '/',
      async ({ fake, origin, page }) => {
        const link = pathOf(linkOf(fake, 1));
        const found: string[] = [];
        for (const path of [
          '/?at=enclosure:e1',
          '/links',
          `/links/${link}`,
          '/nodes',
          '/nodes/e1n2',
          '/quotas',
          '/quotas/new',
          `/quotas/${link}`,
          '/events',
          '/stops',
          '/?at=switch:leaf1',
          '/wiring',
          '/nothing',
        ]) {
          await page.goto(origin + path);
          await page.getByTestId('stream-age').getByText('live').waitFor();
          await page.waitForTimeout(1200);
          found.push(...(await axe(page)).map((one) => `${colorScheme} ${path} ${one}`));
        }
        await page.getByRole('button', { name: 'Log out' }).click();
        await page.getByLabel('Admin token').waitFor();
        found.push(...(await axe(page)).map((one) => `${colorScheme} login ${one}`));
        assert.deepEqual(found, []);
      },
      { look },
    );
  }
}

// Nothing is cut off sideways on a tablet.
async function tablet(browser: Browser): Promise<void> {
  const look: Look = { width: 1024, height: 768, colorScheme: 'dark' };
  await onStage(
    browser,
    '/',
    async ({ fake, origin, page }) => {
      for (const path of [
        '/',
        '/links',
        `/links/${pathOf(linkOf(fake))}`,
        '/nodes/e1n1',
        '/quotas',
        '/wiring',
      ]) {
        await page.goto(origin + path);
        await page.getByTestId('stream-age').getByText('live').waitFor();
        const wide = `document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth`;
        assert.ok(Number(await page.evaluate(wide)) <= 0, `${path} is too wide`);
      }
    },
    { look },
  );
}

export const checks: Record<string, (browser: Browser) => Promise<void>> = {
  login,
  silence,
  quota,
  stop,
  readmit,
  past,
  events,
  keyboard,
  accessibility,
  tablet,
};
