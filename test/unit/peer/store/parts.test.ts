// The small parts of the store, each at its bounds.

import {
  createDeferred,
  limits,
  makeRequestId,
  requireKey,
  type Configuration,
  type Incarnation,
  type Key,
  type PeerId,
  type RequestId,
  type Slot,
} from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { createBulkPlaces } from '../../../../peer/src/store/bulk-places.ts';
import { createElapsedClock } from '@shoal/shared';
import { createKeyLocks } from '../../../../peer/src/store/key-locks.ts';
import { createProposals } from '../../../../peer/src/store/proposals.ts';
import { nextStep, planHandOffs } from '../../../../peer/src/store/rebalance.ts';
import { createRetryMemory } from '../../../../peer/src/store/retry-memory.ts';
import { createValueCache } from '../../../../peer/src/store/value-cache.ts';
import { createWaiters } from '../../../../peer/src/store/waiters.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';

const life = 'e'.repeat(16) as Incarnation;
const id = (n: number): RequestId => makeRequestId(life, n);
const slot = (n: number): Slot => n as Slot;
const key = (text: string): Key => requireKey(text);
const version = (counter: number) => ({ epoch: 1, counter });
const head = (counter: number, sizeBytes = 0) => ({
  version: version(counter),
  requestId: id(counter),
  tombstone: false,
  contentNamed: false,
  mediaType: '',
  sizeBytes,
  writtenAtMs: 0,
});

describe('elapsed time', () => {
  test('counts the smaller and the larger of both clocks, and never back', async () => {
    const clock = createVirtualClock();
    const elapsed = createElapsedClock(clock);
    await clock.advance(100);
    clock.stepWall(3_600_000);
    expect(elapsed.read()).toEqual({ shorterMs: 100, longerMs: 3_600_100 });
    clock.stepWall(-7_200_000);
    await clock.advance(50);

    expect(elapsed.read()).toEqual({ shorterMs: 100, longerMs: 3_600_150 });
  });

  test('goes neither slow nor fast when it is read often, though wall clocks count whole milliseconds', () => {
    let nowMs = 0;
    const clock = { monotonicMs: () => nowMs, wallMs: () => Math.floor(nowMs), setTimer: () => () => undefined };
    const elapsed = createElapsedClock(clock);
    for (; nowMs < 10_000; nowMs += 0.1) elapsed.read();

    const { shorterMs, longerMs } = elapsed.read();
    expect(shorterMs).toBeGreaterThan(9_850);
    expect(longerMs).toBeLessThan(10_150);
  });
});

describe('retry memory', () => {
  test('finds what was done for two minutes', async () => {
    const clock = createVirtualClock();
    const memory = createRetryMemory(createElapsedClock(clock));
    memory.open(slot(1), Infinity, []);
    memory.add(slot(1), id(1), version(1));
    await clock.advance(119_000);
    expect(memory.find(id(1))).toEqual(version(1));
    await clock.advance(2_000);
    memory.add(slot(1), id(2), version(2));

    expect(memory.find(id(1))).toBeUndefined();
    expect(memory.size).toBe(1);
  });

  test('gives a learner nothing that is too old to count', async () => {
    const clock = createVirtualClock();
    const memory = createRetryMemory(createElapsedClock(clock));
    memory.open(slot(1), Infinity, []);
    memory.add(slot(1), id(1), version(1));
    await clock.advance(100_000);
    memory.add(slot(1), id(2), version(2));
    await clock.advance(21_000);

    expect(memory.export(slot(1), 10).remembered).toEqual([{ id: id(2), version: version(2), ageMs: 21_000 }]);
  });

  test('reaches back to when the slot was opened, and as far as its ids came with it', async () => {
    const clock = createVirtualClock();
    const memory = createRetryMemory(createElapsedClock(clock));
    expect(memory.reachMs(slot(1))).toBe(0);
    memory.open(slot(1), 0, []);
    memory.open(slot(2), 5_000, [{ id: id(9), version: version(9), ageMs: 4_000 }]);
    memory.open(slot(3), Infinity, []);
    await clock.advance(1_000);

    expect([1, 2, 3].map((n) => memory.reachMs(slot(n)))).toEqual([1_000, 6_000, limits.retryMemoryMs]);
    expect(memory.export(slot(2), 10)).toEqual({
      remembered: [{ id: id(9), version: version(9), ageMs: 5_000 }],
      reachMs: 6_000,
    });
    memory.close(slot(2));
    expect(memory.find(id(9))).toBeUndefined();
    expect(memory.reachMs(slot(2))).toBe(0);
  });

  test('full, it forgets the oldest and reaches less far back', async () => {
    const clock = createVirtualClock();
    const memory = createRetryMemory(createElapsedClock(clock), { maxIds: 3 });
    memory.open(slot(1), Infinity, []);
    for (let n = 1; n <= 5; n += 1) {
      memory.add(slot(1), id(n), version(n));
      await clock.advance(1_000);
    }

    expect([1, 2, 3, 4, 5].filter((n) => memory.find(id(n)) !== undefined)).toEqual([3, 4, 5]);
    expect(memory.reachMs(slot(1))).toBe(4_000);
  });

  test('what does not fit into a hand-off shortens its reach', async () => {
    const clock = createVirtualClock();
    const memory = createRetryMemory(createElapsedClock(clock));
    memory.open(slot(1), Infinity, []);
    for (let n = 1; n <= 5; n += 1) {
      memory.add(slot(1), id(n), version(n));
      await clock.advance(1_000);
    }

    const { remembered, reachMs } = memory.export(slot(1), 2);

    expect(remembered.map((each) => each.id)).toEqual([id(4), id(5)]);
    expect(reachMs).toBe(2_000);
  });
});

describe('key locks', () => {
  test('reads share, a write is alone, and all keep their turn', async () => {
    const locks = createKeyLocks();
    const order: string[] = [];
    const take = (name: string, mode: 'read' | 'write') =>
      locks.acquire([key('a')], mode).then((release) => {
        order.push(name);
        return release;
      });
    const [first, second] = await Promise.all([take('read 1', 'read'), take('read 2', 'read')]);
    const write = take('write', 'write');
    const third = take('read 3', 'read');
    await Promise.resolve();
    expect(order).toEqual(['read 1', 'read 2']);

    first();
    second();
    (await write)();
    (await third)();

    expect(order).toEqual(['read 1', 'read 2', 'write', 'read 3']);
    expect(locks.size).toBe(0);
  });

  test('writes of the same keys in another order do not wait for each other for ever', async () => {
    const locks = createKeyLocks();
    const write = async (keys: readonly string[]) => {
      const release = await locks.acquire(keys.map(key), 'write');
      await Promise.resolve();
      release();
    };

    await Promise.all(Array.from({ length: 50 }, (_, n) => write(n % 2 === 0 ? ['a', 'b', 'c'] : ['c', 'b', 'a'])));

    expect(locks.size).toBe(0);
  });

  test('who aborts leaves the queue, and those behind go on', async () => {
    const locks = createKeyLocks();
    const release = await locks.acquire([key('a')], 'read');
    const stop = new AbortController();
    const write = locks.acquire([key('a')], 'write', stop.signal);
    const failed = expect(write).rejects.toMatchObject({ code: 'aborted' });
    const read = locks.acquire([key('a')], 'read');
    stop.abort();
    await failed;

    (await read)();
    release();

    expect(locks.size).toBe(0);
  });

  test('a full queue says busy', async () => {
    const locks = createKeyLocks(1);
    const release = await locks.acquire([key('a')], 'write');
    const second = locks.acquire([key('a')], 'write');

    await expect(locks.acquire([key('a')], 'write')).rejects.toMatchObject({ code: 'busy' });

    release();
    (await second)();
    expect(locks.size).toBe(0);
  });
});

describe('waiters', () => {
  test('are woken by their slot or their key, and leave when they abort', async () => {
    const waiters = createWaiters();
    const woken: string[] = [];
    const stop = new AbortController();
    const wait = (name: string, n: number, text?: string) =>
      waiters.wait(slot(n), { signal: stop.signal, ...(text === undefined ? {} : { key: key(text) }) }).then(
        () => woken.push(name),
        () => woken.push(`${name} aborted`),
      );
    const all = Promise.all([wait('slot 1', 1), wait('key a', 1, 'a'), wait('key b', 1, 'b'), wait('slot 2', 2)]);
    waiters.wakeKey(slot(1), key('a'));
    await createVirtualClock().settle();
    expect(woken).toEqual(['key a']);
    waiters.wake(slot(1));
    stop.abort();
    await all;

    expect(woken.toSorted()).toEqual(['key a', 'key b', 'slot 1', 'slot 2 aborted']);
    expect(waiters.size).toBe(0);
  });

  test('are bounded for each slot and for waiting gets', async () => {
    const waiters = createWaiters({ maxOfSlot: 2, maxOfKeys: 1 });
    const { signal } = new AbortController();
    void waiters.wait(slot(1), { signal, key: key('a') });
    void waiters.wait(slot(1), { signal });

    await expect(waiters.wait(slot(1), { signal })).rejects.toMatchObject({ code: 'busy' });
    await expect(waiters.wait(slot(2), { signal, key: key('b') })).rejects.toMatchObject({ code: 'busy' });

    waiters.wakeAll();
    expect(waiters.size).toBe(0);
  });
});

describe('value cache', () => {
  test('is bounded in bytes, keeps no value over its share, and forgets other stays', () => {
    const cache = createValueCache(64 * 1024);
    for (let n = 0; n < 100; n += 1) cache.put(key(`key ${n}`), 1, { head: head(n), value: new Uint8Array(4_000) });
    expect(cache.sizeBytes).toBeLessThanOrEqual(64 * 1024);
    expect(cache.get(key('key 0'), 1)).toBeUndefined();
    expect(cache.get(key('key 99'), 1)?.value).toHaveLength(4_000);

    cache.put(key('large'), 1, { head: head(1), value: new Uint8Array(9_000) });
    expect(cache.get(key('large'), 1)).toMatchObject({ head: head(1) });
    expect(cache.get(key('large'), 1)?.value).toBeUndefined();
    expect(cache.get(key('key 99'), 2)).toBeUndefined();
    expect(cache.get(key('key 99'), 1)).toBeUndefined();
  });

  test('keeps no large buffer alive for a small view', () => {
    const cache = createValueCache(64 * 1024);
    cache.put(key('a'), 1, { head: head(1), value: new Uint8Array(1_000_000).subarray(0, 10) });

    expect(cache.get(key('a'), 1)?.value?.buffer.byteLength).toBe(10);
  });
});

describe('rebalance', () => {
  const ada = 'a'.repeat(32) as PeerId;
  const ben = 'b'.repeat(32) as PeerId;

  test('begins what is wished, ready and linked, within its bounds', () => {
    const wish = Array.from({ length: 20 }, (_, n) => ({
      slot: slot(n),
      to: n % 2 === 0 ? ada : ben,
      purpose: 'add' as const,
    }));
    const plan = planHandOffs({
      wish,
      openTo: new Map([[ada, 1]]),
      isReady: (n) => n !== 2,
      isLinked: () => true,
      mostForEach: 3,
      mostInAll: 5,
    });

    expect(plan.map((move) => move.slot)).toEqual([0, 1, 3, 4]);
    expect(
      planHandOffs({
        wish,
        openTo: new Map(),
        isReady: () => true,
        isLinked: (to) => to === ben,
        mostForEach: 2,
        mostInAll: 9,
      }),
    ).toHaveLength(2);
  });
});

describe('the next step to the wished copies', () => {
  const [ada, ben, cleo, dan] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32) as PeerId) as [
    PeerId,
    PeerId,
    PeerId,
    PeerId,
  ];
  const row = (...copies: readonly PeerId[]): Configuration => ({
    slot: slot(1),
    epoch: 5,
    owner: ada,
    copies: copies.map((member) => ({ member, incarnation: '1'.repeat(16) as Incarnation, durability: 'strict' })),
    dropped: [],
    settled: true,
    emptyBefore: 1,
  });
  const step = (copies: readonly PeerId[], wished: readonly PeerId[], away: readonly PeerId[] = [], replicas = 2) =>
    nextStep(row(...copies), wished, { self: ada, replicas, canTake: (member) => !away.includes(member) });

  test.each([
    ['adds what is missing', step([ada], [ada, ben]), { slot: 1, to: ben, purpose: 'add' }],
    ['adds before it gives', step([ada, cleo], [ben, cleo]), { slot: 1, to: ben, purpose: 'add' }],
    ['gives to a backup', step([ada, cleo, ben], [ben, cleo]), { slot: 1, to: ben, purpose: 'give' }],
    ['drops what is left over', step([ada, ben, cleo], [ada, cleo]), { slot: 1, drop: ben }],
    ['keeps it while a wished copy is not well', step([ada, ben, cleo], [ada, cleo], [cleo]), undefined],
    ['keeps it while a wished copy is missing', step([ada, ben], [ada, cleo], [cleo]), undefined],
    [
      'adds who is there instead of waiting',
      step([ada], [ada, ben, cleo], [ben]),
      { slot: 1, to: cleo, purpose: 'add' },
    ],
    ['does not give to one that is not well', step([ada, ben], [ben, ada], [ben]), undefined],
    ['has nothing to do', step([ada, ben], [ada, ben]), undefined],
    ['moves the only copy', step([ada], [ben], [], 1), { slot: 1, to: ben, purpose: 'move' }],
    ['drops before it moves the only copy', step([ada, cleo], [ben], [], 1), { slot: 1, drop: cleo }],
    ['adds for a wish of one, if more could be had', step([ada], [dan], [], 2), { slot: 1, to: dan, purpose: 'add' }],
  ])('%s', (_name, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe('bulk places', () => {
  test('are few for each member, and given back once', async () => {
    const places = createBulkPlaces(2);
    const { signal } = new AbortController();
    const ben = 'b'.repeat(32) as PeerId;
    const [first] = await Promise.all([places.take(ben, signal), places.take(ben, signal)]);
    let isTaken = false;
    const third = places.take(ben, signal).then((release) => {
      isTaken = true;
      return release;
    });
    const stop = new AbortController();
    const fourth = expect(places.take(ben, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    stop.abort();
    await fourth;
    expect(isTaken).toBe(false);

    first();
    first();
    await third;

    expect(isTaken).toBe(true);
  });
});

describe('proposals', () => {
  test('what comes while one is out goes together in the next', async () => {
    const clock = createVirtualClock();
    const sent: number[] = [];
    const gate = createDeferred<void>();
    const proposals = createProposals({
      clock,
      applyRows: () => undefined,
      propose: async (changes) => {
        sent.push(changes.length);
        await gate.promise;
        return {
          proposalId: 1,
          slots: changes.map((change) => ({ slot: change.slot, written: change.slot !== 3 })),
          table: { term: 1, epoch: 1, rows: new Uint8Array(0) },
        };
      },
    });
    const add = (n: number) => proposals.add({ slot: slot(n), epoch: 1, change: { kind: 'settled' } });
    const early = [add(1), add(2)];
    await clock.settle();
    const late = [add(3), add(4), add(5)];
    await clock.settle();
    expect(sent).toEqual([2]);
    expect(proposals.isFlowing()).toBe(true);
    await clock.advance(1_500);
    expect(proposals.isFlowing()).toBe(false);

    gate.resolve();
    const outcomes = await Promise.all([...early, ...late]);

    expect(sent).toEqual([2, 3]);
    expect(outcomes.map(({ written }) => written)).toEqual([true, true, false, true, true]);
  });
});
