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

/** `promise`, or the signal's error as soon as it aborts; leaves no listener behind. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  throwIfAborted(signal);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
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
  const onOuter = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) controller.abort(outer.reason);
  else outer?.addEventListener('abort', onOuter, { once: true });
  const stop = clock.setTimer(() => controller.abort(options.reason()), timeoutMs);
  return {
    signal: controller.signal,
    end: () => {
      stop();
      outer?.removeEventListener('abort', onOuter);
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
