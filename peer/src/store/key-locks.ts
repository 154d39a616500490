// One queue for each key: while a key has an open write, reads and further writes of it wait behind it,
// in order (rule 14). Reads share; a write has the key alone.

import { abortError, MeshError, limits, onAbort, throwIfAborted, type Key } from '@shoal/shared';

export type LockMode = 'read' | 'write';
export type Release = () => void;

interface Waiting {
  readonly mode: LockMode;
  readonly go: () => void;
}

interface Lock {
  readers: number;
  writing: boolean;
  readonly queue: Waiting[];
}

export interface KeyLocks {
  /** Resolves when all of the keys are had; `keys` each once. Rejects `busy` when a queue is full, or the signal's error. */
  acquire(keys: readonly Key[], mode: LockMode, signal?: AbortSignal): Promise<Release>;
  /** Keys that are locked or waited for. */
  readonly size: number;
}

export function createKeyLocks(maxQueue: number = limits.slotWaiting): KeyLocks {
  const locks = new Map<Key, Lock>();

  const admit = (key: Key, lock: Lock): void => {
    for (let next = lock.queue[0]; next !== undefined; next = lock.queue[0]) {
      if (lock.writing || (next.mode === 'write' && lock.readers > 0)) return;
      lock.queue.shift();
      take(lock, next.mode);
      next.go();
    }
    if (lock.readers === 0 && !lock.writing) locks.delete(key);
  };

  const release = (key: Key, mode: LockMode): void => {
    const lock = locks.get(key);
    if (lock === undefined) return;
    if (mode === 'read') lock.readers -= 1;
    else lock.writing = false;
    admit(key, lock);
  };

  const acquireOne = (key: Key, mode: LockMode, signal: AbortSignal | undefined): Promise<void> | undefined => {
    const lock = locks.get(key) ?? { readers: 0, writing: false, queue: [] };
    locks.set(key, lock);
    const free = lock.queue.length === 0 && !lock.writing && (mode === 'read' || lock.readers === 0);
    if (free) {
      take(lock, mode);
      return undefined;
    }
    if (lock.queue.length >= maxQueue)
      throw new MeshError('busy', `Too many requests wait for the key "${key}"; try again.`);
    return wait(lock, mode, signal, () => admit(key, lock));
  };

  return {
    async acquire(keys, mode, signal) {
      throwIfAborted(signal);
      const held: Key[] = [];
      const releaseAll = (): void => {
        for (const key of held.splice(0)) release(key, mode);
      };
      try {
        // In one order for everybody: two writes of the same keys can't wait for each other.
        for (const key of keys.length === 1 ? keys : keys.toSorted()) {
          const waiting = acquireOne(key, mode, signal);
          if (waiting !== undefined) await waiting;
          held.push(key);
        }
      } catch (error) {
        releaseAll();
        throw error;
      }
      return releaseAll;
    },
    get size() {
      return locks.size;
    },
  };
}

function take(lock: Lock, mode: LockMode): void {
  if (mode === 'read') lock.readers += 1;
  else lock.writing = true;
}

function wait(lock: Lock, mode: LockMode, signal: AbortSignal | undefined, left: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopAbort = onAbort(signal, () => {
      const place = lock.queue.indexOf(waiting);
      if (place >= 0) lock.queue.splice(place, 1);
      if (signal !== undefined) reject(abortError(signal));
      left();
    });
    const waiting: Waiting = {
      mode,
      go: () => {
        stopAbort();
        resolve();
      },
    };
    lock.queue.push(waiting);
  });
}
