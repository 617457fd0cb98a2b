// For `./run bench console`: measures the map of the controller at ORIGIN, prints the figures
// as one line of JSON, and leaves the page open until stdin ends.
import { launch, logIn, open } from './browser';
import { measureMap } from './map_check';

const [origin = '', token = ''] = process.argv.slice(2);
const browser = await launch();
const { page } = await open(browser, origin);
await logIn(page, origin, '/', token);
console.log(JSON.stringify(await measureMap(page)));
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
await browser.close();
