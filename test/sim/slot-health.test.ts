// What members say of the safety of slots, while copies are made, die and are made again.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;

let clock: VirtualClock;
let cluster: Cluster;

beforeEach(() => {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas: 2 });
});

afterEach(() => run(cluster.close()));

async function run<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const end = (): void => {
    settled = true;
  };
  promise.then(end, end);
  for (let passed = 0; !settled && passed < 60_000; passed += 20) await clock.advance(20);
  return promise;
}

async function until(condition: () => boolean): Promise<void> {
  for (let passed = 0; passed < 60_000; passed += 20) {
    if (condition()) return;
    await clock.advance(20);
  }
  throw new Error('not so within 60 virtual seconds');
}

function health({ mesh }: ClusterMember) {
  return mesh.status().health;
}

const all = (kind: string) => ({ whole: 0, degraded: 0, moving: 0, lost: 0, [kind]: SLOTS });

test('degraded while alone, whole with another, degraded without it, and whole with a third', async () => {
  const ada = await run(cluster.join('ada'));
  expect(health(ada)).toEqual(all('degraded'));

  const ben = await run(cluster.join('ben'));
  await until(() => health(ben).whole === SLOTS && health(ada).whole === SLOTS);

  cluster.kill(ben);
  await until(() => health(ada).degraded === SLOTS);
  await until(() => ada.mesh.slots().every(({ waitsFor }) => waitsFor.members.includes(ben.mesh.id)));

  const cleo = await run(cluster.join('cleo'));
  const seen = new Set<string>();
  await until(() => {
    for (const each of cleo.mesh.slots()) seen.add(each.health);
    return health(cleo).whole === SLOTS;
  });
  expect([...seen].toSorted()).toEqual(['degraded', 'moving', 'whole']);
  expect(cleo.mesh.slots().every(({ copies }) => copies.length === 2)).toBe(true);
});

test('lost while all copies are away, and a command that comes later sees it too', async () => {
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await until(() => health(ada).whole === SLOTS);
  const reader = await run(cluster.join('reader', { kind: 'command' }));

  const [disk, other] = [cluster.kill(ada), cluster.kill(ben)];
  cluster.network.heal(ada.mesh.id, ben.mesh.id);
  await until(() => health(reader).lost === SLOTS);
  const late = await run(cluster.join('late', { kind: 'command' }));

  expect(health(late)).toEqual(all('lost'));
  for (const { waitsFor } of late.mesh.slots()) {
    expect(waitsFor).toEqual({ members: expect.arrayContaining([ada.mesh.id, ben.mesh.id]), needs: 'all' });
  }
  await run(cluster.join('ada', { storage: disk }));
  for (const { health: is, waitsFor } of late.mesh.slots())
    expect([is, waitsFor.members]).toEqual(['lost', [ben.mesh.id]]);
  await run(cluster.join('ben', { storage: other }));
  await until(() => health(late).whole === SLOTS);
});
