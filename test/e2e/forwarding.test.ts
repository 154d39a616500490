// Members that can't reach each other over real data channels, and a third that both reach: Ben may use relays
// only, and there is none, except to Cleo.

import { join, type Mesh } from '@shoal/node-peer';
import { shortId } from '@shoal/shared';
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { getValue, idOf, memberRow, openMember, putValue } from './page.ts';
import { createStage, until } from './support.ts';

const stage = createStage();
const meshes: Mesh[] = [];
let browser: Browser;
let url: string;
let ada: Mesh;
let ben: Mesh;
let cleo: Mesh;
let isApart = true;

beforeAll(async () => {
  browser = await launchChromium(chromium);
  ({ url } = await stage.startServer({ args: ['--replicas', '2'] }));
  cleo = await member('cleo');
  ben = await member('ben', (other) => (isApart && other !== cleo.id ? 'relay' : 'all'));
  ada = await member('ada');
});

afterAll(async () => {
  await Promise.all(meshes.map((mesh) => mesh.leave({ handOver: false }).catch(() => undefined)));
  await browser?.close();
  await stage.close();
});

async function member(name: string, policy: (other: string) => 'all' | 'relay' = () => 'all'): Promise<Mesh> {
  const mesh = await join({ url, name, dataDir: await stage.folder(), workers: 1, iceTransportPolicy: policy });
  meshes.push(mesh);
  return mesh;
}

function linkOf(mesh: Mesh, other: string) {
  return mesh.status().members.find(({ id }) => id === other)?.link;
}

const isVia = (mesh: Mesh, other: Mesh, via: string | undefined): boolean => {
  const link = linkOf(mesh, other.id);
  return link?.state === 'open' && link.via === via;
};

test('two Node members without a direct link share slots, values, messages and tasks over a third', async () => {
  await until(
    () => isVia(ada, ben, cleo.id) && isVia(ben, ada, cleo.id),
    () => `a link via cleo: ${JSON.stringify(linkOf(ada, ben.id))}`,
  );
  const areShared = async (): Promise<boolean> =>
    (await stage.status(url)).members.every(({ slots }) => slots > 1_000) && ada.status().store.moving === 0;
  await until(areShared, () => 'slots of all three');
  const large = new Uint8Array(3_000_000).map((_, index) => index % 251);

  await Promise.all(
    Array.from({ length: 60 }, async (_, number) => {
      const { copies } = await ada.put(`of ada ${number}`, number, { minCopies: 2 });
      expect(copies).toBe(2);
      await ben.put(`of ben ${number}`, number, { minCopies: 2 });
      expect(await ada.get(`of ben ${number}`)).toBe(number);
      expect(await ben.get(`of ada ${number}`)).toBe(number);
    }),
  );
  await ada.put('large', large);
  expect(await ben.get('large')).toEqual(large);
  const heard = new Promise((resolve) => {
    ben.onMessage('greeting', ({ from, value }) => resolve([from, value]));
  });
  await ada.send(ben.id, 'greeting', 'hello');
  expect(await heard).toEqual([ada.id, 'hello']);
  expect(await ada.call('export default (ctx) => ctx.member.name', [], { member: ben.id })).toBe('ben');
  expect(await ben.call('export default (ctx) => ctx.member.name', [], { member: ada.id })).toBe('ada');
  expect(isVia(ada, ben, cleo.id)).toBe(true);
});

test('a command reaches a member that it has no way to', async () => {
  const status = await stage.status(url);
  const linksOf = (name: string) => status.members.find((each) => each.name === name)?.links;

  expect(linksOf('ada')).toContainEqual(expect.objectContaining({ member: ben.id, state: 'open', via: cleo.id }));
  expect(linksOf('ben')).toContainEqual(expect.objectContaining({ member: ada.id, state: 'open', via: cleo.id }));
  const { stdout } = await stage.shoal(['status', '--join', url]);
  expect(stdout).toMatch(new RegExp(`ada +${shortId(ada.id as never)} .*ben open via cleo [0-9.]+ ms`));
});

test('a tab and a Node member without a direct link see and serve each other', async () => {
  const page = await openMember(await browser.newContext(), url);
  const row = memberRow(page, 'ben').locator('.link');

  await expect.poll(() => row.innerText(), { timeout: 30_000 }).toMatch(/^via (cleo|ada) · [0-9.]+ ms$/);
  await putValue(page, 'from the tab', 'hello');
  expect(await ben.get('from the tab')).toBe('hello');
  const heard = page.evaluate(
    () =>
      new Promise((resolve) => {
        const { mesh } = (globalThis as unknown as { shoal: { mesh: Mesh } }).shoal;
        mesh.onMessage('greeting', ({ value }) => resolve(value));
        mesh.put('listens', true).catch(resolve);
      }),
  );
  expect(await ben.get('listens', { wait: true })).toBe(true);
  await ben.send(await idOf(page), 'greeting', 'hello tab');
  expect(await heard).toBe('hello tab');
  expect(await getValue(page, 'of ben 7')).toBe(7);
  await page.close();
});

test('nobody forwards any more when a direct link is possible again', async () => {
  isApart = false;

  await until(
    () => isVia(ada, ben, undefined) && isVia(ben, ada, undefined),
    () => `a direct link: ${JSON.stringify(linkOf(ada, ben.id))}`,
  );

  expect(await ada.get('of ben 3')).toBe(3);
});
