// Get: only the owner answers, with the value in hand and the right to serve looked at again (rule 17).

import {
  NO_PAYLOAD,
  throwIfAborted,
  toMeshError,
  compareVersions,
  type GetFrame,
  type RecordHead,
} from '@shoal/shared';
import { admit, noRoomToSend, refuseWith, wrongSlot } from './admission.ts';
import type { GetOptions, StoreAnswer } from './range-store.ts';
import { isServing, type SlotCell, type StoreContext } from './store-context.ts';
import type { CachedRecord } from './value-cache.ts';

/** Smaller values are read as they are asked for. */
const LARGE_BYTES = 1024 * 1024;

/** Writes the tombstone of a record whose time is over (rule 31). Undefined: look again. */
export type Expire = (
  cell: SlotCell,
  key: GetFrame['key'],
  head: RecordHead,
  signal: AbortSignal,
) => Promise<StoreAnswer | undefined>;

export async function readKey(
  context: StoreContext,
  frame: GetFrame,
  options: GetOptions & { readonly expire: Expire },
): Promise<StoreAnswer> {
  const { signal } = options;
  const wrong = wrongSlot(frame.slot, [frame.key], context.deps.slotCount);
  if (wrong !== undefined) return wrong;
  const cell = context.cell(frame.slot);
  for (;;) {
    throwIfAborted(signal);
    const kept = cell.state.role === 'backup' ? await readContentNamed(context, cell, frame, options) : undefined;
    if (kept !== undefined) return kept;
    const admission = admit(context, cell, frame.epoch);
    if (admission.kind === 'answer') return admission.answer;
    if (admission.kind === 'wait') {
      await context.waiters.wait(frame.slot, { signal });
      continue;
    }
    const step = await readOnce(context, cell, frame, options);
    if (step.kind === 'answer') return step.answer;
    if (step.kind === 'expired') {
      const failed = await options.expire(cell, frame.key, step.head, signal);
      if (failed !== undefined) return failed;
    }
    if (step.kind === 'absent') await step.put;
  }
}

/** What its key names by its content never changes: any copy may tell it, without a lease (rule 17). */
async function readContentNamed(
  context: StoreContext,
  cell: SlotCell,
  frame: GetFrame,
  options: GetOptions,
): Promise<StoreAnswer | undefined> {
  const { stay } = cell;
  const record = await readRecord(context, cell, frame, { ...options, stay });
  if (record === undefined || 'result' in record || record.value === undefined || cell.stay !== stay) return undefined;
  const isMeant = record.head.contentNamed && !isExpired(record.head, context.deps.meshNowMs());
  return isMeant ? answerOf(frame, record.head, record.value) : undefined;
}

type ReadStep =
  | { readonly kind: 'answer'; readonly answer: StoreAnswer }
  | { readonly kind: 'again' }
  | { readonly kind: 'expired'; readonly head: RecordHead }
  | { readonly kind: 'absent'; readonly put: Promise<void> };

async function readOnce(
  context: StoreContext,
  cell: SlotCell,
  frame: GetFrame,
  options: GetOptions,
): Promise<ReadStep> {
  const { key, slot } = frame;
  const { signal } = options;
  const { stay } = cell;
  const release = await context.locks.acquire([key], 'read', signal);
  try {
    const record = await readRecord(context, cell, frame, { ...options, stay });
    if (!isServing(cell, stay) || !context.mayAnswer(cell)) return { kind: 'again' };
    if (record !== undefined && 'result' in record) return { kind: 'answer', answer: record };
    if (record !== undefined && !record.head.tombstone && isExpired(record.head, context.deps.meshNowMs())) {
      return { kind: 'expired', head: record.head };
    }
    if (record?.value !== undefined) {
      context.cache.put(key, stay, record);
      return { kind: 'answer', answer: answerOf(frame, record.head, record.value) };
    }
    // Registered before the key is let go: the next put can't be missed.
    if (frame.wait) return { kind: 'absent', put: context.waiters.wait(slot, { key, signal }) };
    const version = record === undefined ? {} : { version: record.head.version };
    return { kind: 'answer', answer: { result: { kind: 'absent', ...version }, payload: NO_PAYLOAD } };
  } finally {
    release();
  }
}

/** The record, nothing, or what to tell if this member's storage can't be read. */
async function readRecord(
  context: StoreContext,
  cell: SlotCell,
  { key }: GetFrame,
  { stay, signal, fits }: GetOptions & { readonly stay: number },
): Promise<CachedRecord | StoreAnswer | undefined> {
  let release = (): void => undefined;
  try {
    const head = await context.records.head(cell.slot, key, stay);
    if (head === undefined) return undefined;
    if (head.sizeBytes > LARGE_BYTES) release = await context.readingPlace(head.sizeBytes, signal);
    // Looked at when its turn to be read has come.
    if (head.sizeBytes > LARGE_BYTES && fits?.(head.sizeBytes) === false) return noRoomToSend();
    return await context.records.read(cell.slot, key, stay);
  } catch (error) {
    throwIfAborted(signal);
    context.deps.logger.error('storage read failed', { key, error: String(error) });
    return refuseWith(toMeshError(error).toWire());
  } finally {
    release();
  }
}

export function isExpired(head: RecordHead, meshNowMs: number): boolean {
  return head.expiresAtMs !== undefined && meshNowMs >= head.expiresAtMs;
}

function answerOf(frame: GetFrame, head: RecordHead, value: Uint8Array): StoreAnswer {
  const { version, mediaType, contentNamed, sizeBytes } = head;
  if (frame.newerThan !== undefined && compareVersions(version, frame.newerThan) <= 0) {
    return { result: { kind: 'unchanged', version }, payload: NO_PAYLOAD };
  }
  const { range } = frame;
  const payload = range === undefined ? value : value.subarray(range.offset, range.offset + range.length);
  return { result: { kind: 'value', version, mediaType, contentNamed, sizeBytes }, payload };
}
