// A put whose owner is killed before it answers: nobody can tell any more, and the caller is told just that.

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { join, type Mesh } from '@shoal/node-peer';
import { slotOfKey, requireKey } from '@shoal/shared';
import { type Browser, chromium } from 'playwright';
import { afterEach, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { openMember, type PageWindow, settled } from './page.ts';
import { createStage, type Done, until } from './support.ts';

const MiB = 1024 * 1024;
const stage = createStage();
const meshes: Mesh[] = [];
let browser: Browser | undefined;

afterEach(async () => {
  await browser?.close();
  await Promise.all(meshes.splice(0).map((mesh) => mesh.leave()));
  await stage.close();
});

async function watcher(url: string): Promise<Mesh> {
  const mesh = await join({ url, kind: 'command', name: 'watcher', workers: 1 });
  meshes.push(mesh);
  return mesh;
}

test('the command line says that a put may or may not have happened', { timeout: 240_000 }, async () => {
  const { url } = await stage.startServer();
  let ada = await stage.startPeer(url, { name: 'ada' });
  const mesh = await watcher(url);
  const bytes = new Uint8Array(60 * MiB).fill(7);
  const file = joinPath(await stage.folder(), 'large');
  await writeFile(file, bytes);
  await mesh.put('k', 'before');
  let done: Done | undefined;

  // Killed while the value is on its way; a machine may be quick enough to have stored it before.
  for (let attempt = 0; attempt < 5 && done?.code !== 1; attempt += 1) {
    const putting = stage.shoal(['put', '--join', url, 'k', '--file', file, '--timeout', '60000']);
    await underWay(mesh, 2 * MiB);
    await ada.stop('SIGKILL');
    ada = await stage.startPeer(url, { name: 'ada', data: ada.data });
    done = await putting;
  }

  expect(done).toMatchObject({ code: 1, stdout: '' });
  expect(done?.stderr).toMatch(/^[^\n]*"k"[^\n]* may have happened[^\n]*\n$/);
  const found = await mesh.get('k', { timeoutMs: 30_000 });
  if (found !== 'before') expect(hash(found as Uint8Array)).toBe(hash(bytes));
});

/** Until somebody's link to the only member has brought so many bytes. */
async function underWay(mesh: Mesh, bytes: number): Promise<void> {
  const others = new Set(mesh.status().members.map(({ id }) => id));
  await until(
    async () => {
      const { links } = await mesh.statusOf('ada');
      return links.some(({ member, receivedBytes }) => !others.has(member) && receivedBytes >= bytes);
    },
    () => 'a value on its way',
    20_000,
  );
}

test('a page hears of it by its code', { timeout: 240_000 }, async () => {
  const { url } = await stage.startServer({ args: ['--replicas', '1'] });
  const ada = await stage.startPeer(url, { name: 'ada', args: ['--workers', '1'] });
  browser = await launchChromium(chromium);
  const page = await openMember(await browser.newContext(), url);
  await settled(page);
  const mesh = await watcher(url);
  const key = await keyOfAda(mesh);
  await mesh.put(key, 'before');

  // It gets the put, and is killed before it can look at it.
  ada.child.kill('SIGSTOP');
  await page.evaluate((name) => {
    const global = globalThis as unknown as PutWindow;
    global.put = global.shoal.mesh?.put(name, 'perhaps', { timeoutMs: 60_000 }).then(
      () => 'done',
      (error: { readonly code?: string }) => error.code,
    );
  }, key);
  await ada.stop('SIGKILL');
  await stage.startPeer(url, { name: 'ada', data: ada.data, args: ['--workers', '1'] });

  expect(await page.evaluate(() => (globalThis as unknown as PutWindow).put)).toBe('unknown-outcome');
});

interface PutWindow extends PageWindow {
  put?: Promise<string | undefined> | undefined;
}

/** One that ada owns. */
async function keyOfAda(mesh: Mesh): Promise<string> {
  const id = mesh.status().members.find(({ name }) => name === 'ada')?.id;
  const owned = new Set(mesh.slots().flatMap(({ slot, owner }) => (owner === id ? [slot] : [])));
  for (let number = 0; ; number += 1) if (owned.has(slotOfKey(requireKey(`k${number}`), 4_096))) return `k${number}`;
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
