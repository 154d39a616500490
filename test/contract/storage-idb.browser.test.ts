import type { Slot } from '@shoal/shared';
import { expect, test, vi } from 'vitest';
import { createIdbStorage } from '../../web/src/adapters/idb-storage.ts';
import { POISON, put, storageContract } from './storage.contract.ts';

const SLOT = 7 as Slot;
let databases = 0;

function newName(): string {
  databases += 1;
  return `shoal-test-${Date.now()}-${databases}`;
}

function deleted(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error ?? new Error('not deleted'));
  });
}

/** A value that the browser can't store: its buffer was given away. */
function detached(): Uint8Array {
  const value = new Uint8Array(8);
  structuredClone(value.buffer, { transfer: [value.buffer] });
  return value;
}

storageContract('IndexedDB', async () => {
  const name = newName();
  let storage = await createIdbStorage(name);
  return {
    storage,
    poison: POISON,
    poisoned: (slot) => put(slot, POISON, detached()),
    reopen: async () => {
      await storage.close();
      storage = await createIdbStorage(name);
      return storage;
    },
    vanish: () => deleted(name),
    dispose: async () => {
      await storage.close();
      await deleted(name);
    },
  };
});

test('records are written relaxed, facts strictly, and many writes share a transaction', async () => {
  const name = newName();
  const storage = await createIdbStorage(name);
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction');

  await Promise.all(Array.from({ length: 100 }, (_, n) => storage.write([put(SLOT, `key ${n}`, 'x')])));
  const transactions = spy.mock.calls.length;
  await storage.putMeta('identity', new Uint8Array(32));

  expect(transactions).toBeLessThan(10);
  expect(
    spy.mock.calls
      .slice(0, transactions)
      .every(([, mode, options]) => mode === 'readwrite' && options?.durability === 'relaxed'),
  ).toBe(true);
  expect(spy.mock.calls.at(-1)?.[2]).toEqual({ durability: 'strict' });
  expect(storage.durability).toBe('relaxed');
  spy.mockRestore();
  await storage.close();
  await deleted(name);
});

test('data that were cleared without closing the database are noticed at the next write', async () => {
  const name = newName();
  const storage = await createIdbStorage(name);
  const reasons: string[] = [];
  storage.onGone((reason) => reasons.push(reason));
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onerror = () => reject(request.error ?? new Error('not opened'));
    request.onsuccess = () => {
      const transaction = request.result.transaction(['meta', 'heads'], 'readwrite');
      transaction.objectStore('meta').clear();
      transaction.oncomplete = () => {
        request.result.close();
        resolve();
      };
    };
  });

  await expect(storage.write([put(SLOT, 'a', 'x')])).rejects.toMatchObject({ code: 'storage' });

  expect(reasons).toHaveLength(1);
  await storage.close();
  await deleted(name);
});

test('a browser that refuses is told of in one sentence', async () => {
  const spy = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  });

  await expect(createIdbStorage(newName())).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringContaining('allow site data'),
  });

  spy.mockRestore();
});

test('works where there is no navigator.storage, as on plain http', async () => {
  const spy = vi.spyOn(navigator, 'storage', 'get').mockReturnValue(undefined as never);
  const name = newName();
  const storage = await createIdbStorage(name);

  expect(await storage.freeBytes()).toBe(Infinity);
  await storage.write([put(SLOT, 'a', 'x')]);

  spy.mockRestore();
  await storage.close();
  await deleted(name);
});
