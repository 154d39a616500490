// Whether this member may serve what it owns. One that has heard nobody for 10 s, by either clock, may
// have been replaced without knowing: it answers nothing from slots of its own until the registrar has
// spoken, in answer to a question asked after that silence.

import { type Clock, createElapsedClock, limits, type StopTimer } from '@shoal/shared';

export interface Hearing {
  /** Somebody was heard: a member or the registrar. */
  heard(): void;
  /** There is a new connection to the registrar: worth asking again. */
  reconnected(): void;
  /** Looks at the clocks now. */
  mayServe(): boolean;
  close(): void;
}

export function createHearing(deps: {
  readonly clock: Clock;
  /** Asks the registrar for the table; true when it answered. */
  askRegistrar(): Promise<boolean>;
  /** `mayServe` may have turned true. */
  onMayServe(): void;
}): Hearing {
  const { clock } = deps;
  const elapsed = createElapsedClock(clock);
  let heardAtMs = 0;
  let doubting = false;
  let stopTimer: StopTimer | undefined;
  const ask = async (): Promise<void> => {
    // Only an answer to a question asked since the silence counts: what waited in the inbox is old.
    if (!(await deps.askRegistrar())) return;
    heardAtMs = elapsed.read().longerMs;
    doubting = false;
    deps.onMayServe();
  };
  const look = (): boolean => {
    if (!doubting && elapsed.read().longerMs - heardAtMs > limits.unheardMs) {
      doubting = true;
      void ask();
    }
    return !doubting;
  };
  const tick = (): void => {
    // Each second, so that a step of a clock is one reading's.
    if (!look()) void ask();
    stopTimer = clock.setTimer(tick, limits.heartbeatMs);
  };
  tick();
  return {
    heard: () => {
      // What waited in the inbox while this member stood still does not count: look first.
      if (look()) heardAtMs = elapsed.read().longerMs;
    },
    reconnected: () => {
      if (doubting) void ask();
    },
    mayServe: look,
    close: () => stopTimer?.(),
  };
}
