// One worker of a pool: started with a handshake, one task at a time, and each call raced against the
// worker's end, the deadline and the caller's signal, because Comlink never settles the calls of a worker
// that is gone. A worker whose task ran too long or was cancelled is ended; it is no longer of use.

import { releaseProxy, wrap, type Remote } from 'comlink';
import { abortable, abortError, type Clock, createDeadline, MeshError, toMeshError } from '@shoal/shared';
import type { HostedWorker, WorkerHost } from '../ports/worker-host.ts';
import { endpointOf } from './comlink-port.ts';
import {
  isRuntimeNote,
  type Outcome,
  type Printed,
  type RuntimeAnswer,
  type RuntimeCalls,
  type RuntimeNote,
} from './runtime-protocol.ts';

export type ReadForUdf = (
  key: string,
  signal: AbortSignal,
) => Promise<{ readonly bytes: Uint8Array; readonly mediaType: string } | undefined>;

export interface PoolTask<T> {
  /** Jobs take turns. */
  readonly job: string;
  /** A worker that has this module is taken first. */
  readonly instance: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  work(calls: Remote<RuntimeCalls>, signal: AbortSignal): Promise<Outcome<T>>;
  onPrinted?(line: Printed): void;
  onProgress?(fraction: number): void;
  /** Its time is over, or it was cancelled; its worker has yet to stop, which may take a browser two seconds. */
  onOver?(error: MeshError): void;
}

export interface PoolAnswer<T> {
  readonly outcome: Outcome<T>;
  readonly worker: number;
  readonly startedAtMs: number;
  readonly runMs: number;
}

export interface PooledWorker {
  readonly number: number;
  readonly instances: ReadonlySet<string>;
  /** Settles only when the task has ended for certain; on a rejection by deadline or signal the worker is gone. */
  run<T>(task: PoolTask<T>): Promise<PoolAnswer<T>>;
  readonly isGone: boolean;
  readonly ended: Promise<unknown>;
  end(): Promise<void>;
}

export interface PooledWorkerDeps {
  readonly host: WorkerHost;
  readonly clock: Clock;
  readonly read: ReadForUdf;
}

/** A worker that does not say that it is ready within this is not coming. */
const READY_MS = 20_000;

/** Rejects with the host's error, or `no-workers`. */
export async function startPooledWorker(
  deps: PooledWorkerDeps,
  number: number,
  signal: AbortSignal,
): Promise<PooledWorker> {
  const hosted = await deps.host.start({ signal });
  const calls = wrap<RuntimeCalls>(endpointOf(hosted.port));
  const deadline = createDeadline(deps.clock, READY_MS, {
    outer: signal,
    reason: () => new MeshError('no-workers', `A worker did not start within ${READY_MS / 1000} s.`),
  });
  try {
    await abortable(Promise.race([calls.ready(), lostWhen(hosted)]), deadline.signal);
  } catch (error) {
    await hosted.terminate();
    throw error;
  } finally {
    deadline.end();
  }
  return pooledWorker(deps, hosted, calls, number);
}

function pooledWorker(
  deps: PooledWorkerDeps,
  hosted: HostedWorker,
  calls: Remote<RuntimeCalls>,
  number: number,
): PooledWorker {
  const instances = new Set<string>();
  let isGone = false;
  let running: { readonly task: PoolTask<unknown>; readonly signal: AbortSignal } | undefined;
  const hear = ({ data }: { readonly data: unknown }): void => {
    if (isRuntimeNote(data) && running !== undefined) takeNote(data, running.task, running.signal);
  };
  hosted.port.addEventListener('message', hear);
  const ended = hosted.ended.finally(() => {
    isGone = true;
    hosted.port.removeEventListener('message', hear);
    calls[releaseProxy]();
  });
  ended.catch(() => undefined);

  function takeNote(note: RuntimeNote, task: PoolTask<unknown>, signal: AbortSignal): void {
    switch (note.shoal) {
      case 'printed':
        return task.onPrinted?.(note.line);
      case 'progress':
        return task.onProgress?.(note.fraction);
      case 'get':
        void answerGet(note.id, String(note.key), signal);
        return;
      default:
    }
  }

  async function answerGet(id: number, key: string, signal: AbortSignal): Promise<void> {
    let answer: RuntimeAnswer = { shoal: 'got', id };
    try {
      const value = await deps.read(key, signal);
      if (value !== undefined)
        answer = { ...answer, value: { bytes: value.bytes.slice(), mediaType: value.mediaType } };
    } catch (error) {
      answer = { ...answer, error: toMeshError(error).message };
    }
    if (!isGone) hosted.port.postMessage(answer);
  }

  async function run<T>(task: PoolTask<T>): Promise<PoolAnswer<T>> {
    const startedAtMs = deps.clock.wallMs();
    const since = deps.clock.monotonicMs();
    const deadline = createDeadline(deps.clock, task.timeoutMs, {
      outer: task.signal,
      reason: () => timeoutError(task.timeoutMs),
    });
    const onOver = (): void => task.onOver?.(abortError(deadline.signal));
    deadline.signal.addEventListener('abort', onOver, { once: true });
    instances.add(task.instance);
    running = { task, signal: deadline.signal };
    try {
      const outcome = await abortable(
        Promise.race([task.work(calls, deadline.signal), lostWhen(hosted)]),
        deadline.signal,
      );
      return { outcome, worker: number, startedAtMs, runMs: deps.clock.monotonicMs() - since };
    } catch (error) {
      // Its code may still run, unless the worker itself is what failed: no answer before it has stopped.
      await hosted.terminate();
      isGone = true;
      throw error;
    } finally {
      running = undefined;
      deadline.end();
    }
  }

  return {
    number,
    instances,
    run,
    get isGone() {
      return isGone;
    },
    ended,
    end: () => hosted.terminate(),
  };
}

function timeoutError(timeoutMs: number): MeshError {
  const message = `The function ran longer than ${timeoutMs >= 1000 ? `${timeoutMs / 1000} s` : `${timeoutMs} ms`}; its worker was ended.`;
  return new MeshError('udf-timeout', message, { detail: { timeoutMs } });
}

async function lostWhen(hosted: HostedWorker): Promise<never> {
  const { reason } = await hosted.ended;
  throw new MeshError('worker-lost', `The worker ended before it answered: ${reason}.`);
}
