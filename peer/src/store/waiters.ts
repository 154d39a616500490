// Requests that wait at a slot for a change: of the slot (settled, moved, a newer row) or of one key
// (a get that waits until somebody puts it). Each wake-up makes them look again; bounded in number.

import { abortError, limits, MeshError, onAbort, throwIfAborted, type Key, type Slot } from '@shoal/shared';

interface Waiter {
  readonly key: Key | undefined;
  readonly wake: () => void;
}

export interface Waiters {
  /** Resolves at the slot's next change, and, with a key, at that key's next write. Rejects `busy` or the signal's error. */
  wait(slot: Slot, options: { readonly key?: Key; readonly signal: AbortSignal }): Promise<void>;
  wake(slot: Slot): void;
  wakeKey(slot: Slot, key: Key): void;
  wakeAll(): void;
  readonly size: number;
}

export interface WaitersOptions {
  readonly maxOfSlot?: number;
  readonly maxOfKeys?: number;
}

export function createWaiters(options: WaitersOptions = {}): Waiters {
  const maxOfSlot = options.maxOfSlot ?? limits.slotWaiting;
  const maxOfKeys = options.maxOfKeys ?? limits.waitingGets;
  const slots = new Map<Slot, Set<Waiter>>();
  let ofKeys = 0;
  let size = 0;

  const remove = (slot: Slot, waiter: Waiter): boolean => {
    const waiting = slots.get(slot);
    if (waiting?.delete(waiter) !== true) return false;
    if (waiting.size === 0) slots.delete(slot);
    size -= 1;
    if (waiter.key !== undefined) ofKeys -= 1;
    return true;
  };

  const wakeIf = (slot: Slot, isMeant: (waiter: Waiter) => boolean): void => {
    for (const waiter of [...(slots.get(slot) ?? [])]) {
      if (isMeant(waiter) && remove(slot, waiter)) waiter.wake();
    }
  };

  return {
    async wait(slot, { key, signal }) {
      throwIfAborted(signal);
      const waiting = slots.get(slot) ?? new Set();
      if (waiting.size >= maxOfSlot) throw new MeshError('busy', `Too many requests wait for slot ${slot}; try again.`);
      if (key !== undefined && ofKeys >= maxOfKeys)
        throw new MeshError('busy', `${ofKeys} gets wait for keys already; try again.`);
      slots.set(slot, waiting);
      await new Promise<void>((resolve, reject) => {
        const stopAbort = onAbort(signal, () => {
          remove(slot, waiter);
          reject(abortError(signal));
        });
        const waiter: Waiter = {
          key,
          wake: () => {
            stopAbort();
            resolve();
          },
        };
        waiting.add(waiter);
        size += 1;
        if (key !== undefined) ofKeys += 1;
      });
    },
    wake: (slot) => wakeIf(slot, () => true),
    wakeKey: (slot, key) => wakeIf(slot, (waiter) => waiter.key === key),
    wakeAll() {
      for (const slot of [...slots.keys()]) wakeIf(slot, () => true);
    },
    get size() {
      return size;
    },
  };
}
