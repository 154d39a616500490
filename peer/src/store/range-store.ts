// Drives the slots of this member over `Storage`; refuses what it does not own.

import {
  isMeshError,
  makeRequestId,
  NO_PAYLOAD,
  slotOfKey,
  type Change,
  type Clock,
  type Configuration,
  type DataResult,
  type GetFrame,
  type Incarnation,
  type Key,
  type Logger,
  type Outcome,
  type PeerId,
  type PutFrame,
  type Random,
  type RecordHead,
  type Slot,
  type SlotFrame,
  type TableEpoch,
  type Wish,
} from '@shoal/shared';
import type { StoreView } from '../api.ts';
import type { Storage } from '../ports/storage.ts';
import { admit } from './admission.ts';
import { createContext } from './create-context.ts';
import type { LeaseHooks } from './leases.ts';
import { createMover, type Mover } from './mover.ts';
import { isExpired, readKey, type Expire } from './reads.ts';
import { meaningOf } from './slot.ts';
import { dropKept, receiveKept, receiveSlotFrame } from './slot-frames.ts';
import { isServing, noteCopies, type SlotCell, type StoreContext } from './store-context.ts';
import { createWatch, type Watch } from './watch.ts';
import { writeKeys } from './writes.ts';

export interface RangeStoreDeps {
  readonly self: PeerId;
  readonly incarnation: Incarnation;
  readonly slotCount: number;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly cacheBytes: number;
  /** How long a delete is kept at least, and how long what was done is remembered by its request id. */
  readonly tombstoneMs: number;
  readonly retryMemoryMs: number;
  /** To a copy or learner. Returns false if there is no open link. */
  send(to: PeerId, frame: SlotFrame): boolean;
  /** Resolves when less is queued to that member, or its link has closed. */
  room(to: PeerId): Promise<void>;
  /** How far what was sent to that member has come; undefined without a link. */
  line(to: PeerId): { readonly takenBytes: number; readonly waitingBytes: number } | undefined;
  /** Asks the registrar; resolves when the outcome is known, however long the registrar is away. Rejects only when this member closes. */
  propose(changes: readonly Change[]): Promise<Outcome>;
  /** The incarnation of a connected member. */
  incarnationOf(member: PeerId): Incarnation | undefined;
  /** The registrar's clock, as measured when joining. */
  meshNowMs(): number;
  /** False while this member has heard nobody for 10 s by either clock, or doubts itself: then it answers nothing from slots of its own, and requests wait. Looked at with the value in hand. */
  mayServe(): boolean;
  /** The table that this member has obeyed: all rows up to it were applied here. */
  table(): TableEpoch;
  /** Copies that a slot should have, as the registrar said last. */
  replicas(): number;
  /** Whether the registrar can be asked now. */
  isConnected(): boolean;
  /** A storage failure that ends this incarnation. */
  onFatal(error: unknown): void;
  /** Slots moved or moving; for status. */
  onChanged(): void;
}

export interface StoreAnswer {
  readonly result: DataResult;
  readonly payload: Uint8Array;
}

export interface StoredKey {
  readonly key: Key;
  readonly slot: Slot;
  readonly head: RecordHead;
}

export interface GetOptions {
  readonly signal: AbortSignal;
  /** Whether an answer of that size could be sent now: else a large value is not even read, and the answer is `busy`. */
  readonly fits?: (bytes: number) => boolean;
}

export interface RangeStore {
  /** The rows that the registrar sent, each newer than the one it replaces. Slots that become this member's are loaded, settled and served. */
  applyRows(rows: readonly Configuration[]): void;
  row(slot: Slot): Configuration | undefined;
  /** How this owner's slots should be; replaces the wish before. */
  setWish(wish: Wish): void;
  /** A backup of a slot of this owner's should own it (rule 7). */
  giveTo(slot: Slot, to: PeerId): void;
  /** For the heartbeats of the links. */
  readonly leases: LeaseHooks;
  /** That process has stopped serving. */
  goodbye(member: PeerId, incarnation: Incarnation): void;
  /** From a client or from this member itself. Waits (behind an open write, a seal, for `wait`, for a newer table) until the signal aborts; then rejects with its error. */
  get(frame: GetFrame, options: GetOptions): Promise<StoreAnswer>;
  put(frame: PutFrame, options: { readonly signal: AbortSignal }): Promise<StoreAnswer>;
  receive(from: PeerId, incarnation: Incarnation, frame: SlotFrame): void;
  linkOpened(member: PeerId, incarnation: Incarnation): void;
  linkClosed(member: PeerId): void;
  /** `mayServe` may have changed: waiting requests are looked at again. */
  poke(): void;
  /** Live keys of owned slots that begin with `prefix`, slot by slot. */
  keys(prefix: string, options: { readonly signal: AbortSignal }): AsyncIterable<StoredKey>;
  /** Heads of those keys that this member owns now. */
  heads(keys: readonly Key[]): Promise<ReadonlyMap<Key, RecordHead>>;
  view(): StoreView;
  /** Seals all slots; waits for open writes to be stored (bounded by the signal). */
  seal(options?: { readonly signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

/** Ids of writes that the store makes itself: above those that a member's requests count up to. */
const FIRST_OWN_REQUEST = 4_000_000_000;

export function createRangeStore(deps: RangeStoreDeps): RangeStore {
  const life = { isClosed: false, isEnding: false };
  const store = createContext(deps, {
    life,
    applyRows: (rows) => {
      applyRows(context, rows);
      mover.plan();
    },
    planned: () => mover.plan(),
  });
  const { context, cells } = store;
  const mover: Mover = createMover(context, cells);
  const watch: Watch = createWatch(context, cells);
  let ownRequests = 0;

  /** A time to live is over: a delete like any other, before absent is answered (rule 31). */
  const expire: Expire = async (cell, key, head, signal) => {
    ownRequests += 1;
    const id = makeRequestId(deps.incarnation, FIRST_OWN_REQUEST + (ownRequests % 100_000_000));
    const write = {
      key,
      op: 'delete',
      expected: head.version,
      mediaType: '',
      contentNamed: false,
      sizeBytes: 0,
    } as const;
    const frame: PutFrame = {
      kind: 'put',
      id,
      ageMs: 0,
      remainingMs: 0,
      forwarded: false,
      slot: cell.slot,
      epoch: 0,
      minCopies: 1,
      writes: [write],
      payload: NO_PAYLOAD,
    };
    const { result, payload } = await writeKeys(context, frame, { signal });
    // Refused for its version: somebody was quicker, and the next look says what there is.
    return result.kind === 'refused' && result.error.code !== 'version' ? { result, payload } : undefined;
  };

  return {
    applyRows(rows) {
      applyRows(context, rows);
      mover.plan();
    },
    row: (slot) => cells.get(slot)?.row,
    setWish: (wish) => mover.setWish(wish),
    giveTo: (slot, to) => mover.give(slot, to),
    leases: context.leases,
    goodbye(member, incarnation) {
      context.leases.goodbye({ member, incarnation });
      watch.look();
    },
    get: (frame, options) => guarded(() => readKey(context, frame, { ...options, expire })),
    put: (frame, { signal }) => guarded(() => writeKeys(context, frame, { signal, expire })),
    receive(from, incarnation, frame) {
      if (!life.isClosed) receiveSlotFrame(context, { from, incarnation, frame });
    },
    linkOpened(member) {
      watch.linkOpened(member);
      mover.plan();
    },
    linkClosed(member) {
      mover.linkClosed(member);
      // A hand-off ends with its link.
      for (const cell of cells.values()) dropKept(context, cell, member);
    },
    poke: () => context.waiters.wakeAll(),
    keys: (prefix, { signal }) => listKeys(context, cells, { prefix, signal }),
    heads: (keys) => headsOf(context, keys),
    view: () => store.view(),
    async seal({ signal } = {}) {
      life.isEnding = true;
      mover.stop();
      for (const cell of cells.values()) context.dispatch(cell, { kind: 'close' });
      const never = new AbortController().signal;
      await store.drained(signal ?? never);
    },
    async close() {
      if (life.isClosed) return;
      life.isEnding = true;
      life.isClosed = true;
      mover.stop();
      watch.stop();
      for (const cell of cells.values()) {
        cell.outgoing?.dispose();
        cell.learner?.stop();
      }
      context.waiters.wakeAll();
      await store.close();
    },
  };
}

/** What a queue's bound says is an answer; only the signal and `closed` reject. */
async function guarded(work: () => Promise<StoreAnswer>): Promise<StoreAnswer> {
  try {
    return await work();
  } catch (error) {
    if (isMeshError(error) && error.code === 'busy') {
      return { result: { kind: 'refused', error: error.toWire() }, payload: NO_PAYLOAD };
    }
    throw error;
  }
}

function applyRows(context: StoreContext, rows: readonly Configuration[]): void {
  const self = { member: context.deps.self, incarnation: context.deps.incarnation };
  for (const row of rows) {
    const cell = context.cell(row.slot);
    const known = cell.row;
    const isNewer =
      known === undefined || row.epoch > known.epoch || (row.epoch === known.epoch && row.settled && !known.settled);
    if (!isNewer) continue;
    cell.row = row;
    if (row.epoch !== known?.epoch) {
      cell.refused.clear();
      noteCopies(cell, context.leases.nowMs());
    }
    const meaning = meaningOf(row, self);
    const { role } = cell.state;
    const isStarting = role === 'none' || role === 'learner' || (role === 'backup' && meaning !== 'others');
    if (context.takesLearning() || !isStarting) context.dispatch(cell, { kind: 'row', row, meaning });
    context.waiters.wake(row.slot);
    receiveKept(context, cell);
  }
  context.leases.tableMoved();
  context.changed();
}

async function* listKeys(
  context: StoreContext,
  cells: ReadonlyMap<Slot, SlotCell>,
  { prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal },
): AsyncIterable<StoredKey> {
  for (const cell of [...cells.values()]) {
    const { role } = cell.state;
    if (role === 'none' || role === 'learner' || role === 'backup') continue;
    while (admit(context, cell, 0).kind === 'wait') await context.waiters.wait(cell.slot, { signal });
    if (cell.state.role !== 'serving' || !context.records.mayHold(cell.slot)) continue;
    const { stay, slot } = cell;
    for await (const { key, head } of context.records.scan(slot, { signal })) {
      if (!isServing(cell, stay) && cell.stay !== stay) break;
      if (key.startsWith(prefix) && !head.tombstone && !isExpired(head, context.deps.meshNowMs()))
        yield { key, slot, head };
    }
  }
}

async function headsOf(context: StoreContext, keys: readonly Key[]): Promise<ReadonlyMap<Key, RecordHead>> {
  const heads = new Map<Key, RecordHead>();
  await Promise.all(
    keys.map(async (key) => {
      const cell = context.cell(slotOfKey(key, context.deps.slotCount));
      const { stay } = cell;
      if (!isServing(cell, stay)) return;
      const head = await context.records.head(cell.slot, key, stay);
      if (head === undefined || head.tombstone || isExpired(head, context.deps.meshNowMs())) return;
      if (cell.stay === stay && context.mayAnswer(cell)) heads.set(key, head);
    }),
  );
  return heads;
}
