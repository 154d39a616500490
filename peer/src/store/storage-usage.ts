// What the storage says of itself now and then: bytes that are free, and what lies aside. Between two looks
// what was written is taken off.

import type { Logger } from '@shoal/shared';
import type { Storage } from '../ports/storage.ts';

export interface StorageUsage {
  freeBytes(): number;
  spent(bytes: number): void;
  aside(): { readonly records: number; readonly bytes: number };
  refreshFree(): Promise<void>;
  refreshAside(): Promise<void>;
}

export function createStorageUsage(deps: {
  readonly storage: Storage;
  readonly logger: Logger;
  isClosed(): boolean;
}): StorageUsage {
  let free = Infinity;
  let aside = { records: 0, bytes: 0 };
  const quietly = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!deps.isClosed()) deps.logger.warn('storage could not be asked', { error: String(error) });
    }
  };
  return {
    freeBytes: () => free,
    spent: (bytes) => void (free -= bytes),
    aside: () => aside,
    refreshFree: () => quietly(async () => void (free = await deps.storage.freeBytes())),
    refreshAside: () => quietly(async () => void (aside = await deps.storage.asideUsage())),
  };
}
