// Deletes that are kept until everybody who might bring the key back knows of them (rule 30): an hour, with
// no hand-off open and no dropped copy that keeps the slot; then the owner has all copies drop the record.

import {
  limits,
  type Key,
  type RecordHead,
  type Slot,
  type Version,
  compareVersions,
  removeFromDigest,
} from '@shoal/shared';
import { isServing, otherCopies, type SlotCell, type StoreContext } from './store-context.ts';

/** Dropped in one sweep: the rest waits for the next. */
const SWEPT_AT_ONCE = 1_000;

interface Tombstone {
  readonly slot: Slot;
  readonly key: Key;
  readonly version: Version;
  readonly writtenAtMs: number;
}

export interface Tombstones {
  /** Beyond the queue's bound it is found again when the slot is next loaded. */
  add(slot: Slot, key: Key, head: Pick<RecordHead, 'version' | 'writtenAtMs'>): void;
  /** Those that are old enough, of slots that are served here. */
  sweep(context: StoreContext): Promise<void>;
  readonly size: number;
}

export function createTombstones(): Tombstones {
  let queue: Tombstone[] = [];
  let isSweeping = false;
  return {
    add(slot, key, { version, writtenAtMs }) {
      if (queue.length < limits.sweepQueue) queue.push({ slot, key, version, writtenAtMs });
    },
    async sweep(context) {
      if (isSweeping) return;
      isSweeping = true;
      try {
        const now = context.deps.meshNowMs();
        const due: Tombstone[] = [];
        queue = queue.filter((each) => {
          const isDue = now - each.writtenAtMs >= context.deps.tombstoneMs && due.length < SWEPT_AT_ONCE;
          if (isDue) due.push(each);
          return !isDue;
        });
        for (const each of due) {
          const cell = context.cell(each.slot);
          const { role } = cell.state;
          const isHeld = cell.outgoing !== undefined || (cell.row?.dropped.length ?? 0) > 0;
          if (role === 'serving' && !isHeld) await drop(context, cell, each);
          else if (role !== 'none' && role !== 'learner') queue.push(each);
        }
      } finally {
        isSweeping = false;
      }
    },
    get size() {
      return queue.length;
    },
  };
}

async function drop(context: StoreContext, cell: SlotCell, { slot, key, version }: Tombstone): Promise<void> {
  const { stay } = cell;
  cell.sweeping += 1;
  const release = await context.locks.acquire([key], 'write');
  try {
    const head = await context.records.head(slot, key, stay);
    const isSame = head?.tombstone === true && compareVersions(head.version, version) === 0;
    if (!isSame || !isServing(cell, stay)) return;
    await context.records.remove(slot, [key]);
    for (const { member } of otherCopies(cell, context.deps.self))
      context.deps.send(member, {
        kind: 'drop-tombstones',
        slot,
        epoch: cell.row?.epoch ?? 0,
        keys: [{ key, version }],
      });
    if (cell.stay === stay) cell.digest = removeFromDigest(cell.digest, key, version);
  } finally {
    cell.sweeping -= 1;
    release();
  }
}
