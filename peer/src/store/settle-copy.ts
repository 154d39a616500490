// Settling, at a copy (rule 25): it takes the new owner's epoch, finishes what it accepted, and says what
// it holds. If that differs, it gets the owner's keys, gives what it has newer, and asks for the rest.

import {
  compareVersions,
  limits,
  ZERO_VERSION,
  type Key,
  type KeyVersion,
  type SettleKeysFrame,
  type SettleRecordsFrame,
  type TakeEpochFrame,
  type Version,
} from '@shoal/shared';
import { unpackRecords } from './moved-records.ts';
import { sendSettleKeys, sendSettleRecords, type Given, type SettleTarget } from './settle-records.ts';
import type { RecordToWrite } from './slot-records.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

export type SettleFrame = TakeEpochFrame | SettleKeysFrame | SettleRecordsFrame;

export interface SettleCopy {
  /** Rejects if it could not be stored. */
  receive(frame: SettleFrame): Promise<void>;
}

export interface SettleCopyParts {
  store(records: readonly RecordToWrite[]): Promise<void>;
  /** Resolves when all that was accepted is on storage. */
  idle(): Promise<void>;
  isOver(): boolean;
}

export function createSettleCopy(context: StoreContext, cell: SlotCell, parts: SettleCopyParts): SettleCopy {
  /** The owner's keys, as far as they have come. */
  const theirs = new Map<Key, Version>();
  let chain: Promise<void> = Promise.resolve();

  const isOld = (epoch: number): boolean => parts.isOver() || cell.row?.epoch !== epoch;

  const takeEpoch = async ({ epoch }: TakeEpochFrame): Promise<void> => {
    theirs.clear();
    await parts.idle();
    if (isOld(epoch) || cell.row === undefined) return;
    const { remembered } = context.memory.export(cell.slot, limits.rememberedPerSettle);
    const stoppedMs = context.stops.sinceMs(cell, epoch);
    context.deps.send(cell.row.owner, {
      kind: 'taken',
      slot: cell.slot,
      epoch,
      digest: cell.digest,
      remembered,
      ...(stoppedMs === undefined ? {} : { stoppedMs }),
    });
  };

  const compare = async ({ epoch, keys, last }: SettleKeysFrame): Promise<void> => {
    for (const { key, version } of keys) theirs.set(key, version);
    if (!last || cell.row === undefined) return;
    const given: Given[] = [];
    const wanted: KeyVersion[] = [];
    for await (const { key, head } of context.records.scan(cell.slot)) {
      const their = theirs.get(key);
      theirs.delete(key);
      const order = their === undefined ? -1 : compareVersions(their, head.version);
      if (order < 0) given.push({ key, version: head.version, sizeBytes: head.sizeBytes });
      else if (order > 0) wanted.push({ key, version: head.version });
    }
    for (const key of theirs.keys()) wanted.push({ key, version: ZERO_VERSION });
    theirs.clear();
    const target: SettleTarget = { context, cell, to: cell.row.owner, epoch, isOver: () => isOld(epoch) };
    await sendSettleRecords(target, given);
    await sendSettleKeys(target, wanted);
  };

  const take = async (frame: SettleRecordsFrame): Promise<void> => {
    const records = unpackRecords(frame);
    await parts.store(records);
    if (isOld(frame.epoch)) return;
    for (const { head } of records) context.memory.add(cell.slot, head.requestId, head.version);
  };

  const handle = async (frame: SettleFrame): Promise<void> => {
    if (isOld(frame.epoch)) return;
    if (frame.kind === 'take-epoch') await takeEpoch(frame);
    else if (frame.kind === 'settle-keys') await compare(frame);
    else await take(frame);
  };

  return {
    receive(frame) {
      const handled = chain.then(() => handle(frame));
      chain = handled.catch(() => undefined);
      return handled;
    },
  };
}
