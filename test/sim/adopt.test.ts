// The registrar's file is lost, or an old copy is in its place: nothing changes until an operator has a table
// made of what the members know, and then every acknowledged value is there (REPLICATION, rule 2; S6).

import { must, requireKey, slotOfKey, toMeshError } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;
const KEYS = Array.from({ length: 40 }, (_, number) => `key ${number}`);

let clock: VirtualClock;
let cluster: Cluster;
let members: ClusterMember[];
/** What members that were in had to wait for: nothing. */
let waited: string[];

function begin(replicas: number): void {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas });
}

beforeEach(() => {
  members = [];
  waited = [];
  begin(2);
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

function isWhole(): boolean {
  return members.every(({ mesh }) => {
    const { registrar, health, members: seen } = mesh.status();
    return registrar === 'connected' && health.whole === SLOTS && seen.every(({ copies }) => copies > 0);
  });
}

function areFrozen(): boolean {
  return members.every(({ mesh }) => mesh.status().registrar === 'refused');
}

/** Members with every slot whole, and all keys written: the last half after `between`. */
async function fill(count: number, between: () => Promise<void> = async () => undefined): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    members.push(await run(cluster.join(`m${number}`, { onFrozen: ({ code }) => waited.push(code) })));
  }
  await until(isWhole);
  await writeAll(0, KEYS.length / 2);
  await between();
  await writeAll(KEYS.length / 2, KEYS.length);
}

async function writeAll(from: number, to: number): Promise<void> {
  const [ada] = members;
  await run(Promise.all(KEYS.slice(from, to).map((key) => must(ada, 'member').mesh.put(key, `value of ${key}`))));
}

async function readAll(reader = must(members[0], 'member')): Promise<void> {
  const read = await run(Promise.all(KEYS.map((key) => reader.mesh.get(key))));
  expect(read).toEqual(KEYS.map((key) => `value of ${key}`));
}

async function restartWithout(file: Uint8Array | undefined): Promise<void> {
  await cluster.stopRegistrar();
  if (file === undefined) cluster.tables.files.delete('main');
  else cluster.tables.files.set('main', file);
  cluster.startRegistrar();
}

async function adopt(by = must(members[0], 'member'), write = true) {
  return run(by.rendezvous.request('adopt', { write }));
}

describe.each([1, 2, 3])('with %i copies', (replicas) => {
  beforeEach(() => begin(replicas));

  test.each(['lost', 'old'])(
    'a table file that is %s: nothing changes, adopt, and all keys are there',
    async (kind) => {
      let old: Uint8Array | undefined;
      await fill(replicas + 1, async () => {
        old = cluster.tables.files.get('main');
        members.push(await run(cluster.join('later')));
        await until(isWhole);
      });
      await restartWithout(kind === 'old' ? old : undefined);
      await until(areFrozen);
      expect(waited).toEqual([]);
      const before = cluster.rows();
      await readAll();

      const asked = await adopt(members[0], false);
      expect(asked).toMatchObject({ missing: [], lost: 0, written: false });
      expect(asked.reported.map(({ name }) => name).toSorted()).toEqual([
        'later',
        ...members.slice(0, -1).map((_, number) => `m${number}`),
      ]);
      await readAll();
      expect(cluster.rows()).toEqual(before);

      expect(await adopt()).toMatchObject({ written: true });
      await until(isWhole);
      for (const member of members) await readAll(member);
      await run(must(members[1], 'member').mesh.put('key 0', 'value of key 0'));
      expect(cluster.rows().every(({ epoch }) => epoch > 1_000)).toBe(true);
    },
  );
});

test('processes that were started since wait with their disks, report them, and all keys are there', async () => {
  await fill(3);
  await cluster.stopRegistrar();
  cluster.tables.files.delete('main');
  const disks = members.map((member) => cluster.kill(member));
  for (const one of members) for (const other of members) cluster.network.heal(one.mesh.id, other.mesh.id);
  cluster.startRegistrar();
  const frozen: string[] = [];
  const joining = disks.map((storage, number) =>
    cluster.join(`m${number}`, { storage, onFrozen: ({ code }) => frozen.push(code) }),
  );
  await clock.advance(20_000);
  expect(new Set(frozen)).toEqual(new Set(['stale-table']));
  const operator = cluster.connect();

  const adopted = await run(operator.request('adopt', { write: true }));
  expect(adopted).toMatchObject({ missing: [], lost: 0, written: true });
  expect(adopted.reported.map(({ name }) => name).toSorted()).toEqual(['m0', 'm1', 'm2']);

  members = await run(Promise.all(joining));
  await until(isWhole);
  await readAll();
  await run(operator.close());
});

test('says who is missing; their slots are lost until they are back, and then all keys are there', async () => {
  begin(1);
  await fill(2);
  const [ada, ben] = members as [ClusterMember, ClusterMember];
  const disk = cluster.kill(ben);
  members = [ada];
  await restartWithout(undefined);
  await until(areFrozen);

  expect(await adopt(ada)).toMatchObject({ reported: [{ name: 'm0' }], missing: [{ id: ben.mesh.id }], lost: 8 });
  await until(() => ada.mesh.status().health.lost === 8);

  cluster.network.heal(ada.mesh.id, ben.mesh.id);
  members.push(await run(cluster.join('m1', { storage: disk })));
  await until(isWhole);
  await readAll();
});

test('who was told to stop answers nothing and gives no lease until there is a table', async () => {
  await fill(2);
  const [ada, ben] = members as [ClusterMember, ClusterMember];
  await restartWithout(undefined);
  await until(areFrozen);
  const adopting = ada.rendezvous.request('adopt', { write: true });
  await clock.advance(50);

  const reads = Promise.all(
    KEYS.map((key) => ben.mesh.get(key, { timeoutMs: 2_000 }).catch((error: unknown) => toMeshError(error).code)),
  );
  expect(new Set(await run(reads))).toEqual(new Set(['deadline']));

  await run(adopting);
  await until(isWhole);
  await readAll(ben);
});

test('an owner that is missing, and unaware, answers nothing older once a copy of it is adopted', async () => {
  await fill(2);
  const [ada, ben] = members as [ClusterMember, ClusterMember];
  const owned = new Set(ada.mesh.slots().flatMap(({ slot, owner }) => (owner === ada.mesh.id ? [slot] : [])));
  const key = must(
    KEYS.find((each) => owned.has(slotOfKey(requireKey(each), SLOTS))),
    'key of hers',
  );
  ada.rendezvous.cut();
  members = [ben];
  await restartWithout(undefined);
  await until(areFrozen);

  expect(await adopt(ben)).toMatchObject({ missing: [{ id: ada.mesh.id }], lost: 0, written: true });
  await run(ben.mesh.put(key, 'newer'));
  const read = ada.mesh.get(key, { timeoutMs: 1_000 });

  await expect(run(read)).rejects.toMatchObject({ code: 'deadline' });
  ada.rendezvous.restore();
  await until(() => ada.mesh.status().registrar === 'connected');
  expect(await run(ada.mesh.get(key))).toBe('newer');
});

test('members that were stopped go on when the right file is back instead', async () => {
  await fill(2);
  const right = must(cluster.tables.files.get('main'), 'file');
  await restartWithout(undefined);
  await until(areFrozen);
  const adopting = must(members[0], 'member').rendezvous.request('adopt', { write: true });
  adopting.catch(() => undefined);
  await clock.advance(1_000);

  await restartWithout(right);

  await expect(run(adopting)).rejects.toMatchObject({ code: 'closed' });
  await until(isWhole);
  await readAll();
});
