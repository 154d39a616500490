// A LevelDB that is opened anew after a failed write. Its log may then end in half a record, behind which
// nothing is found when it is next read: what is acknowledged there is lost by a kill (tried, with a full
// disk). Opened anew it has a new log, and all that was acknowledged.

import { statfs } from 'node:fs/promises';
import type { ClassicLevel } from 'classic-level';
import { createDeferred, limits, MeshError, type Deferred } from '@shoal/shared';

export type Level = ClassicLevel<string, Uint8Array>;
export type Operation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

export interface HealingLevel {
  /** Waits while the database is opened anew; whoever iterates reads a page at a time. */
  read<T>(work: (db: Level) => Promise<T>): Promise<T>;
  /** Synced; one after the other, so that none follows a failed one into its log. */
  batch(operations: readonly Operation[]): Promise<void>;
  close(): Promise<void>;
}

/** Takes an open database in `place`. */
export function createHealingLevel(db: Level, place: string): HealingLevel {
  let isSuspect = false;
  let brokenBy: Error | undefined;
  let reading = 0;
  let quiet: Deferred<void> | undefined;
  let reopening: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };

  const reopen = async (): Promise<void> => {
    while (reading > 0) {
      quiet = createDeferred<void>();
      await quiet.promise;
    }
    try {
      await db.close();
      await db.open();
      isSuspect = false;
      brokenBy = undefined;
    } catch (error) {
      brokenBy = error instanceof Error ? error : new Error(String(error));
    }
  };

  /** Opening writes what the log held into a file of its own: without room for it nothing could be read either. */
  const heal = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(place);
    if (bavail * bsize < limits.storageReserveBytes) {
      throw new MeshError('storage-full', "This member's disk is full.");
    }
    reopening = reopen();
    await reopening;
    reopening = undefined;
    if (brokenBy !== undefined) throw brokenBy;
  };

  const write = async (operations: readonly Operation[]): Promise<void> => {
    if (isSuspect) await heal();
    try {
      await db.batch([...operations], { sync: true });
    } catch (error) {
      isSuspect = true;
      // At once, if it can be: what is read next is what a restart would find.
      await heal().catch(() => undefined);
      throw error;
    }
  };

  return {
    async read(work) {
      while (reopening !== undefined) await reopening;
      if (brokenBy !== undefined) throw brokenBy;
      reading += 1;
      try {
        return await work(db);
      } finally {
        reading -= 1;
        if (reading === 0) quiet?.resolve();
      }
    },
    batch: (operations) => inTurn(() => write(operations)),
    close: () => inTurn(() => db.close()),
  };
}
