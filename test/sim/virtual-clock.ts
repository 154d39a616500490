// A clock that moves only when a test says so. `advance` fires the timers that fall due one by one, in
// the order of their time, and lets promises settle after each, so that a second of a mesh takes no time.

import type { Clock, StopTimer } from '@shoal/shared';

export interface VirtualClock extends Clock {
  /** Lets `durationMs` pass: each timer that falls due fires at its time, and what it started settles before the next. */
  advance(durationMs: number): Promise<void>;
  /** Lets promises settle; no time passes. */
  settle(): Promise<void>;
  /** Both clocks go on and no timer fires: a process that stands still. Those due fire at the next `advance`, late. */
  standStill(durationMs: number): void;
  /** Only the wall clock goes on: a machine that sleeps. Negative: it was set back. */
  stepWall(durationMs: number): void;
  /** Timers that are set, for tests that count leaks. */
  timerCount(): number;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Starts at monotonic 0 and at a wall time far from it, so that mixing the two shows. */
export function createVirtualClock(options: { readonly wallMs?: number } = {}): VirtualClock {
  const timers = new Set<Timer>();
  let nowMs = 0;
  let wallOffsetMs = options.wallMs ?? Date.UTC(2026, 0, 1);
  let order = 0;

  const earliest = (untilMs: number): Timer | undefined => {
    let found: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs > untilMs) continue;
      if (
        found === undefined ||
        timer.dueMs < found.dueMs ||
        (timer.dueMs === found.dueMs && timer.order < found.order)
      )
        found = timer;
    }
    return found;
  };

  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs + wallOffsetMs,
    setTimer(fire, delayMs): StopTimer {
      const timer: Timer = { dueMs: nowMs + Math.max(0, delayMs), order: order++, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(durationMs) {
      const untilMs = nowMs + durationMs;
      await settle();
      for (let timer = earliest(untilMs); timer !== undefined; timer = earliest(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.dueMs);
        timer.fire();
        await settle();
      }
      nowMs = untilMs;
    },
    settle,
    standStill(durationMs) {
      nowMs += durationMs;
    },
    stepWall(durationMs) {
      wallOffsetMs += durationMs;
    },
    timerCount: () => timers.size,
  };
}

/** All microtasks have run when the next turn of the event loop begins. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
