// Slots that are lost: what callers are told, and what an operator may and may not do (REPLICATION, rule 29).

import { afterEach, expect, test } from 'vitest';
import { createMemoryStorage } from '../../peer/src/adapters/memory/storage.ts';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;

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

/** ada was dropped, and has not got what only ben has: ben is killed. cleo looks on. */
async function adaOlderThanBen() {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas: 2 });
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  const cleo = await run(cluster.join('cleo', { kind: 'command' }));
  await until(() => ben.mesh.status().health.whole === SLOTS);
  await run(cleo.mesh.put('k', 'both have it'));
  const adasDisk = cluster.kill(ada);
  await until(() => cluster.rows().every(({ copies }) => copies.every(({ member }) => member === ben.mesh.id)));
  await run(cleo.mesh.put('k', 'ben alone has it'));
  await clock.advance(7_000);
  const bensDisk = cluster.kill(ben);
  for (const { mesh } of [ada, ben, cleo]) for (const other of [ada, ben]) cluster.network.heal(mesh.id, other.mesh.id);
  await until(() => cleo.mesh.status().health.lost === SLOTS);
  return { ada, ben, cleo, adasDisk, bensDisk };
}

function fails(mesh: ClusterMember['mesh'], code: string, text: string) {
  return Promise.all([
    expect(run(mesh.get('k', { timeoutMs: 2_000 }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    }),
    expect(run(mesh.put('k', 1, { timeoutMs: 2_000 }))).rejects.toMatchObject({ code }),
    expect(run(mesh.delete('k', { timeoutMs: 2_000 }))).rejects.toMatchObject({ code }),
  ]);
}

test('reads and writes fail with `lost` and say whom they wait for, until the newest copy is back', async () => {
  const { cleo, adasDisk, bensDisk } = await adaOlderThanBen();
  await fails(cleo.mesh, 'lost', 'waits for ');

  await run(cluster.join('ada', { storage: adasDisk }));
  await clock.advance(10_000);
  expect(cleo.mesh.slots()[0]?.waitsFor.members).toHaveLength(1);
  await fails(cleo.mesh, 'lost', 'waits for ben: start it, or see `shoal recover` and `shoal forget`.');

  await run(cluster.join('ben', { storage: bensDisk }));
  expect(await run(cleo.mesh.get('k'))).toBe('ben alone has it');
});

test('recover serves the newest copy that is left, and says how old it is', async () => {
  const { cleo, adasDisk, ada } = await adaOlderThanBen();
  await expect(run(cleo.mesh.recover())).rejects.toMatchObject({
    code: 'lost',
    message: expect.stringContaining('start a member that had one'),
  });
  await run(cluster.join('ada', { storage: adasDisk }));

  const { slots } = await run(cleo.mesh.recover());

  expect(slots).toHaveLength(SLOTS);
  for (const { from, ageMs } of slots) {
    expect(from).toBe(ada.mesh.id);
    expect(ageMs).toBeGreaterThan(7_000);
  }
  expect(await run(cleo.mesh.get('k'))).toBe('both have it');
  expect(await run(cleo.mesh.recover())).toEqual({ slots: [] });
});

test('S14 forget: refused while an older copy is left, for whoever is here, and for a name that nobody has', async () => {
  const { cleo, adasDisk, ben } = await adaOlderThanBen();
  await run(cluster.join('ada', { storage: adasDisk }));

  await expect(run(cleo.mesh.forget(ben.mesh.id))).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(/Older copies .* are left, one at ada: use recover/),
  });
  await expect(run(cleo.mesh.forget('ada'))).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('is here: have it leave, or see `shoal drain`'),
  });
  await expect(run(cleo.mesh.forget('nobody'))).rejects.toMatchObject({ code: 'no-member' });
  expect(cleo.mesh.status().health.lost).toBe(SLOTS);

  await run(cleo.mesh.recover());
  expect(await run(cleo.mesh.get('k'))).toBe('both have it');
});

test('forget gives up, empty, what only that member had', async () => {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas: 1 });
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await until(() => ben.mesh.status().members.every(({ slots }) => slots === SLOTS / 2));
  cluster.kill(ben);
  await until(() => ada.mesh.status().health.lost === SLOTS / 2);
  await clock.advance(5_000);

  expect(await run(ada.mesh.forget('ben'))).toEqual({ member: ben.mesh.id, slots: SLOTS / 2 });

  await until(() => ada.mesh.status().health.whole === SLOTS);
});

test('a write that finds no room says `storage-full`, whose it is and how much is free, and writes nothing', async () => {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(1), slotCount: SLOTS, replicas: 1 });
  const ada = await run(cluster.join('ada', { storage: createMemoryStorage({ freeBytes: () => 9_000_000 }) }));
  await clock.advance(10_000);

  await expect(run(ada.mesh.put('k', new Uint8Array(1_000_000)))).rejects.toMatchObject({
    code: 'storage-full',
    message: expect.stringMatching(/^No room for "k" \(1000000 bytes\): .* bytes left\.$/),
  });
  await run(ada.mesh.put('small', 1));

  expect(await run(ada.mesh.get('k'))).toBeUndefined();
});
