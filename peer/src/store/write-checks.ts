// What is known of a write before it begins: done already, refused for certain, or free to be carried out.

import {
  compareVersions,
  formatVersion,
  limits,
  NO_PAYLOAD,
  type MeshErrorCode,
  type PutFrame,
  type PutWrite,
  type RecordHead,
  type Version,
} from '@shoal/shared';
import { refusal } from './admission.ts';
import type { StoreAnswer } from './range-store.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

/** Clocks may run a tenth apart. */
const DRIFT = 1.1;

type Heads = readonly (RecordHead | undefined)[];

/** The answer, or undefined: carry it out. `heads` in the order of the writes. */
export function judgeWrite(
  context: StoreContext,
  cell: SlotCell,
  frame: PutFrame,
  heads: Heads,
): StoreAnswer | undefined {
  const refused = cell.refused.get(frame.id);
  if (refused !== undefined) return refused;
  const version = context.memory.find(frame.id) ?? heads.find((head) => head?.requestId === frame.id)?.version;
  if (version !== undefined) return done(version, cell);
  if (isForgotten(context, cell, frame, heads)) {
    return refusal(
      'unknown-outcome',
      `The write of "${frame.writes[0]?.key ?? ''}" was first tried before this member remembers; it may have happened.`,
    );
  }
  const answer = refuse(context, cell, frame, heads);
  if (answer !== undefined) rememberRefusal(cell, frame, answer);
  return answer;
}

function done(version: Version, { row }: SlotCell): StoreAnswer {
  return { result: { kind: 'done', version, copies: row?.copies.length ?? 1 }, payload: NO_PAYLOAD };
}

/** Whether an earlier try may have been carried out without this member knowing of it. */
function isForgotten(context: StoreContext, cell: SlotCell, frame: PutFrame, heads: Heads): boolean {
  if (frame.ageMs === 0 || frame.ageMs * DRIFT <= context.memory.reachMs(cell.slot)) return false;
  // A put leaves a record, a delete after it a tombstone: no record, no earlier try. Unless the tombstone may have gone
  // since, or an operator has emptied the slot after its first row.
  const isTelling = (cell.row?.emptyBefore ?? 0) <= 1 && frame.ageMs * DRIFT < context.deps.tombstoneMs;
  return !(isTelling && frame.writes.some(({ op }, index) => op === 'put' && heads[index] === undefined));
}

function refuse(context: StoreContext, { row }: SlotCell, frame: PutFrame, heads: Heads): StoreAnswer | undefined {
  const copies = row?.copies.length ?? 1;
  if (frame.minCopies > copies) {
    const has = copies === 1 ? '1 copy' : `${copies} copies`;
    return refusal(
      'degraded',
      `Slot ${frame.slot} has ${has} and the write wants ${frame.minCopies}; nothing was written.`,
    );
  }
  const present = heads.map((head) => (head?.tombstone === true ? undefined : head));
  for (const [index, write] of frame.writes.entries()) {
    const answer = refuseVersion(write, present[index]?.version);
    if (answer !== undefined) return answer;
  }
  if (frame.writes.every(({ op }, index) => op === 'delete' && present[index] === undefined)) {
    const last = heads[0]?.version;
    return { result: { kind: 'absent', ...(last === undefined ? {} : { version: last }) }, payload: NO_PAYLOAD };
  }
  const needed = frame.payload.byteLength + limits.storageReserveBytes;
  const isGrowing = frame.writes.some(({ op }) => op === 'put');
  if (isGrowing && context.freeBytes() < needed) {
    return refuseFull(frame, context.freeBytes());
  }
  return undefined;
}

function refuseFull(frame: PutFrame, freeBytes: number): StoreAnswer {
  const code: MeshErrorCode = 'storage-full';
  const key = frame.writes[0]?.key ?? '';
  return refusal(
    code,
    `No room for "${key}" (${frame.payload.byteLength} bytes): the member that holds it has ${Math.max(0, freeBytes)} bytes left.`,
  );
}

function refuseVersion({ key, expected }: PutWrite, present: Version | undefined): StoreAnswer | undefined {
  if (expected === undefined) return undefined;
  const isExpected =
    expected === null ? present === undefined : present !== undefined && compareVersions(expected, present) === 0;
  if (isExpected) return undefined;
  const is = present === undefined ? 'absent' : `at version ${formatVersion(present)}`;
  const wanted = expected === null ? 'to be absent' : `at version ${formatVersion(expected)}`;
  return refusal('version', `"${key}" is ${is}; the write expected it ${wanted}.`, present);
}

/** A refusal is certain: the same request is refused again for as long as the epoch lasts (rule 19). */
function rememberRefusal(cell: SlotCell, frame: PutFrame, answer: StoreAnswer): void {
  cell.refused.set(frame.id, answer);
  const [oldest] = cell.refused.keys();
  if (cell.refused.size > limits.refusedIds && oldest !== undefined) cell.refused.delete(oldest);
}
