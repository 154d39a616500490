// Copies in memory: members die without a word, and what was acknowledged is served within five seconds.

import { MeshError, requireKey, slotOfKey } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryStorage } from '../../peer/src/adapters/memory/storage.ts';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;

let clock: VirtualClock;
let cluster: Cluster;

function begin(replicas: number, seed = 1): void {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(seed), slotCount: SLOTS, replicas });
}

beforeEach(() => begin(2));

afterEach(async () => {
  await run(cluster.close());
});

async function run<T>(promise: Promise<T>, longestMs = 60_000): Promise<T> {
  let settled = false;
  const both = (): void => {
    settled = true;
  };
  promise.then(both, both);
  for (let passed = 0; !settled && passed < longestMs; passed += 20) await clock.advance(20);
  if (!settled) throw new Error(`not settled within ${longestMs} virtual ms`);
  return promise;
}

async function until(condition: () => boolean, longestMs = 60_000): Promise<void> {
  for (let passed = 0; passed < longestMs; passed += 20) {
    if (condition()) return;
    await clock.advance(20);
  }
  throw new Error(`not so within ${longestMs} virtual ms`);
}

function isWhole(replicas: number): boolean {
  const rows = cluster.rows();
  return rows.length === SLOTS && rows.every(({ copies, settled }) => copies.length === replicas && settled);
}

function ownedBy({ mesh }: ClusterMember): number {
  return mesh.status().store.owned;
}

describe.each([2, 3])('with %i copies', (replicas) => {
  beforeEach(() => begin(replicas));

  test('every slot gets its copies, and writes say so', async () => {
    const members = [];
    for (let number = 0; number < replicas + 1; number += 1) members.push(await run(cluster.join(`m${number}`)));
    const [ada] = members as [ClusterMember];
    await until(() => isWhole(replicas));

    for (let number = 0; number < 40; number += 1) {
      const put = await run(ada.mesh.put(`key ${number}`, number));
      expect(put.copies).toBe(replicas);
    }
    for (const member of members)
      for (let number = 0; number < 40; number += 1) expect(await run(member.mesh.get(`key ${number}`))).toBe(number);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'an owner that dies without a word is replaced within five seconds (%i)',
    async (seed) => {
      begin(replicas, seed);
      const members: ClusterMember[] = [];
      for (let number = 0; number < replicas + 1; number += 1) members.push(await run(cluster.join(`m${number}`)));
      const [ada, ben] = members as [ClusterMember, ClusterMember];
      await until(() => isWhole(replicas));
      const keys = Array.from({ length: 40 }, (_, number) => `key ${number}`);
      await run(Promise.all(keys.map((key, number) => ada.mesh.put(key, number))));
      await clock.advance(5_000 + seed * 170);

      cluster.kill(ben);
      const startMs = clock.monotonicMs();
      const read = await run(Promise.all(keys.map((key) => ada.mesh.get(key))));
      await run(Promise.all(keys.map((key, number) => ada.mesh.put(key, 100 + number))));

      expect(clock.monotonicMs() - startMs).toBeLessThan(5_000);
      expect(read).toEqual(keys.map((_, number) => number));
      await until(
        () =>
          isWhole(replicas) &&
          cluster.rows().every(({ copies }) => copies.every(({ member }) => member !== ben.mesh.status().self)),
      );
      expect(await run(Promise.all(keys.map((key) => ada.mesh.get(key))))).toEqual(
        keys.map((_, number) => 100 + number),
      );
    },
  );

  test('members that join stop no slot for longer than some round trips, under load too', async () => {
    const ada = await run(cluster.join('ada'));
    let isOver = false;
    let longestMs = 0;
    const writer = async (number: number): Promise<void> => {
      for (let count = 0; !isOver; count += 1) {
        const startMs = clock.monotonicMs();
        await ada.mesh.put(`key ${number}`, count);
        longestMs = Math.max(longestMs, clock.monotonicMs() - startMs);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 17));
      }
    };
    const work = Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
    const members = [ada];
    for (let number = 1; number < replicas + 2; number += 1) members.push(await run(cluster.join(`m${number}`)));
    await until(() => isWhole(replicas) && members.every((member) => ownedBy(member) >= SLOTS / members.length - 1));
    isOver = true;
    await run(work);

    const stops = members.map(({ mesh }) => mesh.status().store.stops);
    expect(stops.reduce((sum, { moves }) => sum + moves, 0)).toBeGreaterThan(SLOTS);
    for (const stop of stops) expect(stop.longestMs).toBeLessThan(100);
    expect(longestMs).toBeLessThan(200);
  });

  test('a member that says goodbye is replaced at once', async () => {
    const members: ClusterMember[] = [];
    for (let number = 0; number < replicas + 1; number += 1) members.push(await run(cluster.join(`m${number}`)));
    const [ada, ben] = members as [ClusterMember, ClusterMember];
    await until(() => isWhole(replicas));
    const keys = Array.from({ length: 40 }, (_, number) => `key ${number}`);
    await run(Promise.all(keys.map((key, number) => ada.mesh.put(key, number))));

    await run(ben.mesh.leave());
    const startMs = clock.monotonicMs();
    await run(Promise.all(keys.map((key, number) => ada.mesh.put(key, 100 + number))));

    expect(clock.monotonicMs() - startMs).toBeLessThan(1_000);
  });
});

describe('with too few copies', () => {
  test('a write that wants more waits for them, or ends degraded with nothing written', async () => {
    const ada = await run(cluster.join('ada'));
    await run(ada.mesh.put('k', 0));

    await expect(run(ada.mesh.put('k', 1, { minCopies: 2, timeoutMs: 2_000 }))).rejects.toMatchObject({
      code: 'degraded',
    });
    await expect(run(ada.mesh.put('k', 1, { minCopies: 3, timeoutMs: 2_000 }))).rejects.toMatchObject({
      code: 'degraded',
    });
    expect(await run(ada.mesh.get('k'))).toBe(0);

    const put = ada.mesh.put('k', 2, { minCopies: 2, timeoutMs: 20_000 });
    await run(cluster.join('ben'));
    expect((await run(put)).copies).toBe(2);
  });
});

describe('with a storage that fails', () => {
  async function withFailing(
    isFailing: () => boolean,
  ): Promise<readonly [ClusterMember, ClusterMember, ClusterMember]> {
    const ada = await run(cluster.join('ada'));
    const storage = createMemoryStorage({
      beforeWrite: () => {
        if (isFailing()) throw new MeshError('storage', 'The disk is broken.');
      },
    });
    const ben = await run(cluster.join('ben', { storage }));
    const cleo = await run(cluster.join('cleo'));
    await until(() => isWhole(2));
    return [ada, ben, cleo];
  }

  test('a backup resigns, and an owner gives its slots away: callers notice nothing', async () => {
    let isFailing = false;
    const [ada, ben] = await withFailing(() => isFailing);
    const keys = Array.from({ length: 30 }, (_, number) => `key ${number}`);
    await run(Promise.all(keys.map((key) => ada.mesh.put(key, 0))));

    isFailing = true;
    await run(Promise.all(keys.map((key, number) => ada.mesh.put(key, number))));

    const { self } = ben.mesh.status();
    const written = new Set(keys.map((key) => slotOfKey(requireKey(key), SLOTS)));
    for (const { slot, owner } of cluster.rows()) if (written.has(slot)) expect(owner).not.toBe(self);
    for (const [number, key] of keys.entries()) expect(await run(ada.mesh.get(key))).toBe(number);
  });

  test('a backup that resigned takes over where nobody else is left', async () => {
    let isFailing = false;
    const [ada, ben, cleo] = await withFailing(() => isFailing);
    const keys = Array.from({ length: 30 }, (_, number) => `key ${number}`);
    await run(Promise.all(keys.map((key) => ada.mesh.put(key, 0))));

    // Nobody can be dropped while the registrar is away: those who hold with it can't end their writes.
    await run(cluster.stopRegistrar());
    isFailing = true;
    const puts = keys.map((key) => ada.mesh.put(key, 1, { timeoutMs: 1_000 }));
    await run(Promise.allSettled(puts));
    cluster.kill(ada);
    cluster.kill(cleo);
    isFailing = false;
    cluster.startRegistrar();

    const rows = cluster.rows();
    const { self } = ben.mesh.status();
    const isHeld = (key: string): boolean =>
      rows[slotOfKey(requireKey(key), SLOTS)]?.copies.some(({ member }) => member === self) === true;
    const held = keys.filter(isHeld);
    expect(held.length).toBeGreaterThan(0);
    for (const key of held) expect([0, 1]).toContain(await run(ben.mesh.get(key)));
  });
});
