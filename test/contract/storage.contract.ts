// What every `Storage` holds, whatever it is made of. Run for memory, disk and IndexedDB.

import { limits, requireKey, type Key, type Slot } from '@shoal/shared';
import type { Storage, StorageWrite } from '@shoal/peer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

export interface StorageUnderTest {
  readonly storage: Storage;
  /** Closes it and opens the same again, as a new process does. */
  reopen(): Promise<Storage>;
  /** A write of this key can't be carried out. */
  readonly poison: Key;
  poisoned(slot: Slot): StorageWrite;
  /** Takes the storage away under its member. */
  vanish(): Promise<void>;
  dispose(): Promise<void>;
}

export const POISON = requireKey('poison');

const SLOT = 7 as Slot;
const OTHER = 0x1ff as Slot;
const encoder = new TextEncoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function put(slot: Slot, key: string, value: string | Uint8Array | undefined): StorageWrite {
  const record = { head: bytes(`head of ${key}`), value: typeof value === 'string' ? bytes(value) : value };
  return { kind: 'put', slot, key: requireKey(key), record };
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

async function keysOf(storage: Storage, slot: Slot, afterKey?: Key): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.scan(slot, afterKey === undefined ? {} : { afterKey })) keys.push(key);
  return keys;
}

export function storageContract(name: string, make: () => Promise<StorageUnderTest>): void {
  describe(`Storage contract: ${name}`, () => {
    let under: StorageUnderTest;
    let storage: Storage;

    beforeEach(async () => {
      under = await make();
      storage = under.storage;
    });
    afterEach(() => under.dispose());

    const valueOf = async (key: string, slot = SLOT): Promise<string | undefined> =>
      text((await storage.get(slot, requireKey(key)))?.value);

    test('gives back what was put, head and value', async () => {
      await storage.write([put(SLOT, 'a', 'one')]);

      const record = await storage.get(SLOT, requireKey('a'));

      expect(text(record?.head)).toBe('head of a');
      expect(text(record?.value)).toBe('one');
      expect(text(await storage.getHead(SLOT, requireKey('a')))).toBe('head of a');
    });

    test('has nothing under a key that was not put, nor under the same key of another slot', async () => {
      await storage.write([put(SLOT, 'a', 'one')]);

      expect(await storage.get(SLOT, requireKey('b'))).toBeUndefined();
      expect(await storage.get(OTHER, requireKey('a'))).toBeUndefined();
      expect(await storage.getHead(OTHER, requireKey('a'))).toBeUndefined();
    });

    test('replaces a value, also by a tombstone without one', async () => {
      await storage.write([put(SLOT, 'a', 'one')]);
      await storage.write([put(SLOT, 'a', 'two')]);
      expect(await valueOf('a')).toBe('two');

      await storage.write([put(SLOT, 'a', undefined)]);

      const record = await storage.get(SLOT, requireKey('a'));
      expect(text(record?.head)).toBe('head of a');
      expect(record?.value).toBeUndefined();
    });

    test('keeps an empty value apart from none', async () => {
      await storage.write([put(SLOT, 'a', '')]);

      expect((await storage.get(SLOT, requireKey('a')))?.value).toEqual(new Uint8Array(0));
    });

    test('deletes', async () => {
      await storage.write([put(SLOT, 'a', 'one'), put(SLOT, 'b', 'two')]);

      await storage.write([{ kind: 'delete', slot: SLOT, key: requireKey('a') }]);

      expect(await storage.get(SLOT, requireKey('a'))).toBeUndefined();
      expect(await keysOf(storage, SLOT)).toEqual(['b']);
    });

    test('carries out a batch of several slots in its order', async () => {
      await storage.write([
        put(SLOT, 'a', 'one'),
        put(OTHER, 'b', 'two'),
        put(SLOT, 'a', 'three'),
        { kind: 'delete', slot: OTHER, key: requireKey('b') },
      ]);

      expect(await valueOf('a')).toBe('three');
      expect(await valueOf('b', OTHER)).toBeUndefined();
    });

    test('writes all of a batch or none', async () => {
      await expect(
        storage.write([put(SLOT, 'a', 'one'), under.poisoned(SLOT), put(SLOT, 'b', 'two')]),
      ).rejects.toMatchObject({ name: 'MeshError' });

      expect(await keysOf(storage, SLOT)).toEqual([]);
    });

    test('a batch that fails does not take along the 63 beside it', async () => {
      const writes = Array.from({ length: 64 }, (_, n) =>
        n === 31 ? storage.write([under.poisoned(SLOT)]) : storage.write([put(SLOT, `key ${n}`, `${n}`)]),
      );

      const outcomes = await Promise.allSettled(writes);

      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
      expect(outcomes[31]).toMatchObject({ status: 'rejected', reason: { name: 'MeshError', code: 'storage' } });
      expect(await keysOf(storage, SLOT)).toHaveLength(63);
    });

    test('goes on after a failed batch', async () => {
      await storage.write([under.poisoned(SLOT)]).catch(() => undefined);

      await storage.write([put(SLOT, 'a', 'one')]);

      expect(await valueOf('a')).toBe('one');
    });

    test('writes that are called for at once all arrive, the last call of a key wins', async () => {
      await Promise.all(Array.from({ length: 300 }, (_, n) => storage.write([put(SLOT, `key ${n % 100}`, `${n}`)])));

      expect(await keysOf(storage, SLOT)).toHaveLength(100);
      for (const n of [0, 50, 99]) expect(await valueOf(`key ${n}`)).toBe(`${200 + n}`);
    });

    test('scans the heads of one slot in order, each once', async () => {
      const names = Array.from({ length: 600 }, (_, n) => `k${n.toString().padStart(4, '0')}`);
      await storage.write([
        ...names.toReversed().map((key) => put(SLOT, key, key)),
        put(OTHER, 'x', 'x'),
        put(8 as Slot, 'y', 'y'),
        put(6 as Slot, 'z', 'z'),
      ]);

      expect(await keysOf(storage, SLOT)).toEqual(names);
    });

    test('takes a scan up again behind a key', async () => {
      await storage.write(['a', 'b', 'c', 'd'].map((key) => put(SLOT, key, key)));

      expect(await keysOf(storage, SLOT, requireKey('b'))).toEqual(['c', 'd']);
      expect(await keysOf(storage, SLOT, requireKey('bb'))).toEqual(['c', 'd']);
      expect(await keysOf(storage, SLOT, requireKey('d'))).toEqual([]);
    });

    test('keys of all kinds keep to their slot', async () => {
      const names = ['a/b', 'a:b', 'ä', '~chunk/x', '0', '/', ':', ';', '\u0000', '\uffff', '🐟', 'a\nb'];
      await storage.write(names.map((key) => put(SLOT, key, key)));
      await storage.write([put(8 as Slot, '0', 'other')]);

      expect((await keysOf(storage, SLOT)).toSorted()).toEqual(names.toSorted());
      for (const key of names) expect(await valueOf(key)).toBe(key);
      const [first] = await keysOf(storage, SLOT);
      expect(await keysOf(storage, SLOT, requireKey(first))).toHaveLength(names.length - 1);
    });

    test('writes while a scan stands still are not held up', async () => {
      await storage.write(Array.from({ length: 600 }, (_, n) => put(SLOT, `key ${n}`, 'x')));
      const scan = storage.scan(SLOT)[Symbol.asyncIterator]();
      await scan.next();

      await storage.write([put(SLOT, 'late', 'x'), put(OTHER, 'late', 'x')]);

      expect(await valueOf('late', OTHER)).toBe('x');
      let rest = 0;
      while ((await scan.next()).done !== true) rest += 1;
      expect(rest).toBeGreaterThanOrEqual(599);
    });

    test('a scan ends when its signal aborts', async () => {
      await storage.write([put(SLOT, 'a', 'x'), put(SLOT, 'b', 'x')]);
      const stop = new AbortController();
      const seen: string[] = [];

      const scan = (async () => {
        for await (const { key } of storage.scan(SLOT, { signal: stop.signal })) {
          seen.push(key);
          stop.abort();
        }
      })();

      await expect(scan).rejects.toThrow();
      expect(seen).toEqual(['a']);
    });

    test('names the slots that hold something, ascending', async () => {
      expect(await storage.slots()).toEqual([]);
      await storage.write([
        put(OTHER, 'a', 'x'),
        put(4095 as Slot, 'b', 'x'),
        put(SLOT, 'c', 'x'),
        put(SLOT, 'd', 'x'),
        put(0 as Slot, 'e', 'x'),
      ]);
      await storage.write([{ kind: 'delete', slot: 0 as Slot, key: requireKey('e') }]);

      expect(await storage.slots()).toEqual([7, 511, 4095]);
    });

    test('takes the largest value', async () => {
      const value = new Uint8Array(limits.valueBytes);
      for (let place = 0; place < value.length; place += 4_099) value[place] = place % 251;

      await storage.write([put(SLOT, 'large', value)]);

      const stored = (await storage.get(SLOT, requireKey('large')))?.value;
      expect(stored?.byteLength).toBe(limits.valueBytes);
      for (let place = 0; place < value.length; place += 4_099)
        if (stored?.[place] !== place % 251) throw new Error(`byte ${place} differs`);
    });

    test('takes views on larger buffers, and what is read lies at a multiple of 8', async () => {
      const frame = new Uint8Array(100_000).fill(1);
      const value = frame.subarray(13, 4_013);

      await storage.write([put(SLOT, 'view', value)]);
      frame.fill(9);

      const stored = (await storage.get(SLOT, requireKey('view')))?.value;
      expect(stored?.byteLength).toBe(4_000);
      expect(stored?.every((byte) => byte === 1)).toBe(true);
      expect((stored?.byteOffset ?? 1) % 8).toBe(0);
    });

    test('puts records aside: kept and counted, not found', async () => {
      await storage.write([put(SLOT, 'a', 'one'), put(SLOT, 'b', 'two')]);
      expect(await storage.asideUsage()).toEqual({ records: 0, bytes: 0 });

      await storage.write([{ kind: 'aside', slot: SLOT, key: requireKey('a') }]);
      await storage.write([put(SLOT, 'a', 'again')]);
      await storage.write([
        { kind: 'aside', slot: SLOT, key: requireKey('a') },
        { kind: 'aside', slot: SLOT, key: requireKey('not there') },
      ]);

      expect(await keysOf(storage, SLOT)).toEqual(['b']);
      const usage = { records: 2, bytes: 2 * 'head of a'.length + 'one'.length + 'again'.length };
      expect(await storage.asideUsage()).toEqual(usage);
      storage = await under.reopen();
      expect(await storage.asideUsage()).toEqual(usage);
    });

    test('keeps named facts apart from records', async () => {
      await storage.putMeta('identity', bytes('secret'));
      await storage.putMeta('identity', bytes('other'));

      expect(text(await storage.getMeta('identity'))).toBe('other');
      expect(await storage.getMeta('mesh')).toBeUndefined();
      expect(await storage.slots()).toEqual([]);
      expect((await storage.asideUsage()).records).toBe(0);
    });

    test('a new process finds everything', async () => {
      await storage.putMeta('identity', bytes('secret'));
      await storage.write([put(SLOT, 'a', 'one'), put(OTHER, 'b', 'two'), put(SLOT, 'dead', undefined)]);

      storage = await under.reopen();

      expect(text(await storage.getMeta('identity'))).toBe('secret');
      expect(await valueOf('a')).toBe('one');
      expect(await valueOf('b', OTHER)).toBe('two');
      expect(await keysOf(storage, SLOT)).toEqual(['a', 'dead']);
      expect(await storage.slots()).toEqual([7, 511]);
    });

    test('says how much is free', async () => {
      expect(await storage.freeBytes()).toBeGreaterThan(0);
    });

    test('everything rejects `closed` after close, which may be called twice', async () => {
      await storage.write([put(SLOT, 'a', 'x')]);
      await storage.close();
      await storage.close();

      const closed = { name: 'MeshError', code: 'closed' };
      await expect(storage.get(SLOT, requireKey('a'))).rejects.toMatchObject(closed);
      await expect(storage.getHead(SLOT, requireKey('a'))).rejects.toMatchObject(closed);
      await expect(storage.write([put(SLOT, 'a', 'x')])).rejects.toMatchObject(closed);
      await expect(storage.slots()).rejects.toMatchObject(closed);
      await expect(storage.getMeta('a')).rejects.toMatchObject(closed);
      await expect(storage.putMeta('a', bytes('x'))).rejects.toMatchObject(closed);
      await expect(keysOf(storage, SLOT)).rejects.toMatchObject(closed);
      await expect(storage.freeBytes()).rejects.toMatchObject(closed);
      await expect(storage.asideUsage()).rejects.toMatchObject(closed);
    });

    test('close waits for the writes that were called for', async () => {
      const write = storage.write([put(SLOT, 'a', 'x')]);
      await storage.close();

      await write;

      storage = await under.reopen();
      expect(await valueOf('a')).toBe('x');
    });

    test('tells once when it goes away, and acknowledges nothing any more', async () => {
      const reasons: string[] = [];
      storage.onGone((reason) => reasons.push(reason));
      const stop = storage.onGone(() => reasons.push('unsubscribed'));
      stop();

      await under.vanish();

      await expect.poll(() => reasons, { timeout: 5_000 }).toHaveLength(1);
      await expect(storage.write([put(SLOT, 'a', 'x')])).rejects.toMatchObject({ name: 'MeshError' });
      expect(reasons).toHaveLength(1);
    });
  });
}
