// A cut between two members that a third reaches: leases, copies and requests go over the third.

import { requireKey, slotOfKey } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SLOTS = 16;
const KEYS = Array.from({ length: 40 }, (_, number) => `key ${number}`);

let clock: VirtualClock;
let cluster: Cluster;
let ada: ClusterMember;
let ben: ClusterMember;
let cleo: ClusterMember;

beforeEach(async () => {
  clock = createVirtualClock();
  cluster = createCluster({ clock, random: createSeededRandom(5), slotCount: SLOTS, replicas: 2 });
  ada = await run(cluster.join('ada'));
  ben = await run(cluster.join('ben'));
});

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

function isWhole(): boolean {
  const rows = cluster.rows();
  return rows.length === SLOTS && rows.every(({ copies, settled }) => copies.length === 2 && settled);
}

function linkOf(from: ClusterMember, to: ClusterMember) {
  return from.mesh.status().members.find(({ id }) => id === to.mesh.id)?.link;
}

const isForwarded = (): boolean => linkOf(ada, ben)?.via === cleo.mesh.id && linkOf(ben, ada)?.via === cleo.mesh.id;

async function shareApart(): Promise<void> {
  cleo = await run(cluster.join('cleo'));
  await until(isWhole);
  cluster.network.cut(ada.mesh.id, ben.mesh.id);
  await until(() => isForwarded() && isWhole());
}

/** Slots whose two copies are on Ada and Ben, by owner. */
function sharedSlots(owner: ClusterMember): readonly number[] {
  const isOf = (member: ClusterMember, copies: readonly { readonly member: string }[]): boolean =>
    copies.some((copy) => copy.member === member.mesh.id);
  return cluster
    .rows()
    .filter((row) => row.owner === owner.mesh.id && isOf(ada, row.copies) && isOf(ben, row.copies))
    .map(({ slot }) => slot);
}

const keysOf = (slots: readonly number[]): readonly string[] =>
  KEYS.filter((key) => slots.includes(slotOfKey(requireKey(key), SLOTS)));

describe('a cut between two that a third reaches', () => {
  test('leaves both with copies of the same slots, served and written under leases over the third', async () => {
    await shareApart();
    await until(() => sharedSlots(ada).length > 0 && sharedSlots(ben).length > 0);

    for (const [owner, other] of [
      [ada, ben],
      [ben, ada],
    ] as const) {
      const keys = keysOf(sharedSlots(owner));
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys) {
        expect((await run(other.mesh.put(key, 'over cleo', { minCopies: 2, timeoutMs: 2_000 }))).copies).toBe(2);
        expect(await run(owner.mesh.get(key, { timeoutMs: 2_000 }))).toBe('over cleo');
        expect(await run(other.mesh.get(key, { timeoutMs: 2_000 }))).toBe('over cleo');
      }
    }
  });

  test('changes no configuration once it is forwarded, in ten minutes', async () => {
    await shareApart();
    await clock.advance(10_000);
    const before = cluster.rows().map(({ slot, epoch }) => [slot, epoch]);

    await clock.advance(600_000);

    expect(cluster.rows().map(({ slot, epoch }) => [slot, epoch])).toEqual(before);
    expect(isForwarded()).toBe(true);
  });

  test('goes back to a direct link once it is healed, with everything there', async () => {
    await shareApart();

    cluster.network.heal(ada.mesh.id, ben.mesh.id);
    await until(() => linkOf(ada, ben)?.state === 'open' && linkOf(ada, ben)?.via === undefined);
    await until(isWhole);

    for (const key of KEYS) await run(ada.mesh.put(key, 1, { minCopies: 2 }));
    for (const key of KEYS) expect(await run(ben.mesh.get(key))).toBe(1);
  });
});

test('a get whose owner is cut off from the asker alone says so', async () => {
  await until(isWhole);
  cluster.network.cut(ada.mesh.id, ben.mesh.id);
  await clock.advance(12_000);
  const [away] = KEYS.filter((key) => {
    const row = cluster.rows()[slotOfKey(requireKey(key), SLOTS)];
    return row?.owner === ben.mesh.id;
  });
  const asker = away === undefined ? ben : ada;

  await expect(run(asker.mesh.get(away ?? KEYS[0] ?? '', { timeoutMs: 8_000 }))).rejects.toMatchObject({
    code: 'owner-away',
    message: expect.stringMatching(/could not be reached for 8000 ms \(directly: .*no member is linked to both/),
  });
});
