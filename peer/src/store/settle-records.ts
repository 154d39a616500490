// Records on their way between copies that are made equal: those of one version came in one Put and go in
// one frame, so that a copy has all of a Put or none (rule 25, S49).

import {
  compareVersions,
  limits,
  packValues,
  type Key,
  type KeyVersion,
  type MovedRecord,
  type PeerId,
  type Version,
} from '@shoal/shared';
import type { SlotCell, StoreContext } from './store-context.ts';

/** Records in one message: their heads must fit into the head of a frame. */
const RECORDS_AT_ONCE = 1_024;
const RECORDS_KEY_BYTES = 256 * 1024;
export const SETTLE_KEYS_AT_ONCE = 1_024;

export interface SettleTarget {
  readonly context: StoreContext;
  readonly cell: SlotCell;
  readonly to: PeerId;
  readonly epoch: number;
  isOver(): boolean;
}

/** A record to send, by what its head says. */
export interface Given {
  readonly key: Key;
  readonly version: Version;
  readonly sizeBytes: number;
}

/** Resolves when all are with the link. What is not here any more is left out: the next digest tells. */
export async function sendSettleRecords(target: SettleTarget, given: readonly Given[]): Promise<void> {
  const sorted = given.toSorted((a, b) => compareVersions(a.version, b.version));
  let batch: Given[] = [];
  let bytes = 0;
  let keyBytes = 0;
  for (const [index, each] of sorted.entries()) {
    const isNewPut = index === 0 || compareVersions(sorted[index - 1]?.version ?? each.version, each.version) !== 0;
    const isFull =
      bytes + each.sizeBytes > limits.handOffPartBytes ||
      batch.length >= RECORDS_AT_ONCE ||
      keyBytes > RECORDS_KEY_BYTES;
    if (batch.length > 0 && isNewPut && isFull) {
      await sendBatch(target, batch);
      batch = [];
      bytes = 0;
      keyBytes = 0;
    }
    batch.push(each);
    bytes += each.sizeBytes;
    keyBytes += each.key.length * 3;
  }
  if (batch.length > 0) await sendBatch(target, batch);
}

async function sendBatch(target: SettleTarget, batch: readonly Given[]): Promise<void> {
  const { context, cell, to, epoch } = target;
  const records: MovedRecord[] = [];
  const values: Uint8Array[] = [];
  for (const { key } of batch) {
    const record = await context.records.read(cell.slot, key, cell.stay);
    if (record === undefined) continue;
    records.push({ key, head: record.head });
    values.push(record.value ?? new Uint8Array(0));
  }
  await context.deps.room(to);
  if (target.isOver() || records.length === 0) return;
  context.deps.send(to, { kind: 'settle-records', slot: cell.slot, epoch, records, payload: packValues(values) });
}

/** In pages; the last says so. */
export async function sendSettleKeys(
  target: SettleTarget,
  keys: AsyncIterable<KeyVersion> | Iterable<KeyVersion>,
): Promise<void> {
  const { context, cell, to, epoch } = target;
  let page: KeyVersion[] = [];
  const send = async (last: boolean): Promise<void> => {
    await context.deps.room(to);
    if (!target.isOver()) context.deps.send(to, { kind: 'settle-keys', slot: cell.slot, epoch, keys: page, last });
    page = [];
  };
  for await (const each of keys) {
    if (page.length >= SETTLE_KEYS_AT_ONCE) await send(false);
    page.push({ key: each.key, version: each.version });
  }
  await send(true);
}
