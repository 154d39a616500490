// Put: refused before it begins or carried out for certain. With a version a write can't be cancelled:
// the caller may go, the write runs on (rules 13 to 15, 18, 19).

import {
  abortable,
  addToDigest,
  createDeferred,
  isMeshError,
  MeshError,
  NO_PAYLOAD,
  removeFromDigest,
  throwIfAborted,
  toMeshError,
  unpackValues,
  type Key,
  type PutFrame,
  type RecordHead,
  type Slot,
  type Version,
} from '@shoal/shared';
import { admit, refusal, refuseWith, wrongSlot } from './admission.ts';
import type { StoreAnswer } from './range-store.ts';
import type { RecordToWrite } from './slot-records.ts';
import { isExpired, type Expire } from './reads.ts';
import { versionOf } from './slot-state.ts';
import { isEverywhere, replicate } from './replication.ts';
import { hasHeir, isServing, otherCopies, type OpenWrite, type SlotCell, type StoreContext } from './store-context.ts';
import { judgeWrite } from './write-checks.ts';

type Heads = readonly (RecordHead | undefined)[];

interface Attempt {
  readonly context: StoreContext;
  readonly cell: SlotCell;
  readonly frame: PutFrame;
  readonly values: readonly Uint8Array[];
  readonly keys: readonly Key[];
  readonly signal: AbortSignal;
  readonly startedMs: number;
  /** It ends a record whose time is over: that one is none to be ended first. */
  readonly isExpiring: boolean;
}

export async function writeKeys(
  context: StoreContext,
  frame: PutFrame,
  options: { readonly signal: AbortSignal; readonly expire?: Expire },
): Promise<StoreAnswer> {
  const { signal, expire } = options;
  const keys = frame.writes.map(({ key }) => key);
  const wrong = wrongSlot(frame.slot, keys, context.deps.slotCount);
  if (wrong !== undefined) return wrong;
  const values = unpackValues(
    frame.payload,
    frame.writes.map(({ sizeBytes }) => sizeBytes),
  );
  const hasValueToDelete = frame.writes.some(({ op, sizeBytes }) => op === 'delete' && sizeBytes > 0);
  if (values === undefined || keys.length === 0 || new Set(keys).size !== keys.length || hasValueToDelete) {
    return refusal(
      'bad-frame',
      'A Put has at least one write, each key once, and the values that its sizes say; a delete has none.',
    );
  }
  const cell = context.cell(frame.slot);
  const startedMs = context.deps.clock.monotonicMs();
  const attempt: Attempt = { context, cell, frame, values, keys, signal, startedMs, isExpiring: expire === undefined };
  for (;;) {
    throwIfAborted(signal);
    const admission = admit(context, cell, frame.epoch);
    if (admission.kind === 'answer') return admission.answer;
    if (admission.kind === 'wait') {
      await context.waiters.wait(frame.slot, { signal });
      continue;
    }
    const waitMs = waitForCopiesMs(attempt);
    if (waitMs > 0) {
      await waitAtMost(context, frame.slot, { waitMs, signal });
      continue;
    }
    const repeated = context.pending.get(frame.id);
    if (repeated !== undefined) {
      await abortable(repeated, signal);
      continue;
    }
    const step = await abortable(start(attempt), signal);
    if (step === undefined) continue;
    if (!('expired' in step)) return step;
    const failed = await expire?.(cell, step.key, step.expired, signal);
    if (failed !== undefined) return failed;
  }
}

/** Undefined: what was admitted is so no longer; look again. */
type Step = StoreAnswer | { readonly key: Key; readonly expired: RecordHead } | undefined;

/** Of a time that runs out this much is left to say so. */
const SAY_DEGRADED_MS = 250;

/** While there are too few copies and more may come: how long that may be waited for (rule 15). */
function waitForCopiesMs({ context, cell, frame, startedMs }: Attempt): number {
  const has = cell.row?.copies.length ?? 1;
  const isHopeless = frame.minCopies > context.replicas;
  if (frame.minCopies <= has || isHopeless || context.memory.find(frame.id) !== undefined) return 0;
  return frame.remainingMs - SAY_DEGRADED_MS - (context.deps.clock.monotonicMs() - startedMs);
}

/** Until the slot changes or the time is over. */
async function waitAtMost(
  context: StoreContext,
  slot: Slot,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const timeUp = new AbortController();
  const stopTimer = context.deps.clock.setTimer(() => timeUp.abort(), waitMs);
  try {
    await context.waiters.wait(slot, { signal: AbortSignal.any([signal, timeUp.signal]) });
  } catch (error) {
    if (signal.aborted || !timeUp.signal.aborted) throw error;
  } finally {
    stopTimer();
  }
}

/** The attempt goes on when its caller has gone; repeats of the request wait for its end. */
function start(attempt: Attempt): Promise<Step> {
  const { pending } = attempt.context;
  const { id } = attempt.frame;
  const ended = createDeferred<void>();
  pending.set(id, ended.promise);
  return tryWrite(attempt).finally(() => {
    pending.delete(id);
    ended.resolve();
  });
}

async function tryWrite(attempt: Attempt): Promise<Step> {
  const { context, cell, frame, keys } = attempt;
  const { stay } = cell;
  const release = await context.locks.acquire(keys, 'write', attempt.signal);
  try {
    let heads: Heads;
    try {
      heads = await Promise.all(keys.map((key) => context.records.head(cell.slot, key, stay)));
    } catch (error) {
      return refuseWith(toMeshError(error).toWire());
    }
    throwIfAborted(attempt.signal);
    const isAdmitted = isServing(cell, stay) && admit(context, cell, frame.epoch).kind === 'serve';
    if (!isAdmitted) return undefined;
    // Before anybody is told that it is absent it is: another owner's clock may say less (rule 31).
    const expired = attempt.isExpiring ? undefined : firstExpired(attempt, heads);
    if (expired !== undefined) return expired;
    const verdict = judgeWrite(context, cell, frame, heads);
    if (verdict !== undefined) return verdict;
    return await carryOut(attempt, heads);
  } finally {
    release();
    for (const key of keys) context.waiters.wakeKey(cell.slot, key);
  }
}

function firstExpired({ context, keys }: Attempt, heads: Heads): Exclude<Step, StoreAnswer | undefined> | undefined {
  const now = context.deps.meshNowMs();
  for (const [index, key] of keys.entries()) {
    const head = heads[index];
    if (head !== undefined && !head.tombstone && isExpired(head, now)) return { key, expired: head };
  }
  return undefined;
}

/** From here on the write happens, whoever goes. */
async function carryOut(attempt: Attempt, heads: Heads): Promise<StoreAnswer | undefined> {
  const { context, cell, frame } = attempt;
  const { stay } = cell;
  const version = accept(context, cell);
  const records = recordsOf(attempt, version);
  const open: OpenWrite = {
    version,
    requestId: frame.id,
    acceptedAtMs: context.elapsed.read().longerMs,
    ageMs: frame.ageMs,
    records: records.map(({ key, head }) => ({ key, head })),
    payload: frame.payload,
    owed: undefined,
    storedBy: new Set(),
    marks: new Map(),
    firstSentAtMs: context.deps.clock.monotonicMs(),
    changed: createDeferred(),
  };
  const isReplicated = otherCopies(cell, context.deps.self).length > 0;
  cell.open.set(version.counter, open);
  cell.outgoing?.replicate(open);
  replicate(context, cell, open);
  const failure = await storeOwn(attempt, records);
  const isOver = (): boolean => cell.stay !== stay || context.isClosed();
  // A copy that could not store it is none: with others left one of them becomes the owner (rule 16).
  const mustGo = (): boolean => failure !== undefined && hasHeir(context, cell);
  while (!isOver() && (mustGo() || !isEverywhere(context, cell, open))) {
    if (mustGo() && cell.state.role === 'serving') context.ownerFailed(cell);
    await open.changed.promise;
  }
  if (cell.open.get(version.counter) === open) cell.open.delete(version.counter);
  if (isOver()) {
    // The new owner has it or does not: a retry with the same id finds out there.
    if (isReplicated) return undefined;
    return unknownOutcome(frame, 'the slot left this member while it was written');
  }
  if (failure !== undefined) await reread(attempt, heads);
  else adopt(attempt, heads, records);
  if (cell.stay === stay) context.dispatch(cell, { kind: 'ended' });
  if (failure !== undefined)
    return unknownOutcome(frame, isMeshError(failure.error) ? failure.error.message : String(failure.error));
  return { result: { kind: 'done', version, copies: cell.row?.copies.length ?? 1 }, payload: NO_PAYLOAD };
}

async function storeOwn(
  { context, cell, frame }: Attempt,
  records: readonly RecordToWrite[],
): Promise<{ readonly error: unknown } | undefined> {
  context.spent(frame.payload.byteLength);
  const write = context.records.write(cell.slot, records);
  cell.storing.add(write);
  try {
    await write;
    return undefined;
  } catch (error) {
    cell.outgoing?.giveUp('a write failed on this storage');
    context.ownerFailed(cell);
    return { error };
  } finally {
    cell.storing.delete(write);
  }
}

function accept(context: StoreContext, cell: SlotCell): Version {
  context.dispatch(cell, { kind: 'accept' });
  if (cell.state.role !== 'serving')
    throw new MeshError('internal', `Slot ${cell.slot} gave a version while ${cell.state.role}.`);
  return versionOf(cell.state);
}

function recordsOf({ context, frame, values }: Attempt, version: Version): readonly RecordToWrite[] {
  const writtenAtMs = context.deps.meshNowMs();
  return frame.writes.map((write, index) => {
    const isDelete = write.op === 'delete';
    const head: RecordHead = {
      version,
      requestId: frame.id,
      tombstone: isDelete,
      contentNamed: write.contentNamed,
      mediaType: write.mediaType,
      sizeBytes: write.sizeBytes,
      writtenAtMs,
      ...(write.ttlMs === undefined || isDelete
        ? {}
        : { expiresAtMs: Math.min(writtenAtMs + write.ttlMs, Number.MAX_SAFE_INTEGER) }),
    };
    return isDelete ? { key: write.key, head } : { key: write.key, head, value: values[index] ?? NO_PAYLOAD };
  });
}

function adopt({ context, cell, frame }: Attempt, heads: Heads, records: readonly RecordToWrite[]): void {
  for (const [index, record] of records.entries()) {
    replaceInDigest(cell, record.key, heads[index], record.head);
    context.cache.put(record.key, cell.stay, record);
    if (record.head.tombstone) context.tombstones.add(cell.slot, record.key, record.head);
    context.memory.add(cell.slot, frame.id, record.head.version);
  }
}

/** After a failed write: what is on storage is what counts (rule 16, one copy). */
async function reread({ context, cell, frame, keys }: Attempt, heads: Heads): Promise<void> {
  for (const [index, key] of keys.entries()) {
    context.cache.delete(key);
    try {
      const head = await context.records.head(cell.slot, key, cell.stay);
      replaceInDigest(cell, key, heads[index], head);
      // It is there all the same: a retry whose answer was lost must not write it over what came since.
      if (head?.requestId === frame.id) context.memory.add(cell.slot, frame.id, head.version);
    } catch (error) {
      context.fatal(error);
      return;
    }
  }
}

function replaceInDigest(
  cell: SlotCell,
  key: Key,
  before: RecordHead | undefined,
  after: RecordHead | undefined,
): void {
  if (before !== undefined) cell.digest = removeFromDigest(cell.digest, key, before.version);
  if (after !== undefined) cell.digest = addToDigest(cell.digest, key, after.version);
}

function unknownOutcome(frame: PutFrame, why: string): StoreAnswer {
  const key = frame.writes[0]?.key ?? '';
  return refusal('unknown-outcome', `The write of "${key}" may or may not have happened: ${why}`);
}
