import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KeyEntry } from '@shoal/peer';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

let clock: VirtualClock;
let cluster: Cluster;

beforeEach(() => {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: 64 });
});

afterEach(async () => {
  await run(cluster.close());
});

/** Lets virtual time pass until the promise settles. */
async function run<T>(promise: Promise<T>, longestMs = 60_000): Promise<T> {
  let settled = false;
  const both = (): void => {
    settled = true;
  };
  promise.then(both, both);
  for (let passed = 0; !settled && passed < longestMs; passed += 50) await clock.advance(50);
  if (!settled) throw new Error(`not settled within ${longestMs} virtual ms`);
  return promise;
}

async function until(condition: () => boolean, longestMs = 60_000): Promise<void> {
  for (let passed = 0; passed < longestMs; passed += 50) {
    if (condition()) return;
    await clock.advance(50);
  }
  throw new Error(`not so within ${longestMs} virtual ms`);
}

async function namesOf(entries: AsyncIterable<KeyEntry>): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { key } of entries) names.push(key);
  return names;
}

function slotsOf(member: ClusterMember): number {
  return member.mesh.status().members.find((view) => view.self)?.slots ?? 0;
}

test('gives the first member every slot, and its values back', async () => {
  const ada = await run(cluster.join('ada'));

  await run(ada.mesh.put('greeting', 'hello'));

  expect(await run(ada.mesh.get('greeting'))).toBe('hello');
  expect(slotsOf(ada)).toBe(64);
});

test('moves a share of the slots to each member that joins, with their values', async () => {
  const ada = await run(cluster.join('ada'));
  for (let number = 0; number < 100; number += 1) await run(ada.mesh.put(`key ${number}`, number));

  const ben = await run(cluster.join('ben'));
  const cleo = await run(cluster.join('cleo'));
  await until(() => [ada, ben, cleo].every((member) => Math.abs(slotsOf(member) - 64 / 3) < 1));

  for (const member of [ada, ben, cleo]) {
    for (let number = 0; number < 100; number += 1) expect(await run(member.mesh.get(`key ${number}`))).toBe(number);
  }
});

test('hands everything over before a member leaves', async () => {
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await until(() => slotsOf(ben) === 32);
  for (let number = 0; number < 50; number += 1) await run(ben.mesh.put(`key ${number}`, number));

  await run(ben.mesh.leave({ handOver: true }));

  await until(() => slotsOf(ada) === 64);
  for (let number = 0; number < 50; number += 1) expect(await run(ada.mesh.get(`key ${number}`))).toBe(number);
});

test('names the owner that is away, and serves again when it is back on the same storage', async () => {
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await until(() => slotsOf(ben) === 32);
  for (let number = 0; number < 20; number += 1) await run(ada.mesh.put(`key ${number}`, number));
  const { storage } = ben;
  await run(ben.mesh.leave());

  const reads = await Promise.allSettled(
    Array.from({ length: 20 }, (_, number) => run(ada.mesh.get(`key ${number}`, { timeoutMs: 3_000 }))),
  );
  const failed = reads.filter((read) => read.status === 'rejected');
  expect(failed.length).toBeGreaterThan(0);
  for (const { reason } of failed)
    expect(reason).toMatchObject({ code: 'lost', message: expect.stringContaining('waits for ben') });

  await run(cluster.join('ben', { storage: storage.reopen() }));
  for (let number = 0; number < 20; number += 1) expect(await run(ada.mesh.get(`key ${number}`))).toBe(number);
});

test('serves reads and writes while the registrar is away, and takes it back', async () => {
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await until(() => slotsOf(ben) === 32);
  await run(cluster.stopRegistrar());

  for (let number = 0; number < 20; number += 1) await run(ada.mesh.put(`key ${number}`, number));
  await clock.advance(30_000);
  for (let number = 0; number < 20; number += 1) expect(await run(ben.mesh.get(`key ${number}`))).toBe(number);

  cluster.startRegistrar();
  await until(() => ada.mesh.status().registrar === 'connected');
  const cleo = await run(cluster.join('cleo'));
  await until(() => slotsOf(cleo) >= 21);
  for (let number = 0; number < 20; number += 1) expect(await run(cleo.mesh.get(`key ${number}`))).toBe(number);
});

test('answers nothing of its own after it has heard nobody for ten seconds, until the registrar has spoken', async () => {
  const ada = await run(cluster.join('ada'));
  await run(ada.mesh.put('k', 1));
  await run(cluster.stopRegistrar());
  await clock.advance(11_000);

  await expect(run(ada.mesh.get('k', { timeoutMs: 1_000 }))).rejects.toMatchObject({ code: 'deadline' });

  cluster.startRegistrar();
  expect(await run(ada.mesh.get('k'))).toBe(1);
});

test('lists the keys of all members in order', async () => {
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await until(() => slotsOf(ben) === 32);
  const names = Array.from({ length: 30 }, (_, number) => `list/${String(number).padStart(2, '0')}`);
  for (const name of names) await run(ada.mesh.put(name, name));
  await run(ada.mesh.put('other', 1));

  const listed = await run(namesOf(ben.mesh.keys('list/*')));

  expect(listed).toEqual(names);
});
