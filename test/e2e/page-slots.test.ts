// The slots on the page, as copies come and go, and what becomes of a tab that an operator drains, or that
// comes while the server has lost its table.

import { rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { getValue, joined, openMember, putValue } from './page.ts';
import { createStage, freePort } from './support.ts';

const stage = createStage();
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium(chromium);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser?.close();
  await stage.close();
});

const WAIT_MS = 120_000;

async function newPage(url: string): Promise<Page> {
  return openMember(await browser.newContext(), url);
}

/** What the legend of the slots says of that health. */
function countOf(page: Page, health: string, text: string): Promise<void> {
  return page
    .locator(`.slot-legend li[data-health=${health}]`)
    .getByText(text, { exact: true })
    .waitFor({ timeout: WAIT_MS });
}

test(
  'the page shows slots degraded while a copy is missing, for whom they wait, and whole again',
  { timeout: 300_000 },
  async () => {
    const { url } = await stage.startServer({ args: ['--replicas', '2'] });
    const page = await newPage(url);
    await countOf(page, 'degraded', '4,096');
    const card = page.locator('section[aria-labelledby=slots-title]');
    await card.getByText('4,096 slots degraded: waits for another member.').waitFor();

    const ada = await stage.startPeer(url, { name: 'ada' });
    await countOf(page, 'whole', '4,096');
    const map = card.getByRole('slider');
    expect(await map.getAttribute('aria-label')).toBe('Slots by owner and health: 4,096 whole');
    await map.focus();
    await page.keyboard.press('End');
    expect(await map.getAttribute('aria-valuetext')).toMatch(/4,095: .+; also at .+; whole$/);

    await ada.stop('SIGKILL');
    await card.getByText('slots degraded: without ada.').waitFor({ timeout: WAIT_MS });
    await stage.startPeer(url, { name: 'ada', data: ada.data });
    await countOf(page, 'whole', '4,096');
  },
);

test('a tab that is drained hands over what it holds, and says that it has left', { timeout: 300_000 }, async () => {
  const { url } = await stage.startServer({ args: ['--replicas', '2'] });
  const page = await newPage(url);
  const other = await newPage(url);
  await stage.startPeer(url, { name: 'ada' });
  await countOf(other, 'whole', '4,096');
  await putValue(page, 'k', 'kept');
  const id = await page.evaluate(() => (globalThis as unknown as { shoal: { mesh: { id: string } } }).shoal.mesh.id);

  expect((await stage.shoal(['drain', '--join', url, id])).code).toBe(0);

  await page.getByRole('heading', { name: 'Left' }).waitFor();
  expect(await getValue(other, 'k')).toBe('kept');
  await countOf(other, 'whole', '4,096');
});

test(
  'a tab that comes while the table is lost waits, and is a member once it is adopted',
  { timeout: 300_000 },
  async () => {
    const [data, port] = [await stage.folder(), await freePort()];
    const first = await stage.startServer({ data, port });
    await stage.startPeer(first.url, { name: 'ada' });
    const witness = await newPage(first.url);
    await putValue(witness, 'k', 'kept');
    await first.stop('SIGKILL');
    await rm(joinPath(data, 'registrar', 'main.table'));
    const { url } = await stage.startServer({ data, port });
    await witness.locator('footer').getByText('refused').waitFor({ timeout: WAIT_MS });

    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    const notice = page.locator('[data-problem=stale-table]');
    expect(await notice.innerText({ timeout: WAIT_MS })).toMatch(
      /lost its table[\s\S]*`shoal adopt`[\s\S]*waits meanwhile/,
    );
    expect(await getValue(witness, 'k')).toBe('kept');

    expect((await stage.shoal(['adopt', '--join', url, '--yes'])).code).toBe(0);

    await joined(page);
    await notice.waitFor({ state: 'detached' });
    expect(await getValue(page, 'k')).toBe('kept');
    await countOf(witness, 'whole', '4,096');
  },
);
