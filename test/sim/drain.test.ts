// A member is drained: all that it holds goes to others, copies as well as ownership, before it leaves.

import { must } from '@shoal/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;
const KEYS = Array.from({ length: 40 }, (_, number) => `key ${number}`);

let clock: VirtualClock;
let cluster: Cluster;

afterEach(() => run(cluster.close()));

async function run<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const end = (): void => {
    settled = true;
  };
  promise.then(end, end);
  for (let passed = 0; !settled && passed < 60_000; passed += 20) await clock.advance(20);
  if (!settled) throw new Error('not settled within 60 virtual seconds');
  return promise;
}

async function until(condition: () => boolean): Promise<void> {
  for (let passed = 0; passed < 60_000; passed += 20) {
    if (condition()) return;
    await clock.advance(20);
  }
  throw new Error('not so within 60 virtual seconds');
}

async function begin(replicas: number, count: number): Promise<ClusterMember[]> {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas });
  const members: ClusterMember[] = [];
  for (let number = 0; number < count; number += 1) members.push(await run(cluster.join(`m${number}`)));
  await until(() =>
    members.every(({ mesh }) => {
      const { health, members: seen } = mesh.status();
      return health.moving === 0 && seen.length === count && seen.every(({ copies }) => copies > 0);
    }),
  );
  const { mesh } = must(members[0], 'first member');
  await run(Promise.all(KEYS.map((key) => mesh.put(key, key))));
  return members;
}

function isNamed({ mesh }: ClusterMember): boolean {
  return cluster.rows().some(({ copies }) => copies.some(({ member }) => member === mesh.id));
}

describe.each([1, 2, 3])('with %i copies and a member to spare', (replicas) => {
  test.each(['drained by a command', 'leaving by itself'])(
    '%s: no slot is degraded by it, and all keys are there',
    async (how) => {
      const members = await begin(replicas, replicas + 1);
      const [ada, ben] = members as [ClusterMember, ClusterMember];
      const operator = await run(cluster.join('operator', { kind: 'command' }));
      const left: number[] = [];
      let degraded = 0;
      ada.mesh.on('changed', ({ health }) => {
        degraded = Math.max(degraded, health.degraded + health.lost);
      });

      if (how === 'leaving by itself') await run(ben.mesh.leave({ handOver: true }));
      else await run(operator.mesh.drain('m1', { onProgress: (slots) => left.push(slots) }));

      expect(isNamed(ben)).toBe(false);
      expect(degraded).toBe(0);
      expect(await run(Promise.all(KEYS.map((key) => ada.mesh.get(key))))).toEqual(KEYS);
      if (how === 'leaving by itself') return;
      expect(left[0]).toBeGreaterThan(0);
      expect(left.at(-1)).toBe(0);
      expect(left.toSorted((a, b) => b - a)).toEqual(left);
    },
  );
});

test('with nobody to spare the others keep what there is, and the member leaves', async () => {
  const [ada, ben] = (await begin(2, 2)) as [ClusterMember, ClusterMember];

  await run(ada.mesh.drain('m1'));

  expect(isNamed(ben)).toBe(false);
  expect(ada.mesh.status().health.degraded).toBe(SLOTS);
  expect(await run(Promise.all(KEYS.map((key) => ada.mesh.get(key))))).toEqual(KEYS);
});

test('the last member is not drained, and whoever is away neither', async () => {
  const [ada, ben] = (await begin(2, 2)) as [ClusterMember, ClusterMember];
  const operator = await run(cluster.join('operator', { kind: 'command' }));
  cluster.kill(ben);

  await expect(run(operator.mesh.drain(ben.mesh.id, { timeoutMs: 3_000 }))).rejects.toMatchObject({
    code: expect.stringMatching(/owner-away|deadline/),
  });
  await until(() => ada.mesh.status().members.some(({ state }) => state === 'away') || !isNamed(ben));
  await expect(run(operator.mesh.drain('m0'))).rejects.toMatchObject({ code: 'no-member' });

  expect(await run(ada.mesh.get('key 1'))).toBe('key 1');
});

test('a drain that is cancelled goes on without whoever asked', async () => {
  const [ada, ben] = (await begin(2, 3)) as [ClusterMember, ClusterMember];
  const asked = new AbortController();

  const draining = ada.mesh.drain('m1', { signal: asked.signal, onProgress: () => asked.abort() });

  await expect(run(draining)).rejects.toMatchObject({ code: 'aborted' });
  await until(() => !isNamed(ben));
});
