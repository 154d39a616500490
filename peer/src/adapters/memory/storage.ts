// `Storage` inside the process: for tests, simulations and members whose browser refuses a store. What a
// test may want of a bad disk (full, failing, slow, gone) can be set from outside.

import { MeshError, type Durability, type Key, type Slot } from '@shoal/shared';
import type { ScannedHead, Storage, StorageWrite, StoredRecord } from '../../ports/storage.ts';

export interface MemoryStorageOptions {
  readonly durability?: Durability;
  /** Asked before each batch: an error refuses it, a promise delays it. */
  readonly beforeWrite?: (batch: readonly StorageWrite[]) => Promise<void> | void;
  /** Asked before each read of a record. */
  readonly beforeRead?: (slot: Slot, key: Key) => Promise<void> | void;
  readonly freeBytes?: () => number;
}

export interface MemoryStorage extends Storage {
  /** What a process that dies leaves behind: the same records for a new one. Ends this storage. */
  reopen(): MemoryStorage;
  /** The storage is lost under its member. */
  vanish(reason: string): void;
}

interface Contents {
  readonly slots: Map<Slot, Map<Key, StoredRecord>>;
  readonly meta: Map<string, Uint8Array>;
  readonly aside: StoredRecord[];
}

export function createMemoryStorage(options: MemoryStorageOptions = {}): MemoryStorage {
  return openContents({ slots: new Map(), meta: new Map(), aside: [] }, options);
}

function openContents(contents: Contents, options: MemoryStorageOptions): MemoryStorage {
  let isClosed = false;
  let isGone = false;
  const listeners = new Set<(reason: string) => void>();
  const open = (): void => {
    if (isClosed) throw new MeshError('closed', 'This storage is closed.');
  };
  const writing = new Set<Promise<void>>();
  const close = async (): Promise<void> => {
    isClosed = true;
    listeners.clear();
    await Promise.allSettled(writing);
  };
  const writeBatch = async (batch: readonly StorageWrite[]): Promise<void> => {
    await options.beforeWrite?.(batch);
    if (isGone) throw new MeshError('storage', 'This storage is gone.');
    for (const write of batch) apply(contents, write);
  };

  return {
    durability: options.durability ?? 'relaxed',
    async get(slot, key) {
      open();
      await options.beforeRead?.(slot, key);
      return contents.slots.get(slot)?.get(key);
    },
    async getHead(slot, key) {
      open();
      await options.beforeRead?.(slot, key);
      return contents.slots.get(slot)?.get(key)?.head;
    },
    async write(batch) {
      open();
      const write = writeBatch(batch).finally(() => writing.delete(write));
      writing.add(write);
      await write;
    },
    async *scan(slot, { afterKey, signal } = {}): AsyncGenerator<ScannedHead> {
      open();
      const keys = [...(contents.slots.get(slot)?.keys() ?? [])].toSorted();
      for (const key of keys) {
        if (afterKey !== undefined && key <= afterKey) continue;
        signal?.throwIfAborted();
        open();
        const record = contents.slots.get(slot)?.get(key);
        if (record !== undefined) yield { key, head: record.head };
      }
    },
    async slots() {
      open();
      return [...contents.slots.keys()].toSorted((a, b) => a - b);
    },
    async getMeta(name) {
      open();
      return contents.meta.get(name);
    },
    async putMeta(name, value) {
      open();
      contents.meta.set(name, value.slice());
    },
    async asideUsage() {
      open();
      let bytes = 0;
      for (const { head, value } of contents.aside) bytes += head.byteLength + (value?.byteLength ?? 0);
      return { records: contents.aside.length, bytes };
    },
    async freeBytes() {
      open();
      return options.freeBytes?.() ?? Infinity;
    },
    onGone(gone) {
      listeners.add(gone);
      return () => listeners.delete(gone);
    },
    close,
    reopen() {
      isGone = true;
      void close();
      return openContents(contents, options);
    },
    vanish(reason) {
      const told = [...listeners];
      isGone = true;
      void close();
      for (const gone of told) gone(reason);
    },
  };
}

function apply(contents: Contents, write: StorageWrite): void {
  const { slot, key } = write;
  const records = contents.slots.get(slot) ?? new Map<Key, StoredRecord>();
  if (write.kind === 'put') {
    const { head, value } = write.record;
    // Copies: what a record came in is a view on a frame or an encoder's buffer.
    records.set(key, { head: head.slice(), value: value?.slice() });
    contents.slots.set(slot, records);
    return;
  }
  const record = records.get(key);
  if (write.kind === 'aside' && record !== undefined) contents.aside.push(record);
  records.delete(key);
  if (records.size === 0) contents.slots.delete(slot);
}
