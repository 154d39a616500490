// Which writes were done, by request id, so that a retry whose answer was lost acts once (rule 18). In
// memory only, bounded by age and number; when it is full it reaches less far back, and says so.

import type { RememberedRequest, RequestId, Slot, Version, ElapsedClock } from '@shoal/shared';
import { limits } from '@shoal/shared';

interface Entry {
  readonly slot: Slot;
  readonly version: Version;
  /** Readings of both elapsed times when it was done. */
  readonly shorterMs: number;
  readonly longerMs: number;
}

export interface RetryMemory {
  /** The version that the request's write got. */
  find(id: RequestId): Version | undefined;
  add(slot: Slot, id: RequestId, version: Version): void;
  /** From here on the slot's ids are all known; `reachMs` further back if they came with it. */
  open(slot: Slot, reachMs: number, remembered: readonly RememberedRequest[]): void;
  isOpen(slot: Slot): boolean;
  /** How far back the slot's ids are all known. */
  reachMs(slot: Slot): number;
  /** The newest ids of the slot with their ages, none that is too old to count, for a learner; `reachMs`: as far as they are all there. */
  export(slot: Slot, most: number): { readonly remembered: readonly RememberedRequest[]; readonly reachMs: number };
  close(slot: Slot): void;
  readonly size: number;
}

export interface RetryMemoryOptions {
  readonly maxIds?: number;
  readonly maxAgeMs?: number;
}

export function createRetryMemory(elapsed: ElapsedClock, options: RetryMemoryOptions = {}): RetryMemory {
  const maxIds = options.maxIds ?? limits.retryMemoryIds;
  const maxAgeMs = options.maxAgeMs ?? limits.retryMemoryMs;
  // In the order in which they were done, as far as this member knows.
  const entries = new Map<RequestId, Entry>();
  const bySlot = new Map<Slot, Set<RequestId>>();
  const since = new Map<Slot, number>();
  /** Reading before which ids were dropped for lack of room. */
  let fullUntilMs = -Infinity;

  const drop = (id: RequestId, entry: Entry): void => {
    entries.delete(id);
    const ids = bySlot.get(entry.slot);
    ids?.delete(id);
    if (ids?.size === 0) bySlot.delete(entry.slot);
  };

  const insert = (id: RequestId, entry: Entry): void => {
    entries.set(id, entry);
    const ids = bySlot.get(entry.slot) ?? new Set();
    bySlot.set(entry.slot, ids.add(id));
    const now = elapsed.read();
    for (const [oldId, old] of entries) {
      const isOld = now.shorterMs - old.shorterMs > maxAgeMs;
      if (!isOld && entries.size <= maxIds) break;
      if (!isOld) fullUntilMs = Math.max(fullUntilMs, old.shorterMs);
      drop(oldId, old);
    }
  };

  const reachMs = (slot: Slot): number => {
    const from = Math.max(since.get(slot) ?? Infinity, fullUntilMs);
    return Math.max(0, Math.min(maxAgeMs, elapsed.read().shorterMs - from));
  };

  return {
    find: (id) => entries.get(id)?.version,
    add(slot, id, version) {
      if (entries.has(id)) return;
      insert(id, { slot, version, ...elapsed.read() });
    },
    open(slot, reach, remembered) {
      const now = elapsed.read();
      since.set(slot, now.shorterMs - Math.min(reach, maxAgeMs));
      for (const { id, version, ageMs } of remembered) {
        if (entries.has(id)) continue;
        insert(id, { slot, version, shorterMs: now.shorterMs - ageMs, longerMs: now.longerMs - ageMs });
      }
    },
    isOpen: (slot) => since.has(slot),
    reachMs,
    export(slot, most) {
      const now = elapsed.read();
      const ids = [...(bySlot.get(slot) ?? [])].flatMap((id) => {
        const entry = entries.get(id);
        return entry === undefined || now.shorterMs - entry.shorterMs > maxAgeMs ? [] : [{ id, entry }];
      });
      const remembered = ids.slice(-most).map(({ id, entry: { version, longerMs } }): RememberedRequest => {
        return { id, version, ageMs: Math.max(0, now.longerMs - longerMs) };
      });
      const cut = ids.length > most ? (remembered[0]?.ageMs ?? 0) : Infinity;
      return { remembered, reachMs: Math.min(reachMs(slot), cut) };
    },
    close(slot) {
      since.delete(slot);
      for (const id of [...(bySlot.get(slot) ?? [])]) {
        const entry = entries.get(id);
        if (entry !== undefined) drop(id, entry);
      }
    },
    get size() {
      return entries.size;
    },
  };
}
