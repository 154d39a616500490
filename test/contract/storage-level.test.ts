import { ClassicLevel } from 'classic-level';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Slot } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openLevelStorage } from '../../node-peer/src/adapters/level-storage.ts';
import { POISON, put, storageContract } from './storage.contract.ts';

const SLOT = 7 as Slot;

async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'shoal-level-'));
}

interface Batching {
  batch(operations: readonly { readonly key: string }[], options: { readonly sync?: boolean }): Promise<void>;
}

/** The real disk, except that batches with the poisoned key fail as on a broken one. */
function poisonBatches(): () => void {
  const prototype = ClassicLevel.prototype as unknown as Batching;
  const real = prototype.batch;
  const spy = vi.spyOn(prototype, 'batch').mockImplementation(function (this: Batching, operations, options) {
    if (operations.some(({ key }) => key.endsWith(POISON)))
      return Promise.reject(new Error('IO error: the disk is broken here'));
    return real.call(this, operations, options);
  });
  return () => spy.mockRestore();
}

storageContract('disk', async () => {
  const folder = await newFolder();
  const restore = poisonBatches();
  let storage = await openLevelStorage(folder);
  return {
    storage,
    poison: POISON,
    poisoned: (slot) => put(slot, POISON, 'x'),
    reopen: async () => {
      await storage.close();
      storage = await openLevelStorage(folder);
      return storage;
    },
    vanish: () => rm(folder, { recursive: true }),
    dispose: async () => {
      restore();
      await storage.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

describe('storage on disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await newFolder();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('every batch is synced before it is acknowledged, and many share one', async () => {
    const storage = await openLevelStorage(folder);
    const spy = vi.spyOn(ClassicLevel.prototype as unknown as Batching, 'batch');

    await Promise.all(Array.from({ length: 100 }, (_, n) => storage.write([put(SLOT, `key ${n}`, 'x')])));
    await storage.putMeta('identity', new Uint8Array(32));

    expect(spy.mock.calls.length).toBeLessThan(10);
    expect(spy.mock.calls.every(([, options]) => options.sync === true)).toBe(true);
    expect(storage.durability).toBe('strict');
    spy.mockRestore();
    await storage.close();
  });

  test('a folder that another has open is refused with one sentence that names it', async () => {
    const storage = await openLevelStorage(folder);

    const second = openLevelStorage(folder);

    await expect(second).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining(folder) });
    await storage.close();
    await (await openLevelStorage(folder)).close();
  });

  test('a place that can be no folder is refused', async () => {
    await expect(openLevelStorage('/dev/null/x')).rejects.toMatchObject({ code: 'storage' });
  });
});
