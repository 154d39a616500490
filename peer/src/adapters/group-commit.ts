// Group commit without a timer, for storages: while one group is being written the next collects, so that
// a lone write never waits for company and many share one sync. When a group fails its batches are
// tried one by one: only the guilty one fails.

import { createDeferred, limits, MeshError, type Deferred } from '@shoal/shared';

export interface GroupCommit<Batch> {
  /** Resolves when the batch is written; batches are written in the order of the calls. */
  write(batch: Batch, options: { readonly bytes: number; readonly alone?: boolean }): Promise<void>;
  /** Resolves when all that was called for has ended; further writes reject `closed`. */
  close(): Promise<void>;
}

interface Queued<Batch> {
  readonly batch: Batch;
  readonly bytes: number;
  /** It reads what earlier ones wrote. */
  readonly alone: boolean;
  readonly done: Deferred<void>;
}

export interface GroupCommitOptions<Batch> {
  /** All or nothing. */
  commit(batches: readonly Batch[]): Promise<void>;
  readonly maxBytes?: number;
}

export function createGroupCommit<Batch>(options: GroupCommitOptions<Batch>): GroupCommit<Batch> {
  const maxBytes = options.maxBytes ?? limits.groupBytes;
  let queue: Queued<Batch>[] = [];
  let running: Promise<void> | undefined;
  let isClosed = false;

  const takeGroup = (): readonly Queued<Batch>[] => {
    let bytes = 0;
    let count = 0;
    for (const next of queue) {
      if (count > 0 && (next.alone || bytes + next.bytes > maxBytes)) break;
      count += 1;
      bytes += next.bytes;
      if (next.alone) break;
    }
    const group = queue.slice(0, count);
    queue = queue.slice(count);
    return group;
  };

  const commitOne = async ({ batch, done }: Queued<Batch>): Promise<void> => {
    try {
      await options.commit([batch]);
      done.resolve();
    } catch (error) {
      done.reject(error);
    }
  };

  const commitGroup = async (group: readonly Queued<Batch>[]): Promise<void> => {
    const [only] = group;
    if (group.length === 1 && only !== undefined) return commitOne(only);
    try {
      await options.commit(group.map(({ batch }) => batch));
    } catch {
      // Each hears its own error below.
      for (const each of group) await commitOne(each);
      return undefined;
    }
    for (const { done } of group) done.resolve();
    return undefined;
  };

  const run = async (): Promise<void> => {
    while (queue.length > 0) await commitGroup(takeGroup());
    running = undefined;
  };

  return {
    write(batch, { bytes, alone = false }) {
      if (isClosed) return Promise.reject(new MeshError('closed', 'This storage is closed.'));
      const done = createDeferred<void>();
      queue.push({ batch, bytes, alone, done });
      running ??= run();
      return done.promise;
    },
    async close() {
      isClosed = true;
      await running;
    },
  };
}
