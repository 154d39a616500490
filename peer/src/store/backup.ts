// A backup's part of one slot: it stores what the owner sends, keeps of each key the highest version
// whatever the order of arrival, and acknowledges what is on storage. (Settling: `settle-copy.ts`.)

import {
  compareVersions,
  removeFromDigest,
  type DropTombstonesFrame,
  type ReplicateFrame,
  type SettleKeysFrame,
  type SettleRecordsFrame,
  type TakeEpochFrame,
} from '@shoal/shared';
import { storeNewer, unpackRecords } from './moved-records.ts';
import { createSettleCopy } from './settle-copy.ts';
import type { RecordToWrite } from './slot-records.ts';
import { resetDigest, type SlotCell, type StoreContext } from './store-context.ts';

export type BackupFrame = ReplicateFrame | TakeEpochFrame | SettleKeysFrame | SettleRecordsFrame | DropTombstonesFrame;

export interface Backup {
  /** From the owner, at the slot's epoch. */
  receive(frame: BackupFrame): void;
  /** Takes nothing more. Resolves when what it accepted is on storage: whether the cell's digest is of that. */
  finish(): Promise<boolean>;
  stop(): void;
}

/** `known`: whether the cell's digest is right, and nothing has to be loaded. */
export function createBackup(context: StoreContext, cell: SlotCell, known: Promise<boolean>): Backup {
  const { stay } = cell;
  const storing = new Set<Promise<void>>();
  /** Takes nothing more; what it accepted is stored. */
  let isEnding = false;
  /** Nothing more is stored. */
  let isStopped = false;
  let hasFailed = false;
  /** The cell's digest is of what is here. */
  let isDigested = false;

  const isOver = (): boolean => isEnding || isStopped || cell.stay !== stay;

  const fail = (error: unknown): void => {
    hasFailed = true;
    if (isOver() || context.isClosed()) return;
    context.deps.logger.error('backup failed', { slot: cell.slot, error: String(error) });
    // From a revived configuration nobody is dropped before it is settled: it begins anew without this process.
    if (cell.row?.settled === false) return context.fatal(error);
    context.dispatch(cell, { kind: 'failed' });
  };

  const start = async (): Promise<void> => {
    isDigested = await known;
    if (isDigested) return;
    await Promise.allSettled(cell.storing);
    if (isStopped || cell.stay !== stay) return;
    resetDigest(cell);
    const { digest } = await context.records.load(cell.slot, cell.row?.emptyBefore ?? 0, 0, (key, head) => {
      if (head.tombstone) context.tombstones.add(cell.slot, key, head);
    });
    if (cell.stay !== stay) return;
    cell.digest = digest;
    isDigested = true;
  };
  const { jobs } = cell;
  const ready = context.ready.then(() => jobs).then(start);
  ready.catch(fail);
  cell.jobs = ready.catch(() => undefined);

  /** Those that are newer than what is here, as one batch. */
  const store = async (records: readonly RecordToWrite[]): Promise<void> => {
    const release = await context.locks.acquire(
      records.map(({ key }) => key),
      'write',
    );
    try {
      await storeNewer(context, cell, { records, isWanted: () => !isStopped });
    } finally {
      release();
    }
  };

  const track = (work: Promise<void>): Promise<void> => {
    const tracked = work.finally(() => storing.delete(tracked));
    storing.add(tracked);
    return tracked;
  };

  const idle = async (): Promise<void> => {
    await ready;
    while (storing.size > 0) await Promise.allSettled(storing);
  };

  const copy = createSettleCopy(context, cell, { store: (records) => track(store(records)), idle, isOver });

  const replicate = async (frame: ReplicateFrame): Promise<void> => {
    const records = unpackRecords(frame);
    await ready;
    await store(records);
    context.memory.add(cell.slot, frame.requestId, frame.version);
    if (isOver() || hasFailed || cell.row?.epoch !== frame.epoch) return;
    context.deps.send(cell.row.owner, {
      kind: 'stored',
      slot: cell.slot,
      epoch: frame.epoch,
      version: frame.version,
    });
  };

  /** The owner has dropped these: everybody has them (rule 30). */
  const dropTombstones = async ({ keys }: DropTombstonesFrame): Promise<void> => {
    await ready;
    for (const { key, version } of keys) {
      const release = await context.locks.acquire([key], 'write');
      try {
        const head = await context.records.head(cell.slot, key, stay);
        if (isOver() || head?.tombstone !== true || compareVersions(head.version, version) !== 0) continue;
        await context.records.remove(cell.slot, [key]);
        if (cell.stay === stay) cell.digest = removeFromDigest(cell.digest, key, version);
      } finally {
        release();
      }
    }
  };

  return {
    receive(frame) {
      if (isOver()) return;
      switch (frame.kind) {
        case 'replicate':
          track(replicate(frame)).catch(fail);
          return;
        case 'drop-tombstones':
          track(dropTombstones(frame)).catch(fail);
          return;
        default:
          copy.receive(frame).catch(fail);
      }
    },
    async finish() {
      isEnding = true;
      await idle().catch(() => undefined);
      return isDigested && !hasFailed;
    },
    stop() {
      isStopped = true;
    },
  };
}
