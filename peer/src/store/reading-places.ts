// How many bytes of large values are read from storage at the same time: many gets of them at once would
// otherwise all be in memory before the first is sent. First come, first served.

import { abortable, createDeferred, throwIfAborted, type Deferred } from '@shoal/shared';

export interface ReadingPlaces {
  /** Resolves with the way to give the place back. One value of any size has room when nothing else is read. */
  take(bytes: number, signal: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly bytes: number;
  readonly turn: Deferred<void>;
}

export function createReadingPlaces(mostBytes: number): ReadingPlaces {
  let queue: Waiting[] = [];
  let taken = 0;

  const letIn = (): void => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      if (taken > 0 && taken + next.bytes > mostBytes) return;
      queue = queue.slice(1);
      taken += next.bytes;
      next.turn.resolve();
    }
  };

  return {
    async take(bytes, signal) {
      throwIfAborted(signal);
      const waiting: Waiting = { bytes, turn: createDeferred<void>() };
      const release = (): void => {
        taken -= bytes;
        letIn();
      };
      queue.push(waiting);
      letIn();
      try {
        await abortable(waiting.turn.promise, signal);
      } catch (error) {
        if (queue.includes(waiting)) queue = queue.filter((other) => other !== waiting);
        else release();
        throw error;
      }
      return release;
    },
  };
}
