// Deletes that are kept until everybody who might bring the key back knows of them (rule 30): an hour, with
// no hand-off open and no dropped copy that keeps the slot; then the owner has all copies drop the record.

import {
  limits,
  type Key,
  type PeerId,
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
  /** Has a copy drop once more what was dropped last: on a link that broke it may not have come. */
  tellAgain(context: StoreContext, member: PeerId): void;
  /** The same for all copies of a slot whose epoch has changed: who was ahead has refused it. */
  tellSlotAgain(context: StoreContext, cell: SlotCell): void;
  readonly size: number;
}

export function createTombstones(): Tombstones {
  let queue: Tombstone[] = [];
  let dropped: Tombstone[] = [];
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
        if (due.length > 0) dropped = [];
        for (const each of due) {
          const cell = context.cell(each.slot);
          const { role } = cell.state;
          const isHeld = cell.outgoing !== undefined || (cell.row?.dropped.length ?? 0) > 0;
          if (role === 'serving' && !isHeld) {
            if (await drop(context, cell, each)) dropped.push(each);
          } else if (role !== 'none' && role !== 'learner' && (await isThere(context, cell, each))) queue.push(each);
        }
      } finally {
        isSweeping = false;
      }
    },
    tellAgain(context, member) {
      for (const each of dropped) {
        const cell = context.cell(each.slot);
        const isCopy = otherCopies(cell, context.deps.self).some((copy) => copy.member === member);
        if (isCopy && cell.state.role === 'serving') tellToDrop(context, cell, each, member);
      }
    },
    tellSlotAgain(context, cell) {
      for (const each of dropped) {
        if (each.slot !== cell.slot) continue;
        for (const { member } of otherCopies(cell, context.deps.self)) tellToDrop(context, cell, each, member);
      }
    },
    get size() {
      return queue.length;
    },
  };
}

function tellToDrop(context: StoreContext, cell: SlotCell, { slot, key, version }: Tombstone, member: PeerId): void {
  const epoch = cell.row?.epoch ?? 0;
  context.deps.send(member, { kind: 'drop-tombstones', slot, epoch, keys: [{ key, version }] });
}

async function isThere(context: StoreContext, cell: SlotCell, { slot, key, version }: Tombstone): Promise<boolean> {
  const head = await context.records.head(slot, key, cell.stay);
  return head?.tombstone === true && compareVersions(head.version, version) === 0;
}

/** Whether it was there to be dropped. */
async function drop(context: StoreContext, cell: SlotCell, tombstone: Tombstone): Promise<boolean> {
  const { slot, key, version } = tombstone;
  const { stay } = cell;
  cell.sweeping += 1;
  const release = await context.locks.acquire([key], 'write');
  try {
    if (!(await isThere(context, cell, tombstone)) || !isServing(cell, stay)) return false;
    await context.records.remove(slot, [key]);
    for (const { member } of otherCopies(cell, context.deps.self)) tellToDrop(context, cell, tombstone, member);
    if (cell.stay === stay) cell.digest = removeFromDigest(cell.digest, key, version);
    return true;
  } finally {
    cell.sweeping -= 1;
    release();
  }
}
