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

export function createElapsedClock(clock: Clock): ElapsedClock {
  let monotonicMs = clock.monotonicMs();
  let wallMs = clock.wallMs();
  let shorterMs = 0;
  let longerMs = 0;
  return {
    read() {
      const monotonic = clock.monotonicMs();
      const wall = clock.wallMs();
      const byMonotonic = Math.max(0, monotonic - monotonicMs);
      const byWall = Math.max(0, wall - wallMs);
      monotonicMs = monotonic;
      wallMs = wall;
      shorterMs += Math.min(byMonotonic, byWall);
      longerMs += Math.max(byMonotonic, byWall);
      return { shorterMs, longerMs };
    },
  };
}
