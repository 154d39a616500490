// The one place where the platform's clocks and randomness are read: in the browser and in Node.

import type { Clock, Random } from './clock.ts';

/** The platform's clocks, in the browser and in Node. The one place where they are read. */
export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    setTimer: (fire, delayMs) => {
      const timer: unknown = setTimeout(fire, delayMs);
      // Node's timers keep the process alive unless told otherwise; the browser's are numbers.
      if (typeof timer === 'object' && timer !== null && 'unref' in timer) {
        (timer as { unref(): void }).unref();
      }
      return () => clearTimeout(timer as number);
    },
  };
}

/** The platform's cryptographic randomness. `getRandomValues` is there on plain http too. */
export function createSystemRandom(): Random {
  return {
    bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    next: () => Math.random(),
  };
}
