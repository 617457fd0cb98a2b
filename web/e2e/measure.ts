// For `./run bench console`: measures the map of the controller at ORIGIN and prints the figures
// as one line of JSON; after a line "expand" on stdin the same with all expanded. Leaves the page open
// until stdin ends.
import { createInterface } from 'node:readline/promises';
import { launch, logIn, open } from './browser';
import { measureExpanded, measureMap } from './map_check';

const [origin = '', token = ''] = process.argv.slice(2);
const browser = await launch();
const { page } = await open(browser, origin);
await logIn(page, origin, '/', token);
console.log(JSON.stringify(await measureMap(page)));
for await (const line of createInterface({ input: process.stdin }))
  if (line === 'expand') console.log(JSON.stringify(await measureExpanded(page)));
await browser.close();
