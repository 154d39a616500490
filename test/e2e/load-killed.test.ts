// Loads whose loader ends in the middle: a command by kill -9, a tab by being closed. Whoever looks at the
// datasets afterwards removes what they left.

import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeBigCsv } from './big-csv.ts';
import { launchProfile } from './chromium.ts';
import { openMember, type PageWindow, settled, showsMembers } from './page.ts';
import { createStage, until } from './support.ts';

const MB = 1_000_000;
/** Missing for 15 s, looked for every 10 s. */
const REMOVED_MS = 60_000;

const stage = createStage();
let url: string;
let path: string;
let context: BrowserContext;

beforeAll(async () => {
  path = join(await stage.folder(), 'big.csv');
  await writeBigCsv(path, 60 * MB);
  ({ url } = await stage.startServer({ peer: true }));
  context = await launchProfile(chromium, await stage.folder());
});

afterAll(async () => {
  await context?.close();
  await stage.close();
});

test('a command killed with -9 and a tab closed in the middle of a load leave nothing for long', async () => {
  const page = await openMember(context, url);
  await showsMembers(page, 2);
  await settled(page);
  const loading = stage.start(['load', '--join', url, path, '--name', 'killed']);
  await until(
    async () => (await keysOf(page, '~load/*')).length === 1,
    () => 'the load of the command',
  );
  await page.getByLabel('File to load').setInputFiles(path);
  await page.waitForFunction(() => (document.querySelector('progress')?.value ?? 0) > 0.1);
  expect(await keysOf(page, '~load/*')).toHaveLength(2);

  await Promise.all([loading.stop('SIGKILL'), page.close({ runBeforeUnload: false })]);
  const again = await openMember(context, url);
  await showsMembers(again, 2);
  expect((await keysOf(again, '~chunk/*')).length).toBeGreaterThan(0);

  // The tab looks at the datasets now and then, as every tab does.
  await until(
    async () => (await keysOf(again, '~*')).length === 0,
    () => 'nothing to be left',
    REMOVED_MS,
  );
  expect((await stage.shoal(['ls', '--join', url, '~*'])).stdout).toBe('');
});

function keysOf(page: Page, pattern: string): Promise<readonly string[]> {
  return page.evaluate(async (text) => {
    const keys: string[] = [];
    const { mesh } = (globalThis as unknown as PageWindow).shoal;
    for await (const { key } of mesh?.keys(text) ?? []) keys.push(key);
    return keys;
  }, pattern);
}
