// Screenshots of every page, to be looked at: `npx tsx e2e/shots.ts DIR [WIDTHxHEIGHT] [dark]`.
import { mkdirSync } from 'node:fs';
import { launch, logIn, open } from './browser';
import { FakeController } from './fake_controller';

const [dir = '/tmp/shots', size = '1280x720', scheme = 'light', only = ''] = process.argv.slice(2);
const [width = 1280, height = 720] = size.split('x').map(Number);
mkdirSync(dir, { recursive: true });
const fake = new FakeController({ enclosures: 2, nodesEach: 4, links: 20 });
const origin = await fake.listen();
const browser = await launch();
const { page, complaints } = await open(browser, origin, {
  width,
  height,
  colorScheme: scheme === 'dark' ? 'dark' : 'light',
});
const link = encodeURIComponent(fake.fleet.links[1]?.name ?? '');
const pages: Record<string, string> = {
  map: '/',
  links: '/links',
  link: `/links/${link}`,
  nodes: '/nodes',
  node: '/nodes/e1n2',
  quotas: '/quotas',
  quota: `/quotas/${link}`,
  events: '/events',
  stops: '/stops',
  wiring: '/wiring',
  wire: '/?at=wire:e1n1:fab0%20--%20leaf1:p1',
};
await page.goto(origin);
await page.getByLabel('Admin token').waitFor();
await page.screenshot({ path: `${dir}/login-${size}-${scheme}.png` });
await logIn(page, origin);
for (const [name, path] of Object.entries(pages)) {
  if (only && !only.split(',').includes(name)) continue;
  await page.goto(origin + path);
  await page.getByTestId('stream-age').getByText('live').waitFor();
  await page.waitForTimeout(2500);
  await page.screenshot({ path: `${dir}/${name}-${size}-${scheme}.png` });
}
console.log(complaints.length === 0 ? 'no complaints' : complaints.join('\n'));
await browser.close();
fake.close();
