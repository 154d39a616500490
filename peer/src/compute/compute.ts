// Compute as the rest of a member sees it: serves tasks with this member's workers, runs jobs on the
// members that hold the data, calls functions, and tries them on a few rows.

import type { Clock, Logger, PeerId, Random, Unsubscribe } from '@shoal/shared';
import { requireKey } from '@shoal/shared';
import type { CallTarget, DryRunResult, JobResult, RunOptions, UdfSource } from '../api.ts';
import type { ChunkCodec } from '../data/chunk.ts';
import type { Values } from '../ports/values.ts';
import type { Services } from '../ports/services.ts';
import type { WorkerHost } from '../ports/worker-host.ts';
import { callUdf } from './call.ts';
import { callMany } from './call-many.ts';
import { dryRun, type DryRunOptions } from './dry-run.ts';
import { runJob } from './job.ts';
import { serveTasks } from './run-udf.ts';
import { createUdfShelf } from './udf-shelf.ts';
import { createWorkerPool, type WorkerPool } from './worker-pool.ts';

export interface ComputeDeps {
  readonly self: { readonly id: PeerId; readonly name: string };
  readonly values: Values;
  readonly services: Services;
  readonly host: WorkerHost;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly codec: () => Promise<ChunkCodec>;
  /** For tasks of the mesh; joins and dry runs have one of their own. */
  readonly workers: number;
}

/** What the parts of compute share. */
export interface ComputeParts extends Omit<ComputeDeps, 'self'> {
  readonly self: { readonly id: PeerId; name(): string };
  readonly pool: WorkerPool;
  readonly localPool: WorkerPool;
}

export interface Compute {
  /** Takes tasks from now on; returns the way to stop. */
  serve(): Unsubscribe;
  run(udf: UdfSource | string, options: RunOptions): Promise<JobResult>;
  call(udf: UdfSource | string, args?: readonly unknown[], target?: CallTarget): Promise<unknown>;
  callMany(
    udf: UdfSource | string,
    argLists: readonly (readonly unknown[])[],
    target?: CallTarget,
  ): Promise<readonly PromiseSettledResult<unknown>[]>;
  /** Rejects `bad-udf` and `udf-timeout`; what the function itself does wrong is an answer. */
  dryRun(
    udf: UdfSource | string,
    rows: readonly Readonly<Record<string, unknown>>[],
    options?: DryRunOptions,
  ): Promise<DryRunResult>;
  setWorkers(count: number): void;
  pause(paused: boolean): void;
  view(): { readonly workers: number; readonly busy: number; readonly queued: number };
  close(): Promise<void>;
}

/** For joins and dry runs: a second one while the first is being stopped. */
const LOCAL_WORKERS = 2;

export function createCompute(deps: ComputeDeps): Compute {
  const { values, host, clock, logger } = deps;
  // A name may change; the roster has the one of now.
  const name = (): string => values.members().find(({ id }) => id === deps.self.id)?.name ?? deps.self.name;
  const read: Parameters<typeof createWorkerPool>[0]['read'] = (key, signal) => values.get(requireKey(key), { signal });
  const pool = createWorkerPool({ host, clock, logger, read, size: deps.workers, keptWarm: 1 });
  const localPool = createWorkerPool({ host, clock, logger, read, size: LOCAL_WORKERS, keptWarm: 0 });
  const parts: ComputeParts = { ...deps, self: { id: deps.self.id, name }, pool, localPool };
  const isCommand = (): boolean => values.members().find(({ id }) => id === deps.self.id)?.kind === 'command';
  return {
    serve: () => {
      const end = serveTasks({ ...parts, shelf: createUdfShelf(values), takesTasks: () => !isCommand() });
      pool.warm();
      return end;
    },
    run: (udf, options) => runJob(parts, udf, options),
    call: (udf, args, target) => callUdf(parts, udf, args ?? [], target),
    callMany: (udf, argLists, target) => callMany(parts, udf, argLists, target),
    dryRun: (udf, rows, options = {}) => dryRun({ ...parts, pool: localPool }, udf, { ...options, rows }),
    setWorkers: (count) => pool.setSize(count),
    pause: (paused) => pool.pause(paused),
    view: () => pool.view(),
    close: async () => {
      await Promise.all([pool.close(), localPool.close()]);
    },
  };
}
