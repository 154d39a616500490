// Mesh time: the registrar's clock as it was when this member joined, and what went by since by the clock
// that says less. So it is rather late than early, however this machine's clocks are set: what shall live
// until an instant lives a little longer, and no tombstone goes too soon (rules 30, 31).

import { type Clock, createElapsedClock } from '@shoal/shared';

export interface MeshTime {
  /** A reading, from which `measured` knows how long the answer took. */
  ask(): number;
  /** What the registrar's clock said, between `askedMs` and now. */
  measured(meshTimeMs: number, askedMs: number): void;
  nowMs(): number;
}

export function createMeshTime(clock: Clock): MeshTime {
  const elapsed = createElapsedClock(clock);
  let meshMs = 0;
  let readMs = 0;
  return {
    ask: () => elapsed.read().shorterMs,
    measured(meshTimeMs, askedMs) {
      meshMs = meshTimeMs;
      // Half of the round trip is the best guess of when the registrar looked at its clock.
      readMs = (askedMs + elapsed.read().shorterMs) / 2;
    },
    nowMs: () => Math.floor(meshMs + elapsed.read().shorterMs - readMs),
  };
}
