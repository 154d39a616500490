// Copies in memory: members die without a word, and what was acknowledged is served within five seconds.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

  test('an owner that dies without a word is replaced within five seconds', async () => {
    const members: ClusterMember[] = [];
    for (let number = 0; number < replicas + 1; number += 1) members.push(await run(cluster.join(`m${number}`)));
    const [ada, ben] = members as [ClusterMember, ClusterMember];
    await until(() => isWhole(replicas));
    for (let number = 0; number < 40; number += 1) await run(ada.mesh.put(`key ${number}`, number));
    await clock.advance(5_000);

    cluster.kill(ben);
    const startMs = clock.monotonicMs();
    const reads = await run(Promise.all(Array.from({ length: 40 }, (_, number) => ada.mesh.get(`key ${number}`))));
    expect(reads).toEqual(Array.from({ length: 40 }, (_, number) => number));
    await run(Promise.all(Array.from({ length: 40 }, (_, number) => ada.mesh.put(`key ${number}`, -number))));
    expect(clock.monotonicMs() - startMs).toBeLessThan(5_000);

    if (members.length > replicas) await until(() => isWhole(replicas));
  });
});
