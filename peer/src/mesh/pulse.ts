// The one timer of all links: it says when to beat, how much time has passed, and when this process itself
// stood still. Then timers run before the messages that waited: whoever was stopped must read these first
// and ask anew, or it would take everybody else for silent.

import { limits, type Clock } from '@shoal/shared';

const TICK_MS = 250;
/** Late by more than this: the process, not the network, was silent. */
const STOOD_STILL_MS = 1_000;

export interface PulseEvents {
  beat(): void;
  /** Time in which this process ran, by the clock that says less: whoever waits for silence counts too little rather than too much. */
  passed(elapsedMs: number): void;
  /** A beat follows at once. */
  stoodStill(elapsedMs: number): void;
}

export function startPulse(clock: Clock, events: PulseEvents): { stop(): void } {
  let lastMonotonicMs = clock.monotonicMs();
  let lastWallMs = clock.wallMs();
  let sinceBeatMs = 0;
  let stopTimer = clock.setTimer(tick, TICK_MS);

  function tick(): void {
    stopTimer = clock.setTimer(tick, TICK_MS);
    const monotonicMs = clock.monotonicMs() - lastMonotonicMs;
    const wallMs = clock.wallMs() - lastWallMs;
    lastMonotonicMs += monotonicMs;
    lastWallMs += wallMs;
    const mostMs = Math.max(monotonicMs, wallMs);
    const stoodStill = mostMs > TICK_MS + STOOD_STILL_MS;
    if (stoodStill) events.stoodStill(mostMs);
    else events.passed(Math.max(0, Math.min(monotonicMs, wallMs)));
    sinceBeatMs += monotonicMs;
    if (!stoodStill && sinceBeatMs < limits.heartbeatMs) return;
    sinceBeatMs = 0;
    events.beat();
  }

  return { stop: () => stopTimer() };
}
