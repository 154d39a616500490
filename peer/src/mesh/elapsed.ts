// Time since something, by two clocks: the monotonic one may stand still while a machine sleeps, the wall
// clock may be stepped. It is summed over readings; of each pair of differences the larger counts where
// one holds something that runs out, the smaller where one waits for something of others to run out
// (REPLICATION, section 1).

import type { Clock } from '@shoal/shared';

export interface Elapsed {
  /** Since the last `restart`, in ms. Read at least each second, so that a step of a clock is one reading's. */
  read(): number;
  restart(): void;
}

export function createElapsed(clock: Clock, count: 'larger' | 'smaller'): Elapsed {
  let sumMs = 0;
  let monotonicMs = clock.monotonicMs();
  let wallMs = clock.wallMs();
  const advance = (): void => {
    const monotonicNow = clock.monotonicMs();
    const wallNow = clock.wallMs();
    const monotonicStep = monotonicNow - monotonicMs;
    const wallStep = wallNow - wallMs;
    sumMs += Math.max(0, count === 'larger' ? Math.max(monotonicStep, wallStep) : Math.min(monotonicStep, wallStep));
    monotonicMs = monotonicNow;
    wallMs = wallNow;
  };
  return {
    read: () => {
      advance();
      return sumMs;
    },
    restart: () => {
      advance();
      sumMs = 0;
    },
  };
}
