// The registrar's events in the order in which they were sent. An answer is a promise and an event is none:
// those that came behind the answer to a join would overtake it.

import type { Clock } from '@shoal/shared';

export interface EventTurns {
  /** From here on events wait. */
  hold(): void;
  /** Whoever waited for the answer listens by then. */
  releaseSoon(): void;
  take(event: () => void): void;
}

export function createEventTurns(clock: Clock): EventTurns {
  let held: (() => void)[] | undefined;

  function release(): void {
    const events = held;
    held = undefined;
    events?.forEach((event) => event());
  }

  return {
    hold: () => {
      held = [];
    },
    releaseSoon: () => void clock.setTimer(release, 0),
    take: (event) => {
      if (held === undefined) event();
      else held.push(event);
    },
  };
}
