// Records as they move between copies: joined with their values, and written where they are newer than
// what is there.

import {
  addToDigest,
  compareVersions,
  MeshError,
  removeFromDigest,
  unpackValues,
  type RecordsFrame,
  type ReplicateFrame,
  type SettleRecordsFrame,
} from '@shoal/shared';
import type { RecordToWrite } from './slot-records.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

/** The records of a frame with their values. Throws `bad-frame` if the payload is not of them. */
export function unpackRecords(frame: ReplicateFrame | RecordsFrame | SettleRecordsFrame): readonly RecordToWrite[] {
  const values = unpackValues(
    frame.payload,
    frame.records.map(({ head }) => head.sizeBytes),
  );
  if (values === undefined)
    throw new MeshError('bad-frame', `A ${frame.kind} frame whose payload is not of its records.`);
  return frame.records.map(({ key, head }, index) => {
    const value = values[index];
    return head.tombstone || value === undefined ? { key, head } : { key, head, value };
  });
}

/** One batch of what is newer than here. Nobody else writes these keys meanwhile. */
export async function storeNewer(
  context: StoreContext,
  cell: SlotCell,
  { records, isWanted }: { readonly records: readonly RecordToWrite[]; isWanted(): boolean },
): Promise<void> {
  const heads = await Promise.all(records.map(({ key }) => context.records.head(cell.slot, key, cell.stay)));
  if (!isWanted()) return;
  const fresh = records.flatMap((record, index) => {
    const before = heads[index]?.version;
    return before === undefined || compareVersions(before, record.head.version) < 0 ? [{ record, before }] : [];
  });
  if (fresh.length === 0) return;
  const { tally } = cell;
  let bytes = 0;
  for (const { record } of fresh) bytes += record.value?.byteLength ?? 0;
  context.spent(bytes);
  const write = context.records.write(
    cell.slot,
    fresh.map(({ record }) => record),
  );
  cell.storing.add(write);
  try {
    await write;
  } finally {
    cell.storing.delete(write);
  }
  // A digest that is made anew meanwhile reads this from storage.
  if (cell.tally !== tally) return;
  for (const { record, before } of fresh) {
    if (before !== undefined) cell.digest = removeFromDigest(cell.digest, record.key, before);
    cell.digest = addToDigest(cell.digest, record.key, record.head.version);
    if (record.head.tombstone) context.tombstones.add(cell.slot, record.key, record.head);
  }
}
