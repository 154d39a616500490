// The one place where the platform's clocks and randomness are read: in the browser and in Node.

import type { Clock, Random } from './clock.ts';

/** What `setTimeout` takes; it fires at once for more. */
const LONGEST_MS = 2 ** 31 - 1;

/** The platform's clocks, in the browser and in Node. The one place where they are read. */
export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    setTimer: (fire, delayMs) => {
      const dueMs = performance.now() + delayMs;
      let timer: unknown;
      const wait = (leftMs: number): void => {
        timer = setTimeout(
          () => {
            // The platform cuts fractions off, and fires up to a millisecond early.
            const stillMs = dueMs - performance.now();
            if (stillMs > 0) wait(stillMs);
            else fire();
          },
          Math.min(Math.ceil(leftMs), LONGEST_MS),
        );
        // Node's timers keep the process alive unless told otherwise; the browser's are numbers.
        if (typeof timer === 'object' && timer !== null && 'unref' in timer) {
          (timer as { unref(): void }).unref();
        }
      };
      wait(delayMs);
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
