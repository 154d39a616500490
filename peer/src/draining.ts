// Draining: a member is asked to hand all that it holds to others, and then to leave. Whoever asked sees in
// the table how far it is; if they go away, the member goes on.

import {
  abortable,
  type Clock,
  createDeadline,
  MeshError,
  type PeerId,
  type Subscribable,
  type Unsubscribe,
} from '@shoal/shared';
import type { Mesh, MeshEvents, MeshStatus } from './api.ts';
import type { Services } from './ports/services.ts';

const SERVICE = 'drain';

export interface DrainableMember {
  /** Whether others are here that would take its slots. */
  canOthersOwn(): boolean;
  /** Hands over, then leaves. */
  leave(): Promise<void>;
}

export function serveDraining(services: Services, member: DrainableMember): Unsubscribe {
  let leaving: Promise<void> | undefined;
  return services.serve(SERVICE, async () => {
    if (!member.canOthersOwn())
      throw new MeshError('no-member', 'There is no other member that could take its slots: start one first.');
    leaving ??= member.leave().finally(() => {
      leaving = undefined;
    });
    // Why it stays is seen by its state.
    leaving.catch(() => undefined);
    return {};
  });
}

export interface DrainDeps {
  readonly clock: Clock;
  readonly services: Services;
  readonly events: Subscribable<MeshEvents>;
  status(): MeshStatus;
}

type DrainOptions = NonNullable<Parameters<Mesh['drain']>[1]>;

interface Drained {
  readonly id: PeerId;
  readonly name: string;
}

/** Resolves when the member holds nothing and has left. Its deadline, if any, is of the whole. */
export async function drainMember(deps: DrainDeps, member: Drained, options: DrainOptions = {}): Promise<void> {
  const { timeoutMs } = options;
  const deadline =
    timeoutMs === undefined
      ? undefined
      : createDeadline(deps.clock, timeoutMs, {
          outer: options.signal,
          reason: () =>
            new MeshError('deadline', `${member.name} has not left within ${timeoutMs} ms; it goes on handing over.`),
        });
  const signal = deadline?.signal ?? options.signal;
  const stopped = new AbortController();
  try {
    await deps.services.ask(member.id, SERVICE, {}, signal === undefined ? {} : { signal });
    await abortable(untilLeft(deps, member, { ...options, signal: stopped.signal }), signal);
  } finally {
    stopped.abort();
    deadline?.end();
  }
}

function untilLeft(
  { events, status }: DrainDeps,
  member: Drained,
  { onProgress, signal }: DrainOptions,
): Promise<void> {
  const { id, name } = member;
  return new Promise((resolve, reject) => {
    let wasLeaving = false;
    let shown = -1;
    const look = ({ members }: MeshStatus): void => {
      const view = members.find((each) => each.id === id);
      const copies = view?.copies ?? 0;
      if (copies !== shown) onProgress?.(copies);
      shown = copies;
      if (view === undefined) return resolve();
      const { state } = view;
      if (state === 'away') return copies === 0 ? resolve() : reject(wentEarly(name, copies));
      if (wasLeaving && state !== 'leaving') {
        return reject(new MeshError('aborted', `${name} was told to stay: it does not hand over any more.`));
      }
      wasLeaving = state === 'leaving';
    };
    events.on('changed', look, signal === undefined ? {} : { signal });
    look(status());
  });
}

function wentEarly(name: string, slots: number): MeshError {
  return new MeshError(
    'owner-away',
    `${name} went before it had handed over ${slots} slots: start it again, then drain it again.`,
  );
}
