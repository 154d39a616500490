// A clock that stands still until a test moves it; timers fire in order, each with its turn of promises.

import type { Clock, StopTimer } from '@shoal/shared';

export interface VirtualClock extends Clock {
  /** Moves on by `ms`, firing what is due, and lets promises settle. */
  advance(ms: number): Promise<void>;
  timerCount(): number;
}

export function createVirtualClock(): VirtualClock {
  let nowMs = 0;
  let turn = 0;
  const timers = new Set<{ readonly atMs: number; readonly turn: number; readonly fire: () => void }>();
  return {
    monotonicMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + nowMs,
    setTimer(fire, delayMs): StopTimer {
      const timer = { atMs: nowMs + Math.max(0, delayMs), turn: (turn += 1), fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs || a.turn - b.turn);
        if (next === undefined) break;
        nowMs = next.atMs;
        timers.delete(next);
        next.fire();
        await settle();
      }
      nowMs = endMs;
    },
    timerCount: () => timers.size,
  };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
