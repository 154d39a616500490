// Leaving in order: this member waits until its slots are with others, or nobody is there to take them.

import { abortable, type Clock, createDeadline, MeshError, type PeerId, type Subscribable } from '@shoal/shared';
import type { CallOptions, MeshEvents } from './api.ts';
import type { Registration } from './mesh/registration.ts';

export interface LeavingDeps {
  readonly clock: Clock;
  readonly self: PeerId;
  readonly registration: Registration;
  readonly events: Subscribable<MeshEvents>;
  /** Nothing is left to be handed over. */
  isOver(): boolean;
}

/** Rejects `deadline`, or the signal's error. */
export async function untilHandedOver(deps: LeavingDeps, { signal, timeoutMs }: CallOptions): Promise<void> {
  const stopped = new AbortController();
  const deadline =
    timeoutMs === undefined
      ? undefined
      : createDeadline(deps.clock, timeoutMs, {
          outer: signal,
          reason: () =>
            new MeshError('deadline', `Not all ranges were handed over within ${timeoutMs} ms; this member stays.`),
        });
  try {
    await abortable(
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (deps.isOver() || !canOthersOwn(deps)) resolve();
        };
        deps.events.on('changed', look, { signal: stopped.signal });
        look();
      }),
      deadline?.signal ?? signal,
    );
  } finally {
    stopped.abort();
    deadline?.end();
  }
}

/** Whether somebody is here who takes slots. */
export function canOthersOwn({ registration, self }: Pick<LeavingDeps, 'registration' | 'self'>): boolean {
  return registration
    .roster()
    .some(
      ({ id, weight, kind, state }) =>
        id !== self && weight > 0 && kind !== 'command' && (state === 'here' || state === 'paused'),
    );
}
