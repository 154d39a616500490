// Where a member keeps values. Records are kept by slot and key, in the order of the keys' UTF-16
// code units or UTF-8 bytes (an adapter may choose; a scan only promises to be taken up again).
// A record's head and its value lie apart, so that heads can be scanned without reading values.

import type { Durability, Key, Slot } from '@shoal/shared';

export interface StoredRecord {
  /** An encoded `RecordHead`. */
  readonly head: Uint8Array;
  /** Absent for a tombstone. The reader may keep it and must not change it. */
  readonly value: Uint8Array | undefined;
}

export type StorageWrite =
  | { readonly kind: 'put'; readonly slot: Slot; readonly key: Key; readonly record: StoredRecord }
  | { readonly kind: 'delete'; readonly slot: Slot; readonly key: Key }
  /** Moves a record out of sight: kept, counted by `asideUsage`, never served. */
  | { readonly kind: 'aside'; readonly slot: Slot; readonly key: Key };

export interface ScannedHead {
  readonly key: Key;
  readonly head: Uint8Array;
}

export interface Storage {
  /** What a resolved write outlives. strict: a loss of power. relaxed: the end of the process or browser. */
  readonly durability: Durability;
  get(slot: Slot, key: Key): Promise<StoredRecord | undefined>;
  getHead(slot: Slot, key: Key): Promise<Uint8Array | undefined>;
  /** All of the batch or none of it, alone or in a group; a batch that fails does not take along those that shared its commit. Resolves when it would survive what `durability` says. Rejects `storage-full` or `storage`. */
  write(batch: readonly StorageWrite[]): Promise<void>;
  /** Heads of one slot in order, from behind `afterKey`; never holds a transaction open between two yields. */
  scan(slot: Slot, options?: { readonly afterKey?: Key; readonly signal?: AbortSignal }): AsyncIterable<ScannedHead>;
  /** Slots that hold at least one record, ascending. Cheap: asked once at start. */
  slots(): Promise<readonly Slot[]>;
  /** Small named facts: identity, mesh id, the highest table obeyed. Written as strictly as the storage can. */
  getMeta(name: string): Promise<Uint8Array | undefined>;
  putMeta(name: string, value: Uint8Array): Promise<void>;
  /** Records put aside, and their bytes. */
  asideUsage(): Promise<{ readonly records: number; readonly bytes: number }>;
  /** Bytes that may still be stored, as far as can be told; Infinity if it can't. */
  freeBytes(): Promise<number>;
  /** Called once if the storage goes away under us (site data cleared, folder removed, database closed by the browser). */
  onGone(gone: (reason: string) => void): () => void;
  close(): Promise<void>;
}
