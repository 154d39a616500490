// Site data cleared under a running tab: what was there is gone, and nobody is told otherwise.

import { join, type Mesh } from '@shoal/node-peer';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { getValue, idOf, joined, openMember, putValue, settled } from './page.ts';
import { createStage, until } from './support.ts';

const stage = createStage();
const contexts: BrowserContext[] = [];
const meshes: Mesh[] = [];
let browser: Browser;
let origin: string;
let count = 0;

beforeAll(async () => {
  browser = await launchChromium(chromium);
  origin = new URL((await stage.startServer()).url).origin;
});

afterAll(async () => {
  await Promise.all(meshes.map((mesh) => mesh.leave({ handOver: false }).catch(() => undefined)));
  for (const context of contexts) await context.close();
  await browser?.close();
  await stage.close();
});

/** As the settings of a browser do it, while the tab runs. */
async function clearSiteData(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  await devtools.detach();
}

/** As another tab of the same origin can do it. */
async function deleteDatabases(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (const { name = '' } of await indexedDB.databases()) {
      await new Promise((resolve) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = request.onerror = resolve;
      });
    }
  });
}

for (const [how, clear] of [
  ['by the browser', clearSiteData],
  ['by a script', deleteDatabases],
] as const) {
  test.concurrent(`cleared ${how}, the tab says so and leaves; afterwards it is a new member, and what it had is trusted by nobody`, async () => {
    count += 1;
    const url = `${origin}/m/cleared-${count}`;
    const context = await browser.newContext();
    contexts.push(context);
    const page = await openMember(context, url);
    const before = await idOf(page);
    await settled(page);
    await putValue(page, 'in the tab', 'for now');
    const witness = await join({ url, kind: 'command', workers: 1 });
    meshes.push(witness);
    expect(await witness.get('in the tab')).toBe('for now');

    await clear(page);

    const notice = page.locator('.notice[role=alert]');
    await notice.waitFor({ timeout: 15_000 });
    expect(await notice.getAttribute('data-problem')).toBe('storage');
    expect(await notice.locator('h1').innerText()).toBe('The store of this tab is gone');
    await expect(witness.get('in the tab', { timeoutMs: 3_000 })).rejects.toMatchObject({ code: 'lost' });

    await page.reload();
    await joined(page);
    expect(await idOf(page)).not.toBe(before);
    await expect(getOrCode(page, 'in the tab')).resolves.toBe('lost');

    expect((await stage.shoal(['forget', '--join', url, before])).code).toBe(0);
    const isGivenUp = async (): Promise<boolean> =>
      (await witness.get('in the tab', { timeoutMs: 2_000 }).catch(String)) === undefined;
    await until(isGivenUp, () => 'its slots to be given up');
    await putValue(page, 'in the tab', 'anew');
    expect(await getValue(page, 'in the tab')).toBe('anew');
    expect(await witness.get('in the tab')).toBe('anew');
  });
}

function getOrCode(page: Page, key: string): Promise<unknown> {
  return page.evaluate(async (text) => {
    const { mesh } = (globalThis as unknown as { shoal: { mesh: Mesh } }).shoal;
    return mesh.get(text, { timeoutMs: 3_000 }).catch((error: { code: string }) => error.code);
  }, key);
}
