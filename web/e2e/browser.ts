// Chromium on a fake controller, with an ear for whatever the page must not do.
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { kToken } from './fake_controller';

export interface Watched {
  page: Page;
  context: BrowserContext;
  // Console errors, policy violations, exceptions and requests to other origins.
  complaints: string[];
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

export interface Look {
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
}
export const kDesk: Look = { width: 1280, height: 720, colorScheme: 'light' };

export async function open(browser: Browser, origin: string, look = kDesk): Promise<Watched> {
  const { width, height, colorScheme } = look;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content.Security.Policy/i.test(message.text()))
      complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:'))
      complaints.push(`request to ${url}`);
    if (url.includes(kToken)) complaints.push(`token in ${url}`);
  });
  return { page, context, complaints };
}

export async function logIn(page: Page, origin: string, path = '/', token = kToken): Promise<void> {
  await page.goto(origin + path);
  await page.getByLabel('Admin token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByTestId('stream-age').getByText('live').waitFor();
}
