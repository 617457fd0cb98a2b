// The console in Chromium against the fake controller: `npm run build && npm run e2e [NAME…]`.
import type { Browser } from 'playwright-core';
import { launch } from './browser';
import { checks } from './checks';
import { mapCheck } from './map_check';
import { wiringChecks } from './wiring_check';

const wanted = process.argv.slice(2);
const all = { ...checks, ...wiringChecks, map: mapCheck };
let failed = 0;
const browser: Browser = await launch();
for (const [name, check] of Object.entries(all)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const began = Date.now();
  try {
    await check(browser);
    console.log(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(
      `FAILED  ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}
await browser.close();
process.exitCode = failed > 0 ? 1 : 0;
