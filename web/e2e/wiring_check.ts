// The wiring: on its page, on the map, and when the stream was away.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { axe } from './axe';
import { kDesk } from './browser';
import { onStage } from './stage';

async function page(browser: Browser): Promise<void> {
  await onStage(browser, '/wiring', async ({ fake, page }) => {
    const findings = page.getByRole('region', { name: 'Findings', exact: true });
    await findings.getByText('are swapped; exchange their plugs').waitFor();
    const tab = page.getByRole('link', { name: /^Wiring/ });
    assert.match(await tab.innerText(), /^Wiring3\s+findings$/);
    // Filters are part of the address.
    await page.getByLabel('Port or words contain').fill('e1n4');
    await page.getByText('1 wire of').waitFor();
    assert.match(page.url(), /q=e1n4/);
    await page.getByLabel('Port or words contain').fill('');
    // The text of a version, by keyboard.
    await page.getByRole('button', { name: 'Show version 2' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('"e1":"fab0"').or(dialog.getByText('graph fleet {')).waitFor();
    await page.waitForTimeout(400);
    assert.deepEqual(await axe(page), []);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    fake.fleet.wiring.mend(true);
    await findings.getByText('are swapped').waitFor({ state: 'detached' });
    await tab.getByText(/^2\s/).waitFor();
    await findings.getByRole('link', { name: 'gw' }).click();
    await page.getByRole('heading', { name: 'Node gw' }).waitFor();
    const wires = page.getByRole('region', { name: 'Wires', exact: true });
    await wires.getByText('claimed by LLDP').waitFor();
  });
}

// A controller that began anew counts from 0 again: what was read before is not taken as fresh.
async function restart(browser: Browser): Promise<void> {
  await onStage(browser, '/wiring', async ({ fake, page }) => {
    const swapped = page.getByText('are swapped; exchange their plugs');
    await swapped.waitFor();
    fake.silent = true;
    await page.getByTestId('silent-banner').waitFor({ timeout: 6000 });
    fake.fleet.wiring.mend(false);
    fake.dropStreams();
    fake.silent = false;
    await swapped.waitFor({ state: 'detached', timeout: 12_000 });
  });
}

async function without(browser: Browser): Promise<void> {
  await onStage(browser, '/wiring', async ({ fake, origin, page }) => {
    fake.fleet.wiring.planVersion = 0;
    await page.getByText('There is no plan, so no wire is checked.').waitFor();
    await page.getByText('sluicectl plan set FILE').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Wiring' }).innerText(), 'Wiring');
    await page.goto(`${origin}/`);
    await page.locator('.map-canvas[data-drawn]').waitFor();
    assert.equal(await page.getByRole('checkbox', { name: 'Wires' }).count(), 0);
  });
}

const drawn = (page: Page, count: number) =>
  page.locator(`.map-canvas[data-wires="${count}"]`).waitFor();

async function map(browser: Browser): Promise<void> {
  await onStage(
    browser,
    '/',
    async ({ fake, origin, page }) => {
      // Ten planned that are between nodes and switches, one between nodes, two observed.
      await drawn(page, 13);
      await page.getByRole('application', { name: /2 switches and 12 wires/ }).waitFor();
      // Without a mouse: from the list to a wire's details.
      await page.getByRole('button', { name: 'Show the wires of switch leaf1' }).focus();
      await page.keyboard.press('Enter');
      const wire = page.getByRole('button', { name: /^e1n1:fab0 -- leaf1:p1/ });
      await wire.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('status').getByText('wire e1n1:fab0 -- leaf1:p1, swapped').waitFor();
      await page.locator('.map-details').getByText('leaf2:p1 (claimed)').waitFor();
      assert.deepEqual(await axe(page), []);
      // In the map by arrows: switches are places like any other.
      await page.goto(`${origin}/?at=switch:leaf1`);
      await page.getByRole('status').getByText('switch leaf1, 6 wires, 2 not as planned').waitFor();
      await page.getByRole('application').focus();
      await page.keyboard.press('ArrowLeft');
      await page
        .getByRole('status')
        .getByText(/^node e1/)
        .waitFor();
      await page.keyboard.press('ArrowRight');
      // Mended, it is drawn anew without a reload.
      fake.fleet.wiring.mend(true);
      await drawn(page, 11);
      // Closed enclosures: one wire to each switch.
      await page.getByRole('button', { name: 'Collapse all' }).click();
      await drawn(page, 5);
      await page.getByRole('checkbox', { name: 'Wires' }).uncheck();
      await drawn(page, 0);
      await page.reload();
      await page.getByRole('checkbox', { name: 'Wires' }).waitFor();
      assert.ok(!(await page.getByRole('checkbox', { name: 'Wires' }).isChecked()));
    },
    { look: kDesk },
  );
}

export const wiringChecks: Record<string, (browser: Browser) => Promise<void>> = {
  wiring: page,
  wiring_restart: restart,
  wiring_none: without,
  wiring_map: map,
};
