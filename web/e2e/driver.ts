// Chromium for tests in another language: one command a line on stdin, as JSON, and one
// answer a line on stdout. tests/web/page.py speaks it.
import { createInterface } from 'node:readline';
import type { Locator, Page } from 'playwright-core';
import { launch, open, type Look } from './browser';

interface Command {
  do: string;
  [argument: string]: unknown;
}

const words = (command: Command, name: string): string => {
  const value = command[name];
  return typeof value === 'string' ? value : '';
};

// What a command is about: by test id, role and name, label, or text.
function locate(page: Page, command: Command): Locator {
  const within = words(command, 'within');
  const place = within ? page.getByRole(within as 'dialog') : page.locator('body');
  if (command['testid']) return place.getByTestId(words(command, 'testid'));
  const name = words(command, 'name');
  if (command['role']) return place.getByRole(words(command, 'role') as 'button', { name });
  if (command['label']) return place.getByLabel(words(command, 'label'));
  return place.getByText(words(command, 'text'));
}

type Act = (page: Page, command: Command) => Promise<unknown>;

const acts: Record<string, Act> = {
  goto: (page, command) => page.goto(words(command, 'url')).then(() => null),
  reload: (page) => page.reload().then(() => null),
  fill: (page, command) => locate(page, command).first().fill(words(command, 'value')),
  click: (page, command) => locate(page, command).first().click(),
  press: (page, command) => page.keyboard.press(words(command, 'key')),
  wait: (page, command) => locate(page, command).first().waitFor(),
  waitGone: (page, command) => locate(page, command).first().waitFor({ state: 'detached' }),
  text: (page, command) => locate(page, command).first().innerText(),
  count: (page, command) => locate(page, command).count(),
  evaluate: (page, command) => page.evaluate(words(command, 'script')),
  screenshot: (page, command) => page.screenshot({ path: words(command, 'path') }).then(() => null),
};

const look: Look = { width: 1280, height: 720, colorScheme: 'light' };
const browser = await launch();
const { page, complaints } = await open(browser, process.argv[2] ?? '', look);
page.setDefaultTimeout(15_000);

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  const act = acts[command.do];
  let answer: object;
  try {
    if (command.do === 'complaints') answer = { value: complaints.splice(0) };
    else if (act) answer = { value: (await act(page, command)) ?? null };
    else answer = { error: `no such command: ${command.do}` };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
