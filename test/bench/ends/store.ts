// Bare storage with the durability that a member of its kind has: what acknowledged puts are measured against.

import { ClassicLevel } from 'classic-level';

export interface StoreOps {
  /** Microseconds of each put into a store of its own, one at a time. */
  each(folder: string, count: number, bytes: number): Promise<readonly number[]>;
  /** Milliseconds for so many puts, so many in each batch. */
  batches(folder: string, count: number, bytes: number, inBatch: number): Promise<number>;
}

/** LevelDB, each write synced. */
export function createLevelOps(): StoreOps {
  return {
    each: (folder, count, bytes) =>
      withStore(folder, async (store) => {
        const value = Buffer.alloc(bytes, 7);
        const samples: number[] = [];
        for (let number = 0; number < count; number += 1) {
          const beganAt = performance.now();
          await store.put(`key ${number}`, value, { sync: true });
          samples.push((performance.now() - beganAt) * 1000);
        }
        return samples;
      }),
    batches: (folder, count, bytes, inBatch) =>
      withStore(folder, async (store) => {
        const value = Buffer.alloc(bytes, 7);
        const beganAt = performance.now();
        for (let first = 0; first < count; first += inBatch) {
          const batch = Array.from({ length: Math.min(inBatch, count - first) }, (_, at) => ({
            type: 'put' as const,
            key: `key ${first + at}`,
            value,
          }));
          await store.batch(batch, { sync: true });
        }
        return performance.now() - beganAt;
      }),
  };
}

async function withStore<T>(folder: string, work: (store: ClassicLevel<string, Buffer>) => Promise<T>): Promise<T> {
  const store = new ClassicLevel<string, Buffer>(folder, { valueEncoding: 'buffer' });
  await store.open();
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
