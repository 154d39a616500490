// Workers for UDFs: as many as this member gives, started when there is work, ended after a while
// without. Whoever waits for a task gets an answer or an error, whatever becomes of its worker.

import { abortError, createDeferred, type Deferred, type Logger, MeshError, onAbort, toMeshError } from '@shoal/shared';
import {
  type PooledWorker,
  type PooledWorkerDeps,
  type PoolAnswer,
  type PoolTask,
  startPooledWorker,
} from './pooled-worker.ts';
import { createScheduler } from './scheduler.ts';

export interface WorkerPool {
  /** Rejects `udf-timeout`, `worker-lost`, `no-workers`, `busy`, `closed`, or the signal's error; never before the code has stopped. */
  run<T>(task: PoolTask<T>): Promise<PoolAnswer<T>>;
  /** Has one worker ready, so that the first task does not wait for it. */
  warm(): void;
  setSize(size: number): void;
  /** Refuses what waits and what comes; what runs goes on. */
  pause(paused: boolean): void;
  view(): { readonly workers: number; readonly busy: number; readonly queued: number };
  close(): Promise<void>;
}

export interface WorkerPoolDeps extends PooledWorkerDeps {
  readonly logger: Logger;
  readonly size: number;
  /** Workers that are kept when there is nothing to do. */
  readonly keptWarm: number;
}

/** A worker without work for this long is ended. */
const IDLE_MS = 10_000;
/** A worker that has loaded this many modules is replaced: what was imported is never freed. */
const MODULES_MAX = 50;

interface Waiting {
  readonly task: PoolTask<unknown>;
  readonly done: Deferred<PoolAnswer<unknown>>;
}

export function createWorkerPool(deps: WorkerPoolDeps): WorkerPool {
  const scheduler = createScheduler<Waiting>();
  const idle = new Map<PooledWorker, () => void>();
  const busy = new Set<PooledWorker>();
  const starting = new Set<Promise<void>>();
  const closing = new AbortController();
  let size = deps.size;
  let paused = false;
  let count = 0;

  const total = (): number => idle.size + busy.size + starting.size;

  function pump(): void {
    while (!paused && idle.size > 0 && scheduler.waiting > 0) {
      const waiting = scheduler.next();
      if (waiting !== undefined) void give(takeIdle(waiting.task.instance), waiting);
    }
    if (paused) return;
    const missing = Math.min(scheduler.waiting - starting.size, size - total());
    for (let one = 0; one < missing; one += 1) start();
  }

  function start(): void {
    count += 1;
    const started = startPooledWorker(deps, count, closing.signal).then(
      (worker) => {
        starting.delete(started);
        void worker.ended.then(() => forget(worker));
        settle(worker);
      },
      (error: unknown) => {
        starting.delete(started);
        deps.logger.warn('workerNotStarted', { error });
        // Whoever waits must not wait for a worker that does not come; if there are others, they will do.
        if (idle.size + busy.size === 0) refuseWaiting(toMeshError(error));
      },
    );
    starting.add(started);
  }

  /** A worker without a task: kept for the next, or ended. */
  function settle(worker: PooledWorker): void {
    const isOfNoUse = worker.isGone || worker.instances.size > MODULES_MAX;
    if (isOfNoUse || closing.signal.aborted || total() >= size) {
      void worker.end().then(refill);
      return;
    }
    keepIdle(worker);
    pump();
  }

  /** After a worker was ended: those who wait, and the one that is kept ready. */
  function refill(): void {
    if (closing.signal.aborted) return;
    pump();
    if (!paused && total() < Math.min(deps.keptWarm, size)) start();
  }

  function keepIdle(worker: PooledWorker): void {
    const stop = deps.clock.setTimer(() => {
      if (!idle.has(worker)) return;
      if (idle.size + busy.size <= Math.min(deps.keptWarm, size)) keepIdle(worker);
      else end(worker);
    }, IDLE_MS);
    idle.set(worker, stop);
  }

  function takeIdle(instance: string): PooledWorker {
    const workers = [...idle.keys()];
    const worker = workers.find(({ instances }) => instances.has(instance)) ?? workers[0];
    if (worker === undefined) throw new Error('Bug: no idle worker');
    idle.get(worker)?.();
    idle.delete(worker);
    busy.add(worker);
    return worker;
  }

  async function give(worker: PooledWorker, { task, done }: Waiting): Promise<void> {
    try {
      done.resolve(await worker.run(task));
    } catch (error) {
      done.reject(closing.signal.aborted ? closedError() : error);
    }
    busy.delete(worker);
    settle(worker);
  }

  function forget(worker: PooledWorker): void {
    idle.get(worker)?.();
    idle.delete(worker);
  }

  function end(worker: PooledWorker): void {
    forget(worker);
    void worker.end();
  }

  function refuseWaiting(error: MeshError): void {
    for (const { done } of scheduler.drain()) done.reject(error);
  }

  function refusal(): MeshError | undefined {
    if (closing.signal.aborted) return closedError();
    if (paused) return new MeshError('no-workers', 'This member is paused: it takes no tasks.');
    if (size === 0) return new MeshError('no-workers', 'This member gives no workers.');
    return undefined;
  }

  return {
    run: async <T>(task: PoolTask<T>): Promise<PoolAnswer<T>> => {
      const refused = refusal();
      if (refused !== undefined) throw refused;
      if (task.signal?.aborted === true) throw abortError(task.signal);
      const done = createDeferred<PoolAnswer<T>>();
      // The scheduler holds tasks of all types; each is resolved with its own.
      const waiting = { task, done } as unknown as Waiting;
      scheduler.add(task.job, waiting);
      const stopAbort = onAbort(task.signal, () => {
        if (task.signal !== undefined && scheduler.remove(task.job, waiting)) done.reject(abortError(task.signal));
      });
      pump();
      try {
        return await done.promise;
      } finally {
        stopAbort();
      }
    },
    warm: () => {
      if (total() === 0 && size > 0 && !closing.signal.aborted) start();
    },
    setSize: (next) => {
      size = next;
      for (const worker of [...idle.keys()].slice(0, Math.max(0, total() - size))) end(worker);
      if (size === 0) refuseWaiting(new MeshError('no-workers', 'This member gives no workers.'));
      pump();
    },
    pause: (next) => {
      paused = next;
      if (paused) refuseWaiting(new MeshError('no-workers', 'This member is paused: it takes no tasks.'));
      else pump();
    },
    view: () => ({ workers: size, busy: busy.size, queued: scheduler.waiting }),
    close: async () => {
      closing.abort(closedError());
      refuseWaiting(closedError());
      for (const stop of idle.values()) stop();
      await Promise.all([...[...idle.keys(), ...busy].map((worker) => worker.end()), ...starting]);
      idle.clear();
    },
  };
}

function closedError(): MeshError {
  return new MeshError('closed', 'This member has left.');
}
