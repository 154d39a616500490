// A storage that goes away under a member that has a backup: the member notices and ends, nobody misses a
// value, and what comes back in its place is new and has nothing.

import { rm } from 'node:fs/promises';
import { join, type Mesh } from '@shoal/node-peer';
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { idOf, joined, openMember } from './page.ts';
import { createStage, until } from './support.ts';

const stage = createStage();
const meshes: Mesh[] = [];
let browser: Browser;
const KEYS = Array.from({ length: 200 }, (_, index) => `kept/${index}`);

beforeAll(async () => {
  browser = await launchChromium(chromium);
});

afterAll(async () => {
  await Promise.all(meshes.map((mesh) => mesh.leave({ handOver: false }).catch(() => undefined)));
  await browser?.close();
  await stage.close();
});

async function begin(): Promise<{ readonly url: string; readonly mesh: Mesh }> {
  const { url } = await stage.startServer({ args: ['--replicas', '2'] });
  await Promise.all(['ada', 'ben'].map((name) => stage.startPeer(url, { name, args: ['--workers', '1'] })));
  const mesh = await join({ url, kind: 'command', workers: 1 });
  meshes.push(mesh);
  return { url, mesh };
}

async function putAll(mesh: Mesh, round: number): Promise<void> {
  await Promise.all(KEYS.map((key) => mesh.put(key, `${key} ${round}`)));
}

async function expectAll(mesh: Mesh, round: number): Promise<void> {
  expect(await Promise.all(KEYS.map((key) => mesh.get(key)))).toEqual(KEYS.map((key) => `${key} ${round}`));
}

function untilWhole(mesh: Mesh, members: number): Promise<void> {
  const isWhole = (): boolean => {
    const { slots, health, members: known } = mesh.status();
    const here = known.filter(({ kind, state }) => kind !== 'command' && state === 'here');
    return health.whole === slots && here.length === members && here.every(({ slots: owned }) => owned > 0);
  };
  return until(isWhole, () => `whole slots: ${JSON.stringify(mesh.status())}`, 120_000);
}

test('a data folder that is removed ends its member; started again it is another one, and has nothing of before', async () => {
  const { url, mesh } = await begin();
  const cleo = await stage.startPeer(url, { name: 'cleo', args: ['--workers', '1'] });
  await untilWhole(mesh, 3);
  await putAll(mesh, 1);
  const before = mesh.status().members.find(({ name }) => name === 'cleo')?.id;

  await rm(cleo.data, { recursive: true });
  expect((await cleo.ended).code).toBe(1);
  expect(cleo.stderr()).toMatch(/^The data folder \S+ (is gone|was removed while this member ran)\.\n/);
  await expectAll(mesh, 1);
  await putAll(mesh, 2);

  await stage.startPeer(url, { name: 'cleo', data: cleo.data, args: ['--workers', '1'] });
  await untilWhole(mesh, 3);
  const after = mesh.status().members.filter(({ name, state }) => name === 'cleo' && state === 'here');
  expect(after.map(({ id }) => id === before)).toEqual([false]);
  await expectAll(mesh, 2);
}, 300_000);

test('site data cleared under a tab: its values are served by the others, and the tab joins as a new member', async () => {
  const { url, mesh } = await begin();
  const context = await browser.newContext();
  const page = await openMember(context, url);
  const before = await idOf(page);
  await untilWhole(mesh, 3);
  await putAll(mesh, 1);

  const devtools = await context.newCDPSession(page);
  await devtools.send('Storage.clearDataForOrigin', { origin: new URL(url).origin, storageTypes: 'all' });
  await page.locator('.notice[role=alert][data-problem=storage]').waitFor({ timeout: 30_000 });
  await expectAll(mesh, 1);
  await putAll(mesh, 2);

  await page.getByRole('button', { name: 'Join again' }).click();
  await joined(page);
  expect(await idOf(page)).not.toBe(before);
  await untilWhole(mesh, 3);
  await expectAll(mesh, 2);
  await context.close();
}, 300_000);
