import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

// What axe-core finds wrong, in words. It is run by the debugger, which no policy binds.
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(kAxe);
  const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()');
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(
      (node) =>
        `${id} (${impact}) at ${node.target.join(' ')}: ${node.failureSummary.replaceAll('\n', ' ')}`,
    ),
  );
}
