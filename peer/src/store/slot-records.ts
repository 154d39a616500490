// The records of this member's slots on storage: heads decoded, values cached, and what a slot holds
// summed up as it is loaded. Knows nothing of roles.

import {
  addToDigest,
  decodeRecordHead,
  EMPTY_DIGEST,
  encodeRecordHead,
  MeshError,
  NO_PAYLOAD,
  type Key,
  type RecordHead,
  type Slot,
  type SlotDigest,
} from '@shoal/shared';
import type { Storage, StorageWrite } from '../ports/storage.ts';
import type { CachedRecord, ValueCache } from './value-cache.ts';

/** Records moved or deleted in one batch. */
const SWEEP_BATCH = 256;

export interface SlotScan {
  readonly digest: SlotDigest;
  /** The highest counter of the present epoch. */
  readonly counter: number;
}

export interface RecordToWrite {
  readonly key: Key;
  readonly head: RecordHead;
  /** Absent for a tombstone. */
  readonly value?: Uint8Array;
}

export interface SlotRecords {
  /** Value included, unless it is a tombstone. */
  read(slot: Slot, key: Key, stay: number): Promise<CachedRecord | undefined>;
  head(slot: Slot, key: Key, stay: number): Promise<RecordHead | undefined>;
  /** One batch. */
  write(slot: Slot, records: readonly RecordToWrite[]): Promise<void>;
  remove(slot: Slot, keys: readonly Key[]): Promise<void>;
  /** All heads in the storage's order; those that are no heads are skipped and reported. */
  scan(
    slot: Slot,
    options?: { readonly afterKey?: Key; readonly signal?: AbortSignal },
  ): AsyncIterable<{ readonly key: Key; readonly head: RecordHead }>;
  /** Puts aside the records from before the slot was last declared empty; `each` hears the others. */
  load(slot: Slot, emptyBefore: number, epoch: number, each: (key: Key, head: RecordHead) => void): Promise<SlotScan>;
  /** Deletes or puts aside all records while `goesOn` says so. */
  clear(slot: Slot, kind: 'delete' | 'aside', goesOn: () => boolean): Promise<void>;
  /** Puts aside what is from before `emptyBefore`, deletes what is from before `epoch`, leaves what is newer than the row. */
  tidy(slot: Slot, row: { readonly emptyBefore: number; readonly epoch: number }, goesOn: () => boolean): Promise<void>;
  /** Whether anything of the slot may be on storage. */
  mayHold(slot: Slot): boolean;
}

export interface SlotRecordsDeps {
  readonly storage: Storage;
  readonly cache: ValueCache;
  /** Slots with records; filled before the first load. */
  readonly occupied: Set<Slot>;
  onBadHead(slot: Slot, key: Key): void;
  onAside(): void;
}

export function createSlotRecords(deps: SlotRecordsDeps): SlotRecords {
  const { storage, cache, occupied } = deps;

  const decode = (slot: Slot, key: Key, bytes: Uint8Array): RecordHead => {
    const head = decodeRecordHead(bytes);
    if (head !== undefined) return head;
    deps.onBadHead(slot, key);
    throw new MeshError('storage', `The record of "${key}" on this member's storage can't be read.`, {
      detail: { key },
    });
  };

  const move = async (slot: Slot, kind: 'delete' | 'aside', keys: readonly Key[]): Promise<void> => {
    for (const key of keys) cache.delete(key);
    await storage.write(keys.map((key): StorageWrite => ({ kind, slot, key })));
    if (kind === 'aside') deps.onAside();
  };

  async function* scan(slot: Slot, options: { readonly afterKey?: Key; readonly signal?: AbortSignal } = {}) {
    if (!occupied.has(slot)) return;
    for await (const { key, head: bytes } of storage.scan(slot, options)) {
      const head = decodeRecordHead(bytes);
      if (head === undefined) deps.onBadHead(slot, key);
      else yield { key, head };
    }
  }

  return {
    async read(slot, key, stay) {
      const cached = cache.get(key, stay);
      if (cached !== undefined && (cached.head.tombstone || cached.value !== undefined)) return cached;
      const stored = await storage.get(slot, key);
      if (stored === undefined) return undefined;
      const head = decode(slot, key, stored.head);
      return head.tombstone ? { head } : { head, value: stored.value ?? NO_PAYLOAD };
    },
    async head(slot, key, stay) {
      const cached = cache.get(key, stay);
      if (cached !== undefined) return cached.head;
      if (!occupied.has(slot)) return undefined;
      const bytes = await storage.getHead(slot, key);
      return bytes === undefined ? undefined : decode(slot, key, bytes);
    },
    async write(slot, records) {
      occupied.add(slot);
      await storage.write(
        records.map(({ key, head, value }): StorageWrite => {
          return {
            kind: 'put',
            slot,
            key,
            record: { head: encodeRecordHead(head), value: head.tombstone ? undefined : value },
          };
        }),
      );
    },
    remove: (slot, keys) => move(slot, 'delete', keys),
    scan,
    async load(slot, emptyBefore, epoch, each) {
      let digest = EMPTY_DIGEST;
      let counter = 0;
      let old: Key[] = [];
      for await (const { key, head } of scan(slot)) {
        if (head.version.epoch < emptyBefore) {
          old.push(key);
          continue;
        }
        digest = addToDigest(digest, key, head.version);
        if (head.version.epoch === epoch) counter = Math.max(counter, head.version.counter);
        each(key, head);
      }
      while (old.length > 0) {
        await move(slot, 'aside', old.slice(0, SWEEP_BATCH));
        old = old.slice(SWEEP_BATCH);
      }
      if (digest.records === 0) occupied.delete(slot);
      return { digest, counter };
    },
    async clear(slot, kind, goesOn) {
      let keys: Key[] = [];
      const flush = async (): Promise<void> => {
        if (keys.length > 0) await move(slot, kind, keys);
        keys = [];
      };
      for await (const { key } of scan(slot)) {
        if (!goesOn()) return;
        keys.push(key);
        if (keys.length >= SWEEP_BATCH) await flush();
      }
      if (!goesOn()) return;
      await flush();
      if (goesOn()) occupied.delete(slot);
    },
    async tidy(slot, { emptyBefore, epoch }, goesOn) {
      const gone = { aside: [] as Key[], delete: [] as Key[] };
      for await (const { key, head } of scan(slot)) {
        if (!goesOn()) return;
        const { epoch: written } = head.version;
        if (written < epoch) (written < emptyBefore ? gone.aside : gone.delete).push(key);
      }
      for (const kind of ['aside', 'delete'] as const) {
        for (let first = 0; first < gone[kind].length && goesOn(); first += SWEEP_BATCH)
          await move(slot, kind, gone[kind].slice(first, first + SWEEP_BATCH));
      }
    },
    mayHold: (slot) => occupied.has(slot),
  };
}
