// Records of owned slots in memory, bounded in bytes, in front of storage. An entry counts only for the
// stay of its slot in which it was put: what was served before a slot moved away says nothing later.

import { LRUCache } from 'lru-cache';
import type { Key, RecordHead } from '@shoal/shared';

/** A value larger than this share of the cache would push out everything else. */
const LARGEST_SHARE = 8;
/** What an entry costs besides its value: head, key, the map's own. */
const ENTRY_BYTES = 512;

export interface CachedRecord {
  readonly head: RecordHead;
  /** Absent for a tombstone, and for values that are too large to keep. */
  readonly value?: Uint8Array;
}

interface Entry extends CachedRecord {
  readonly stay: number;
}

export interface ValueCache {
  get(key: Key, stay: number): CachedRecord | undefined;
  put(key: Key, stay: number, record: CachedRecord): void;
  delete(key: Key): void;
  readonly sizeBytes: number;
}

export function createValueCache(maxBytes: number): ValueCache {
  // At least room for one head: a cache of no bytes is asked for by tests and small members.
  const entries = new LRUCache<Key, Entry>({
    maxSize: Math.max(maxBytes, ENTRY_BYTES),
    sizeCalculation: ({ value }) => ENTRY_BYTES + (value?.byteLength ?? 0),
  });
  const largest = maxBytes / LARGEST_SHARE;
  return {
    get(key, stay) {
      const entry = entries.get(key);
      if (entry === undefined || entry.stay === stay) return entry;
      entries.delete(key);
      return undefined;
    },
    put(key, stay, { head, value }) {
      if (value === undefined || value.byteLength > largest) entries.set(key, { stay, head });
      else entries.set(key, { stay, head, value: compact(value) });
    },
    delete: (key) => void entries.delete(key),
    get sizeBytes() {
      return entries.calculatedSize;
    },
  };
}

/** A view keeps its whole buffer alive: the frame that the value came in. */
function compact(value: Uint8Array): Uint8Array {
  return value.buffer.byteLength > value.byteLength * 2 ? value.slice() : value;
}
