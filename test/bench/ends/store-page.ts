// Bare IndexedDB with relaxed durability, as a tab's member has it. Runs in a page: no imports but types.

import type { StoreOps } from './store.ts';

export function createStoreOps(): StoreOps {
  const put = (database: IDBDatabase, keys: readonly string[], value: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction('values', 'readwrite', { durability: 'relaxed' });
      for (const key of keys) transaction.objectStore('values').put(value, key);
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(transaction.error as Error);
    });
  return {
    each: (folder, count, bytes) =>
      withDatabase(folder, async (database) => {
        const value = new Uint8Array(bytes).fill(7);
        const samples: number[] = [];
        for (let number = 0; number < count; number += 1) {
          const beganAt = performance.now();
          await put(database, [`key ${number}`], value);
          samples.push((performance.now() - beganAt) * 1000);
        }
        return samples;
      }),
    batches: (folder, count, bytes, inBatch) =>
      withDatabase(folder, async (database) => {
        const value = new Uint8Array(bytes).fill(7);
        const beganAt = performance.now();
        for (let first = 0; first < count; first += inBatch) {
          const size = Math.min(inBatch, count - first);
          await put(
            database,
            Array.from({ length: size }, (_, at) => `key ${first + at}`),
            value,
          );
        }
        return performance.now() - beganAt;
      }),
  };
}

async function withDatabase<T>(name: string, work: (database: IDBDatabase) => Promise<T>): Promise<T> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('values');
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error as Error);
  });
  try {
    return await work(database);
  } finally {
    database.close();
    indexedDB.deleteDatabase(name);
  }
}
