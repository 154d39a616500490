// How many bulk transfers go to one member at a time, so that a hand-off does not fill a link or the
// memory of a member that joins.

import { createDeferred, abortable, limits, throwIfAborted, type Deferred, type PeerId } from '@shoal/shared';

export interface BulkPlaces {
  /** Resolves with the way to give the place back, which may be called twice. */
  take(to: PeerId, signal: AbortSignal): Promise<() => void>;
}

interface Places {
  taken: number;
  readonly queue: Deferred<void>[];
}

export function createBulkPlaces(mostForEach: number = limits.incomingHandOffs): BulkPlaces {
  const members = new Map<PeerId, Places>();

  const giveBack = (to: PeerId, places: Places): void => {
    const next = places.queue.shift();
    if (next !== undefined) return next.resolve();
    places.taken -= 1;
    if (places.taken === 0) members.delete(to);
  };

  return {
    async take(to, signal) {
      throwIfAborted(signal);
      const places = members.get(to) ?? { taken: 0, queue: [] };
      members.set(to, places);
      let isHeld = true;
      const release = (): void => {
        if (isHeld) giveBack(to, places);
        isHeld = false;
      };
      if (places.taken < mostForEach) {
        places.taken += 1;
        return release;
      }
      const turn = createDeferred<void>();
      places.queue.push(turn);
      try {
        await abortable(turn.promise, signal);
      } catch (error) {
        const place = places.queue.indexOf(turn);
        if (place >= 0) places.queue.splice(place, 1);
        else release();
        throw error;
      }
      return release;
    },
  };
}
