// What is left on storages, and what travels: a member that was away gets what it lacks and no more, and of
// keys that were deleted nothing stays.

import { requireKey, slotOfKey } from '@shoal/shared';
import { afterEach, expect, test } from 'vitest';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;
const STEP_MS = 50;
let clock: VirtualClock;
let cluster: Cluster;

afterEach(async () => {
  await run(cluster.close());
});

function begin(): void {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas: 2 });
}

async function run<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (let passedMs = 0; !isSettled; passedMs += STEP_MS) {
    if (passedMs > 120_000) throw new Error('not settled within 120 virtual s');
    await clock.advance(STEP_MS);
  }
  return promise;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let passedMs = 0; !isSo(); passedMs += STEP_MS) {
    if (passedMs > 120_000) throw new Error(`not so within 120 virtual s: ${JSON.stringify(cluster.rows())}`);
    await clock.advance(STEP_MS);
  }
}

function isWhole(): boolean {
  const rows = cluster.rows();
  return rows.length === SLOTS && rows.every(({ copies, dropped }) => copies.length === 2 && dropped.length === 0);
}

/** What went over the links of a member, both ways. */
function linkBytes({ mesh }: ClusterMember): number {
  const links = mesh.status().members.map(({ link }) => (link?.sentBytes ?? 0) + (link?.receivedBytes ?? 0));
  return links.reduce((sum, bytes) => sum + bytes, 0);
}

async function keysOf({ storage }: ClusterMember): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const slot of await storage.slots()) for await (const { key } of storage.scan(slot)) keys.push(key);
  return keys.toSorted();
}

test('of 10,000 keys one that changed meanwhile moves under 1 % of the bytes', async () => {
  begin();
  const ada = await run(cluster.join('ada'));
  const value = new Uint8Array(1_024).fill(1);
  const keys = Array.from({ length: 10_000 }, (_, number) => `key ${number}`);
  for (let first = 0; first < keys.length; first += 1_000)
    await run(Promise.all(keys.slice(first, first + 1_000).map((key) => ada.mesh.put(key, value))));

  const ben = await run(cluster.join('ben'));
  await until(isWhole);
  const allBytes = linkBytes(ben);
  expect(allBytes).toBeGreaterThan(10_000 * 1_024);

  const { self } = ben.mesh.status();
  const storage = cluster.kill(ben);
  await until(() => cluster.rows().every(({ copies }) => copies.length === 1));
  const changed = new Uint8Array(1_024).fill(2);
  await run(ada.mesh.put('key 77', changed));
  // The ids of requests are remembered for two minutes, and travel.
  await clock.advance(130_000);
  cluster.network.heal(self, ada.mesh.status().self);
  const back = await run(cluster.join('ben', { storage }));
  await until(isWhole);

  expect(linkBytes(back)).toBeLessThan(allBytes / 100);
  expect(await keysOf(back)).toEqual(keys.toSorted());
  expect(await run(back.mesh.get('key 77'))).toEqual(changed);
}, 120_000);

test('of deleted keys nothing stays on any storage, once no copy that was dropped can bring them back', async () => {
  begin();
  const tombstoneMs = 60_000;
  const ada = await run(cluster.join('ada', { tombstoneMs }));
  const ben = await run(cluster.join('ben', { tombstoneMs }));
  await until(isWhole);
  const kept = Array.from({ length: 5 }, (_, number) => `kept ${number}`);
  const gone = Array.from({ length: 60 }, (_, number) => `gone ${number}`);
  await run(Promise.all([...kept, ...gone].map((key) => ada.mesh.put(key, key))));
  const { self } = ben.mesh.status();
  const storage = cluster.kill(ben);
  await until(() => cluster.rows().every(({ copies }) => copies.length === 1));
  await run(Promise.all(gone.map((key) => ada.mesh.delete(key))));

  await clock.advance(3 * tombstoneMs);
  expect(await keysOf(ada)).toEqual([...kept, ...gone].toSorted());

  cluster.network.heal(self, ada.mesh.status().self);
  const back = await run(cluster.join('ben', { storage, tombstoneMs }));
  await until(isWhole);
  await clock.advance(2 * tombstoneMs);

  const slots = [...new Set(kept.map((key) => slotOfKey(requireKey(key), SLOTS)))].toSorted((a, b) => a - b);
  for (const member of [ada, back]) {
    expect(await keysOf(member)).toEqual(kept);
    expect((await member.storage.slots()).toSorted((a, b) => a - b)).toEqual(slots);
    expect(await member.storage.asideUsage()).toEqual({ records: 0, bytes: 0 });
  }
  for (const key of gone) expect(await run(back.mesh.get(key))).toBeUndefined();
}, 120_000);
