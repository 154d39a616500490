// The states of an aggregate, joined in the order of their chunks while others still run, so that the answer is
// the same each time. In a worker of the submitter: a user's function never runs on a page's thread.

import { abortError, createDeferred, limits, type MeshError, toMeshError } from '@shoal/shared';
import type { JsonValue } from '../api.ts';
import type { LoadableUdf, Printed, TaskContext } from './runtime-protocol.ts';
import type { RuntimeFailure } from './runtime-protocol.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface JoiningOptions {
  readonly pool: WorkerPool;
  readonly udf: LoadableUdf;
  readonly context: TaskContext;
  readonly params: JsonValue;
  readonly tasks: number;
  readonly signal: AbortSignal;
  errorOf(failure: RuntimeFailure): MeshError;
  onPrinted(printed: readonly Printed[], droppedLines: number): void;
}

export interface Joining {
  /** The state of one chunk. */
  take(task: number, state: Uint8Array): void;
  /** The encoded result; rejects with the first error of a join, or the signal's. */
  readonly result: Promise<Uint8Array>;
}

export function createJoining(options: JoiningOptions): Joining {
  const states = new Map<number, Uint8Array>();
  const result = createDeferred<Uint8Array>();
  let joined: Uint8Array | undefined;
  let next = 0;
  let isJoining = false;

  /** All that follow each other from `next` on. */
  function takeReady(): Uint8Array[] {
    const ready: Uint8Array[] = [];
    for (let state = states.get(next); state !== undefined; state = states.get(next)) {
      states.delete(next);
      ready.push(state);
      next += 1;
    }
    return ready;
  }

  async function join(): Promise<void> {
    if (isJoining) return;
    isJoining = true;
    try {
      for (let ready = takeReady(); ready.length > 0 || next === options.tasks; ready = takeReady()) {
        const all = joined === undefined ? ready : [joined, ...ready];
        const finish = next === options.tasks;
        // A single state needs no worker to be what it is.
        const [only, another] = all;
        joined =
          only !== undefined && another === undefined && !finish ? only : await joinInWorker(options, all, finish);
        if (finish) return result.resolve(joined);
      }
    } catch (error) {
      result.reject(toMeshError(error));
    } finally {
      isJoining = false;
    }
  }

  const onAbort = (): void => result.reject(abortError(options.signal));
  options.signal.addEventListener('abort', onAbort, { once: true });
  result.promise.catch(() => undefined).finally(() => options.signal.removeEventListener('abort', onAbort));
  if (options.tasks === 0) void join();
  return {
    take: (task, state) => {
      states.set(task, state);
      void join();
    },
    result: result.promise,
  };
}

async function joinInWorker(
  options: JoiningOptions,
  states: readonly Uint8Array[],
  finish: boolean,
): Promise<Uint8Array> {
  const printed: Printed[] = [];
  const { outcome } = await options.pool.run<Uint8Array>({
    job: options.udf.instance,
    instance: options.udf.instance,
    timeoutMs: limits.taskTimeoutMs,
    signal: options.signal,
    onPrinted: (line) => printed.push(line),
    work: (calls) => calls.join({ udf: options.udf, context: options.context, params: options.params, states, finish }),
  });
  options.onPrinted(printed, outcome.droppedLines);
  if (outcome.kind === 'failed') throw options.errorOf(outcome.failure);
  return outcome.value;
}
