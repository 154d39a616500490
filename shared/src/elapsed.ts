// Elapsed time by two clocks (REPLICATION, section 1): the monotonic one may stand still in sleep, the
// wall clock may be stepped. Who trusts a memory counts the smaller difference, who states an age the larger.

import type { Clock } from './clock.ts';

export interface Elapsed {
  /** Never more than what really went by, as far as one of the clocks is right. For trusting a memory. */
  readonly shorterMs: number;
  /** Never less. For stating an age. */
  readonly longerMs: number;
}

export interface ElapsedClock {
  read(): Elapsed;
}

/** Wall clocks count whole milliseconds: differences over less would add up to another time than went by. */
const LEAST_STEP_MS = 100;

export function createElapsedClock(clock: Clock): ElapsedClock {
  /** The reading from which differences are taken, and what had gone by then. */
  let from = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs(), shorterMs: 0, longerMs: 0 };
  let last: Elapsed = from;
  return {
    read() {
      const monotonicMs = clock.monotonicMs();
      const wallMs = clock.wallMs();
      const byMonotonic = Math.max(0, monotonicMs - from.monotonicMs);
      const byWall = Math.max(0, wallMs - from.wallMs);
      // What was said once is not taken back when the wall clock is set back.
      const shorterMs = Math.max(last.shorterMs, from.shorterMs + Math.min(byMonotonic, byWall));
      const longerMs = Math.max(last.longerMs, from.longerMs + Math.max(byMonotonic, byWall));
      last = { shorterMs, longerMs };
      if (Math.max(byMonotonic, byWall) >= LEAST_STEP_MS || wallMs < from.wallMs)
        from = { monotonicMs, wallMs, shorterMs, longerMs };
      return last;
    },
  };
}
