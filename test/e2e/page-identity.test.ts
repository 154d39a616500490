import { readdirSync, readFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchChromium, launchProfile } from './chromium.ts';
import { getValue, idOf, joined, memberRow, openMember, putValue, settled, showsMembers } from './page.ts';
import { createStage, type Serving } from './support.ts';

const RESOLVE_TEST_NAMES = '--host-resolver-rules=MAP *.test 127.0.0.1';

const stage = createStage();
const contexts: BrowserContext[] = [];
let browser: Browser;
let server: Serving;
let meshes = 0;

beforeAll(async () => {
  browser = await launchChromium(chromium, [RESOLVE_TEST_NAMES]);
  server = await stage.startServer({ args: ['--allow-host', 'mesh.test'] });
});

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

afterAll(async () => {
  await browser?.close();
  await stage.close();
});

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext();
  contexts.push(context);
  return context;
}

/** A mesh of its own for each test: what the tabs of another own stays theirs while they are away. */
function meshUrl(): string {
  meshes += 1;
  return `${server.url}m/identity-${meshes}`;
}

/** The same on 127.0.0.1, which is a secure context, and by a name on plain http, which is none. */
const places = [
  ['on 127.0.0.1', meshUrl],
  ['on plain http by name', () => meshUrl().replace('127.0.0.1', 'mesh.test')],
] as const;

test('a name on plain http is no secure context', async () => {
  const page = await openMember(await newContext(), places[1][1]());

  expect(await page.evaluate(() => [isSecureContext, 'locks' in navigator])).toEqual([false, false]);
});

for (const [place, url] of places) {
  test(`a reloaded tab is the same member with its values, ${place}`, async () => {
    const page = await openMember(await newContext(), url());
    const id = await idOf(page);
    await settled(page);
    await putValue(page, `reload ${place}`, 'still here');

    await page.reload();
    await joined(page);

    expect(await idOf(page)).toBe(id);
    expect(await getValue(page, `reload ${place}`)).toBe('still here');
  });

  test(`a duplicated tab is a new member, ${place}`, async () => {
    const context = await newContext();
    const page = await openMember(context, url());

    // A tab that a page opens takes a copy of its sessionStorage along, as a duplicated tab does.
    const [copy] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate(() => void window.open(location.href)),
    ]);
    await joined(copy);

    expect(await copy.evaluate(() => sessionStorage.length)).toBeGreaterThan(0);
    expect(await idOf(copy)).not.toBe(await idOf(page));
  });

  test(`a tab that was closed is found again by the next, ${place}`, async () => {
    const context = await newContext();
    const address = url();
    const page = await openMember(context, address);
    const id = await idOf(page);
    await page.close();

    expect(await idOf(await openMember(context, address))).toBe(id);
  });
}

test('a browser that was killed finds its stores again', async () => {
  const profile = await stage.folder();
  const address = meshUrl();
  const before = await launchProfile(chromium, profile);
  const page = await openMember(before, address);
  await settled(page);
  const id = await idOf(page);
  await putValue(page, 'killed', 'kept');
  killBrowser(profile);
  await before.close().catch(() => undefined);

  const after = await launchProfile(chromium, profile);
  contexts.push(after);
  const again = await openMember(after, address);

  expect(await idOf(again)).toBe(id);
  expect(await getValue(again, 'killed')).toBe('kept');
});

test('a joined tab shows within a second, and a closed one is gone within five', async () => {
  const context = await newContext();
  const address = meshUrl();
  const page = await openMember(context, address);
  const other = await openMember(context, address);
  const name = await other.locator('.membership input').inputValue();

  await memberRow(page, name).waitFor({ timeout: 1_000 });
  await showsMembers(page, await page.locator('.member').count());
  await other.close();

  await page.waitForFunction(
    (left) => {
      const row = [...document.querySelectorAll('.member')].find(
        (each) => each.querySelector('.name')?.textContent === left,
      );
      return row === undefined || row.getAttribute('data-state') === 'away';
    },
    name,
    { timeout: 5_000 },
  );
});

test('Leave hands everything over first, and what was put stays readable', async () => {
  const context = await newContext();
  const address = meshUrl();
  const page = await openMember(context, address);
  const other = await openMember(context, address);
  await settled(page);
  const keys = Array.from({ length: 40 }, (_, i) => `left/${i}`);
  for (const key of keys) await putValue(page, key, `value of ${key}`);

  await page.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { name: 'Left' }).waitFor({ timeout: 30_000 });

  for (const key of keys) expect(await getValue(other, key)).toBe(`value of ${key}`);
  await page.getByRole('button', { name: 'Join again' }).click();
  await joined(page);
});

/** Its main process, by the profile's folder. */
function killBrowser(profile: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (command.includes(`--user-data-dir=${profile}`) && !command.includes('--type='))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended while we looked.
    }
  }
}
