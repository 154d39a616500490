// Cancellation and deadlines. `AbortSignal.timeout` can't be driven by a virtual clock, so deadlines
// are made from the `Clock`.

import type { Clock } from './clock.ts';
import { MeshError } from './mesh-error.ts';

/** Throws `aborted` (with the signal's reason as cause) if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}

/** The error that an aborted signal stands for: its reason if that is an error with a code. */
export function abortError(signal: AbortSignal): MeshError {
  const reason: unknown = signal.reason;
  if (reason instanceof MeshError) return reason;
  return new MeshError('aborted', 'The call was cancelled.', { cause: reason });
}

interface Waiting {
  readonly all: Set<() => void>;
  readonly tell: () => void;
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls `aborted`, which does not throw, when the signal aborts; not any more after the way back was called. However
 * many wait for a signal it has one listener: more than ten are taken for a leak, which Node prints.
 */
export function onAbort(signal: AbortSignal | undefined, aborted: () => void): () => void {
  if (signal === undefined) return () => undefined;
  const waiting = waitingFor.get(signal) ?? listenTo(signal);
  // The same function may wait twice.
  const entry = (): void => aborted();
  waiting.all.add(entry);
  return () => {
    if (!waiting.all.delete(entry) || waiting.all.size > 0) return;
    signal.removeEventListener('abort', waiting.tell);
    waitingFor.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const all = new Set<() => void>();
  const tell = (): void => {
    signal.removeEventListener('abort', tell);
    waitingFor.delete(signal);
    const told = [...all];
    all.clear();
    for (const entry of told) entry();
  };
  const waiting = { all, tell };
  waitingFor.set(signal, waiting);
  signal.addEventListener('abort', tell);
  return waiting;
}

/** `promise`, or the signal's error as soon as it aborts; leaves no listener behind. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  throwIfAborted(signal);
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = onAbort(signal, () => reject(abortError(signal)));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop();
  }
}

export interface Deadline {
  readonly signal: AbortSignal;
  end(): void;
}

/** A signal that aborts with `reason()` after `timeoutMs`, or with `outer`. Call `end` when done. */
export function createDeadline(
  clock: Clock,
  timeoutMs: number,
  options: { readonly outer?: AbortSignal | undefined; readonly reason: () => MeshError },
): Deadline {
  const controller = new AbortController();
  const { outer } = options;
  const stopOuter = onAbort(outer, () => controller.abort(outer?.reason));
  if (outer?.aborted === true) controller.abort(outer.reason);
  const stop = clock.setTimer(() => controller.abort(options.reason()), timeoutMs);
  return {
    signal: controller.signal,
    end: () => {
      stop();
      stopOuter();
    },
  };
}

/** Resolves after `delayMs`, or rejects with the signal's error. */
export async function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  let stop: (() => void) | undefined;
  try {
    await abortable(
      new Promise<void>((resolve) => {
        stop = clock.setTimer(resolve, delayMs);
      }),
      signal,
    );
  } finally {
    stop?.();
  }
}
