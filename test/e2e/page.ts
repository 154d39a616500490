// How the tests use the page: as people do, by what they read on it.

import type { BrowserContext, Locator, Page } from 'playwright';
import type { Mesh } from '@shoal/peer';

export interface PageWindow {
  readonly shoal: { readonly mesh?: Mesh };
}

/** Opens a tab and waits until it is a member. */
export async function openMember(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await joined(page);
  return page;
}

export async function joined(page: Page): Promise<void> {
  await page.waitForFunction(() => (globalThis as unknown as PageWindow).shoal?.mesh !== undefined, undefined, {
    timeout: 20_000,
  });
}

export function idOf(page: Page): Promise<string> {
  return page.evaluate(() => (globalThis as unknown as PageWindow).shoal.mesh?.id ?? 'none');
}

export async function putValue(page: Page, key: string, value: string): Promise<void> {
  await page.evaluate(
    async ([k = '', v = '']) => void (await (globalThis as unknown as PageWindow).shoal.mesh?.put(k, v)),
    [key, value],
  );
}

export function getValue(page: Page, key: string): Promise<unknown> {
  return page.evaluate((k) => (globalThis as unknown as PageWindow).shoal.mesh?.get(k), key);
}

/** The row of a member in the members list. */
export function memberRow(page: Page, name: string): Locator {
  return page.locator('.member').filter({ has: page.locator('.name', { hasText: name }) });
}

/** Waits until the members list shows so many members with an open data channel, this tab included. */
export async function showsMembers(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      document.querySelectorAll('.member .link[data-link="open"], .member .link[data-link="self"]').length === wanted,
    count,
    { timeout: 20_000 },
  );
}

/** Waits until the ranges are shared out by weight and nothing moves. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () => {
      const status = (globalThis as unknown as PageWindow).shoal.mesh?.status();
      if (status === undefined || status.store.moving > 0) return false;
      const each = status.slots / status.members.reduce((sum, { weight }) => sum + weight, 0);
      return status.members.every(({ slots, weight }) => Math.abs(slots - each * weight) < (each * weight) / 5);
    },
    undefined,
    { timeout: 30_000 },
  );
}

/** Puts a text in place of what the editor shows. */
export async function write(page: Page, source: string): Promise<void> {
  await page.locator('.editor[data-ready="true"]').waitFor();
  await page.locator('.cm-content').click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(source);
}

export function runButton(page: Page): Locator {
  return page.getByRole('button', { name: 'Run', exact: true });
}

/** Presses Run and waits for the end; gives the state that the page shows. */
export async function run(page: Page): Promise<'done' | 'failed'> {
  await runButton(page).click();
  const end = page.locator('.job[data-job="done"], .job[data-job="failed"]');
  await end.waitFor({ timeout: 60_000 });
  return (await end.getAttribute('data-job')) === 'done' ? 'done' : 'failed';
}

export async function choose(page: Page, sample: string): Promise<void> {
  const dataset = page.locator('.datasets .choose', { hasText: sample });
  if ((await dataset.count()) === 0) {
    await page.locator('.samples').getByRole('button', { name: sample, exact: true }).click();
    await dataset.waitFor({ timeout: 60_000 });
  }
  await dataset.click();
}
