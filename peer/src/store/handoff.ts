// One hand-off, at the owner (rule 26): from `begin` on the learner gets every write; what is stored is
// streamed beside them; then digests are compared while no write is open, and the change is proposed.

import {
  abortable,
  createDeferred,
  digestsEqual,
  limits,
  MeshError,
  packValues,
  throwIfAborted,
  type Deferred,
  type Incarnation,
  type Key,
  type KeyVersion,
  type MovedRecord,
  type PartFrame,
  type PeerId,
  type SlotDigest,
  type SlotFrame,
} from '@shoal/shared';
import type { HandOff } from './slot-events.ts';
import { isOnTheWay, markOf } from './on-the-way.ts';
import { tell } from './replication.ts';
import type { OpenWrite, SlotCell, StoreContext } from './store-context.ts';

/** Keys that one part lists, and roughly their bytes: a head of a frame holds a mebibyte. */
const PART_KEYS = 1_024;
const PART_KEY_BYTES = 256 * 1024;
/** Records in one message: their heads must fit into the head of a frame. */
const RECORDS_AT_ONCE = 1_024;
const RECORDS_KEY_BYTES = 256 * 1024;
/** Ids that go along: those of the last minutes of a busy slot. */
const REMEMBERED_AT_ONCE = limits.rememberedPerFrame;

export interface OutgoingHandOff extends HandOff {
  readonly epoch: number;
  /** Opens it: nothing of the slot may be written between this and the machine's step. */
  begin(): void;
  /** A write that got its version: the learner owes it from here on. */
  replicate(open: OpenWrite): void;
  receive(from: PeerId, incarnation: Incarnation, frame: SlotFrame): void;
  /** Asks for the learner's digest, to be compared with what is here when it comes. */
  check(): void;
  /** Unless a proposal is out. */
  giveUp(why: string): void;
  /** The learner is a copy now: what it stored counts. */
  added(): void;
  /** It is over, one way or the other: nobody owes or waits any more. */
  dispose(): void;
  /** The learner owes something and has been silent for too long. */
  isStuck(nowMs: number): boolean;
}

type AnswerKind = 'begun' | 'want' | 'report';
type AnswerFrame<Kind extends AnswerKind> = Extract<SlotFrame, { kind: Kind }>;

interface Expected {
  readonly kind: AnswerKind;
  readonly frame: Deferred<SlotFrame>;
}

export function createHandOff(context: StoreContext, cell: SlotCell, handOff: HandOff): OutgoingHandOff {
  const { to, incarnation, number, purpose } = handOff;
  const ending = new AbortController();
  const { signal } = ending;
  const epoch = cell.row?.epoch ?? 0;
  const head = { slot: cell.slot, epoch, number };
  let expected: Expected | undefined;
  let heardAtMs = context.deps.clock.monotonicMs();
  let owing = 0;
  let isAdded = false;
  let mark = 0;
  let stopOverdue = (): void => undefined;

  const send = (frame: SlotFrame): void => {
    if (!context.deps.send(to, frame)) giveUp('no link');
  };

  const exchange = async <Kind extends AnswerKind>(frame: SlotFrame, kind: Kind): Promise<AnswerFrame<Kind>> => {
    throwIfAborted(signal);
    const answer = createDeferred<SlotFrame>();
    expected = { kind, frame: answer };
    heardAtMs = context.deps.clock.monotonicMs();
    send(frame);
    mark = markOf(context, to);
    const got = await abortable(answer.promise, signal);
    if (!isOfKind(got, kind)) throw new MeshError('internal', `A ${got.kind} where a ${kind} was awaited.`);
    return got;
  };

  const giveUp = (why: string): void => {
    if (signal.aborted) return;
    context.deps.logger.debug('hand-off given up', { slot: cell.slot, to, number, why });
    context.dispatch(cell, { kind: 'give-up', number });
  };

  const settleOwed = (open: OpenWrite): void => {
    if (open.owed === undefined) return;
    open.owed.resolve();
    open.owed = undefined;
    owing -= 1;
    tell(open);
  };

  const run = async (first: SlotFrame, digest: SlotDigest, openAtBegin: readonly OpenWrite[]): Promise<void> => {
    const begun = await exchange(first, 'begun');
    if (!digestsEqual(begun.digest, digest)) {
      // Parts list what is stored: the writes that were open at `begin` must be.
      for (const open of openAtBegin) while (open.owed !== undefined) await abortable(open.owed.promise, signal);
      await stream({ context, cell, handOff, head, signal, exchange: (frame) => exchange(frame, 'want') });
    }
    while (!context.proposals.isFlowing()) await abortable(pause(context), signal);
    throwIfAborted(signal);
    stopOverdue = context.deps.clock.setTimer(
      () => context.dispatch(cell, { kind: 'overdue', number }),
      limits.handOffQuietMs,
    );
    context.dispatch(cell, { kind: 'ready', number });
  };

  const replicate = (open: OpenWrite): void => {
    // A backup gets every write as it is.
    if (signal.aborted || purpose === 'give') return;
    open.owed = createDeferred();
    if (owing === 0) heardAtMs = context.deps.clock.monotonicMs();
    owing += 1;
    const ageMs = open.ageMs + context.elapsed.read().longerMs - open.acceptedAtMs;
    const { version, requestId, records, payload } = open;
    send({ kind: 'replicate', ...head, version, requestId, ageMs, records, payload });
    mark = markOf(context, to);
  };

  return {
    ...handOff,
    epoch,
    begin() {
      const { remembered, reachMs } = context.memory.export(cell.slot, REMEMBERED_AT_ONCE);
      const counter = cell.state.role === 'serving' ? cell.state.counter : 0;
      const openAtBegin = [...cell.open.values()];
      const { digest } = cell;
      const first: SlotFrame = { kind: 'begin', ...head, counter, digest, remembered, reachMs };
      const running = run(first, digest, openAtBegin);
      for (const open of openAtBegin) replicate(open);
      running.catch((error: unknown) => {
        if (!signal.aborted) giveUp(String(error));
      });
    },
    replicate,
    receive(from, theirs, frame) {
      if (signal.aborted || from !== to || theirs !== incarnation) return;
      if (frame.kind === 'resign' && frame.epoch === epoch) return giveUp(frame.kind);
      if (frame.kind === 'other-epoch' && frame.epoch !== epoch) return giveUp(frame.kind);
      if (!('number' in frame) || frame.number !== number) return;
      heardAtMs = context.deps.clock.monotonicMs();
      if (frame.kind === 'stored') {
        const open = cell.open.get(frame.version.counter);
        if (open === undefined || open.version.epoch !== frame.version.epoch) return;
        open.storedBy.add(incarnation);
        settleOwed(open);
      } else if (frame.kind === expected?.kind) {
        const { frame: answer } = expected;
        expected = undefined;
        answer.resolve(frame);
      }
    },
    check() {
      exchange({ kind: 'check', ...head, digest: cell.digest }, 'report').then(
        ({ digest, leases }) => {
          const equal = digestsEqual(digest, cell.digest);
          context.dispatch(cell, { kind: 'report', number, equal: purpose === 'give' ? leases === true : equal });
        },
        (error: unknown) => {
          if (!signal.aborted) giveUp(String(error));
        },
      );
    },
    giveUp,
    added() {
      isAdded = true;
    },
    dispose() {
      ending.abort(new MeshError('aborted', 'The hand-off is over.'));
      stopOverdue();
      expected = undefined;
      for (const open of cell.open.values()) {
        // What it stored as this learner counts only if it became a copy (S51).
        if (!isAdded && purpose !== 'give') open.storedBy.delete(incarnation);
        settleOwed(open);
        tell(open);
      }
    },
    isStuck(nowMs) {
      if (expected === undefined && owing === 0) return false;
      if (isOnTheWay(context, to, mark)) heardAtMs = nowMs;
      return nowMs - heardAtMs > limits.stuckMs;
    },
  };
}

function isOfKind<Kind extends AnswerKind>(frame: SlotFrame, kind: Kind): frame is AnswerFrame<Kind> {
  return frame.kind === kind;
}

function pause(context: StoreContext): Promise<void> {
  return new Promise((resolve) => {
    context.deps.clock.setTimer(resolve, limits.heartbeatMs / 4);
  });
}

interface Stream {
  readonly context: StoreContext;
  readonly cell: SlotCell;
  readonly handOff: HandOff;
  readonly head: { readonly slot: SlotCell['slot']; readonly epoch: number; readonly number: number };
  readonly signal: AbortSignal;
  exchange(frame: SlotFrame): Promise<AnswerFrame<'want'>>;
}

/** All that is stored, part by part: keys first, then the records that the learner lacks. */
async function stream(to: Stream): Promise<void> {
  let fromKey: Key | undefined;
  let keys: KeyVersion[] = [];
  let bytes = 0;
  for await (const { key, head } of to.context.records.scan(to.cell.slot, { signal: to.signal })) {
    if (keys.length >= PART_KEYS || bytes >= PART_KEY_BYTES) {
      const toKey = keys.at(-1)?.key;
      await sendPart(to, { fromKey, toKey, keys });
      fromKey = toKey;
      keys = [];
      bytes = 0;
    }
    keys.push({ key, version: head.version });
    bytes += key.length * 3;
  }
  await sendPart(to, { fromKey, toKey: undefined, keys });
}

async function sendPart(
  to: Stream,
  part: { readonly fromKey: Key | undefined; readonly toKey: Key | undefined; readonly keys: readonly KeyVersion[] },
): Promise<void> {
  const { fromKey, toKey, keys } = part;
  const frame: PartFrame = {
    kind: 'part',
    ...to.head,
    keys,
    ...(fromKey === undefined ? {} : { fromKey }),
    ...(toKey === undefined ? {} : { toKey }),
  };
  let want = await to.exchange(frame);
  while (want.keys.length > 0) {
    const batch = await gather(to, want.keys);
    // What is not here any more can't be sent; the digests will tell.
    if (batch.records.length === 0) return;
    want = await sendRecords(to, batch);
  }
}

interface Batch {
  readonly records: readonly MovedRecord[];
  readonly values: readonly Uint8Array[];
  readonly bytes: number;
}

/** As many records as fit into one message; at least one, however large. */
async function gather(to: Stream, keys: readonly Key[]): Promise<Batch> {
  const records: MovedRecord[] = [];
  const values: Uint8Array[] = [];
  let bytes = 0;
  let keyBytes = 0;
  for (const key of keys) {
    const { records: store } = to.context;
    const sizeBytes = (await store.head(to.cell.slot, key, to.cell.stay))?.sizeBytes ?? 0;
    const isFull =
      bytes + sizeBytes > limits.handOffPartBytes || records.length >= RECORDS_AT_ONCE || keyBytes > RECORDS_KEY_BYTES;
    if (records.length > 0 && isFull) break;
    const record = await store.read(to.cell.slot, key, to.cell.stay);
    if (record === undefined) continue;
    records.push({ key, head: record.head });
    if (record.value !== undefined) values.push(record.value);
    else values.push(new Uint8Array(0));
    bytes += record.value?.byteLength ?? 0;
    keyBytes += key.length * 3;
  }
  return { records, values, bytes };
}

async function sendRecords(to: Stream, { records, values, bytes }: Batch): Promise<AnswerFrame<'want'>> {
  const { context, handOff, signal } = to;
  const giveBack = bytes > limits.handOffSmallBytes ? await context.bulk(handOff.to, signal) : undefined;
  try {
    await abortable(context.deps.room(handOff.to), signal);
    return await to.exchange({ kind: 'records', ...to.head, records, payload: packValues(values) });
  } finally {
    giveBack?.();
  }
}
