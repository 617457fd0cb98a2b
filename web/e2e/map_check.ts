// The map with 1,000 nodes and 5,000 links: prints how fast it is, and asserts that it draws.
import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { logIn, open } from './browser';
import { FakeController } from './fake_controller';

const kCount = `
  window.sluiceFrames = { n: 0, since: performance.now(), on: true };
  (function frame() {
    if (!window.sluiceFrames.on) return;
    window.sluiceFrames.n += 1;
    requestAnimationFrame(frame);
  })();`;
const kRead = `
  window.sluiceFrames.on = false;
  window.sluiceFrames.n / ((performance.now() - window.sluiceFrames.since) / 1000)`;

async function framesPerSecond(page: Page, act: () => Promise<void>): Promise<number> {
  await page.evaluate(kCount);
  await act();
  return Number(await page.evaluate(kRead));
}

async function pan(page: Page): Promise<void> {
  await page.mouse.move(480, 400);
  await page.mouse.down();
  for (let i = 0; i < 120; i++) {
    await page.mouse.move(480 + 150 * Math.sin(i / 15), 400 + 80 * Math.cos(i / 10));
    await page.waitForTimeout(12);
  }
  await page.mouse.up();
}

async function zoom(page: Page): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.mouse.wheel(0, i % 30 < 15 ? -60 : 60);
    await page.waitForTimeout(30);
  }
}

// The page's main thread, in cores, over so many seconds.
async function load(page: Page, seconds: number): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const busy = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find((one) => one.name === 'TaskDuration')?.value ?? NaN;
  };
  const before = await busy();
  await page.waitForTimeout(seconds * 1000);
  return ((await busy()) - before) / seconds;
}

// Whether anything but the ground is painted in the middle of the map.
const kDrawn = `[...document.querySelectorAll('.map-canvas canvas')].some((canvas) => {
  const { width, height } = canvas;
  const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  return data.some((value, i) => i % 4 === 3 && value > 0);
})`;

const kPaint = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1`;

export interface Figures {
  first_paint_ms: number;
  map_drawn_ms: number;
  still_fps: number;
  pan_fps: number;
  zoom_fps: number;
}

// Of a page that is logged in: loads it anew, then moves the map.
export async function measureMap(page: Page): Promise<Figures> {
  const began = Date.now();
  await page.reload();
  await page.locator('.map-canvas[data-drawn]').waitFor();
  const drawn = Date.now() - began;
  assert.ok(await page.evaluate(kDrawn));
  const paint = Number(await page.evaluate(kPaint));
  await page.waitForTimeout(1500);
  return {
    first_paint_ms: paint,
    map_drawn_ms: drawn,
    still_fps: await framesPerSecond(page, () => page.waitForTimeout(3000)),
    pan_fps: await framesPerSecond(page, () => pan(page)),
    zoom_fps: await framesPerSecond(page, () => zoom(page)),
  };
}

export interface ExpandedFigures {
  expanded_ms: number;
  expanded_pan_fps: number;
  expanded_zoom_fps: number;
}

// The same with every enclosure expanded, so that each node and each link is drawn by itself.
export async function measureExpanded(page: Page): Promise<ExpandedFigures> {
  await page.evaluate(`document.querySelector('.map-canvas').removeAttribute('data-drawn')`);
  const began = Date.now();
  await page.getByRole('button', { name: 'Expand all' }).click();
  await page.locator('.map-canvas[data-drawn]').waitFor();
  const drawn = Date.now() - began;
  assert.ok(await page.evaluate(kDrawn));
  await page.waitForTimeout(1500);
  return {
    expanded_ms: drawn,
    expanded_pan_fps: await framesPerSecond(page, () => pan(page)),
    expanded_zoom_fps: await framesPerSecond(page, () => zoom(page)),
  };
}

function print(figures: object): void {
  for (const [name, value] of Object.entries(figures))
    console.log(`        ${name}: ${Number(value).toFixed(0)}`);
}

export async function mapCheck(browser: Browser): Promise<void> {
  const fake = new FakeController({ enclosures: 50, nodesEach: 20, links: 5000 });
  const origin = await fake.listen();
  const { page, context, complaints } = await open(browser, origin);
  try {
    await logIn(page, origin);
    print(await measureMap(page));
    console.log(`        main thread ${(await load(page, 8)).toFixed(2)} of a core at rest`);
    print(await measureExpanded(page));
    console.log(`        main thread ${(await load(page, 8)).toFixed(2)} of a core at rest`);
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await page.getByRole('button', { name: 'Expand enclosure e1', exact: true }).click();
    await page.getByRole('button', { name: 'e1n20', exact: true }).waitFor();
    assert.ok(await page.evaluate(kDrawn));
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
    fake.close();
  }
}
