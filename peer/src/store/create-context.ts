// Puts the parts of the store together, and keeps what is said of all slots at once: free bytes, what
// lies aside, how many are owned.

import { abortable, limits, type Configuration, MeshError, type Slot, createElapsedClock } from '@shoal/shared';
import type { StopsView, StoreView } from '../api.ts';
import { createBulkPlaces } from './bulk-places.ts';
import { createKeyLocks } from './key-locks.ts';
import { createLeases } from './leases.ts';
import { createProposals } from './proposals.ts';
import type { RangeStoreDeps } from './range-store.ts';
import { createReadingPlaces } from './reading-places.ts';
import { tellOpen } from './replication.ts';
import { createRetryMemory } from './retry-memory.ts';
import { dispatch } from './slot.ts';
import { createSlotRecords } from './slot-records.ts';
import { createCell, otherCopies, type SlotCell, type StoreContext } from './store-context.ts';
import { createStorageUsage } from './storage-usage.ts';
import { createStops } from './stops.ts';
import { createTombstones } from './tombstones.ts';
import { createValueCache } from './value-cache.ts';
import { createWaiters } from './waiters.ts';

export interface Life {
  isClosed: boolean;
  /** Serves what it has until it is handed over or closed, and takes nothing more. */
  isEnding: boolean;
}

export interface ContextParts {
  readonly life: Life;
  applyRows(rows: readonly Configuration[]): void;
  planned(): void;
}

export interface StoreParts {
  readonly context: StoreContext;
  readonly cells: Map<Slot, SlotCell>;
  view(): StoreView;
  /** Resolves when no write is open. */
  drained(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Every so many heartbeats the storage is asked what is free. */
const FREE_EVERY = 5;
/** Tombstones are looked at sixty times in their life. */
const SWEEPS = 60;

export function createContext(deps: RangeStoreDeps, { life, applyRows, planned }: ContextParts): StoreParts {
  const cells = new Map<Slot, SlotCell>();
  const elapsed = createElapsedClock(deps.clock);
  const waiters = createWaiters();
  const leases = createLeases({ elapsed, table: deps.table, onHeld: () => onHeld(context) });
  const stops = createStops({ nowMs: () => deps.clock.monotonicMs(), mayAnswer: (cell) => mayAnswer(context, cell) });
  let numbers = 0;
  const cache = createValueCache(deps.cacheBytes);
  const bulk = createBulkPlaces();
  const reading = createReadingPlaces(limits.readingBytes);
  const occupied = new Set<Slot>();
  let isReady = false;
  let isGone = false;
  let ticks = 0;
  const usage = createStorageUsage({ storage: deps.storage, logger: deps.logger, isClosed: () => life.isClosed });

  const ready = (async () => {
    for (const slot of await deps.storage.slots()) occupied.add(slot);
    await Promise.all([usage.refreshFree(), usage.refreshAside()]);
    isReady = true;
  })();
  ready.catch((error: unknown) => context.fatal(error));

  const context: StoreContext = {
    // A storage that is gone holds nothing for others: they hear of it no more (rule 12).
    deps: { ...deps, send: (to, frame) => !isGone && deps.send(to, frame) },
    elapsed,
    leases,
    replicas: deps.replicas(),
    cache,
    waiters,
    ready,
    records: createSlotRecords({
      storage: deps.storage,
      cache,
      occupied,
      onBadHead: (slot, key) => deps.logger.error('unreadable record', { slot, key }),
      onAside: () => void usage.refreshAside().then(() => context.changed()),
    }),
    locks: createKeyLocks(),
    memory: createRetryMemory(elapsed, { maxAgeMs: deps.retryMemoryMs }),
    proposals: createProposals({ clock: deps.clock, propose: deps.propose, applyRows }),
    tombstones: createTombstones(),
    stops,
    // Waiting gets end where their slot stops being served: they look again.
    services: [{ activate: () => undefined, seal: (slot) => waiters.wake(slot) }],
    handOffs: new Set(),
    keptBytes: 0,
    pending: new Map(),
    isClosed: () => life.isClosed,
    isReady: () => isReady,
    mayAnswer: (cell) => mayAnswer(context, cell),
    ownerFailed: (cell) => ownerFailed(context, cell),
    nextNumber: () => (numbers += 1),
    planned,
    takesLearning: () => !life.isEnding,
    cell: (slot) => cellOf(cells, slot),
    dispatch: (cell, event) => dispatch(context, cell, event),
    bulk: (to, signal) => bulk.take(to, signal),
    readingPlace: (bytes, signal) => reading.take(bytes, signal),
    spent: usage.spent,
    freeBytes: usage.freeBytes,
    fatal(error) {
      if (life.isClosed) return;
      isGone = true;
      deps.logger.error('storage failed', { error: String(error) });
      deps.onFatal(error);
    },
    changed: once(() => life.isClosed || deps.onChanged()),
  };

  const stopGone = deps.storage.onGone((reason) => context.fatal(new MeshError('storage', reason)));
  const sweepEvery = Math.ceil(deps.tombstoneMs / SWEEPS / limits.heartbeatMs);
  const tick = (): void => {
    ticks += 1;
    if (ticks % FREE_EVERY === 0) void usage.refreshFree();
    if (ticks % sweepEvery === 0) sweep(context);
    stopTick = deps.clock.setTimer(tick, limits.heartbeatMs);
  };
  let stopTick = deps.clock.setTimer(tick, limits.heartbeatMs);

  return {
    context,
    cells,
    view: () =>
      viewOf(cells, {
        waiting: waiters.size + context.locks.size + context.pending.size,
        cacheBytes: cache.sizeBytes,
        aside: usage.aside(),
        stops: stops.view(),
      }),
    drained: (signal) => drained(context, cells, signal),
    async close() {
      stopTick();
      stopGone();
      for (const cell of cells.values()) stopCopy(cell);
      await Promise.allSettled([...context.pending.values()]);
      await Promise.allSettled([...cells.values()].map(({ jobs }) => jobs));
    },
  };
}

function sweep(context: StoreContext): void {
  context.tombstones.sweep(context).catch((error: unknown) => {
    if (!context.isClosed()) context.deps.logger.warn('storage could not be asked', { error: String(error) });
  });
}

async function drained(context: StoreContext, cells: ReadonlyMap<Slot, SlotCell>, signal: AbortSignal): Promise<void> {
  while ([...cells.values()].some(({ open }) => open.size > 0)) {
    await abortable(Promise.race([...context.pending.values()]), signal);
  }
}

function stopCopy(cell: SlotCell): void {
  cell.backup?.stop();
  cell.settle?.stop();
  tellOpen(cell);
}

/** However often it is called in one turn. */
function once(tell: () => unknown): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      tell();
    });
  };
}

function cellOf(cells: Map<Slot, SlotCell>, slot: Slot): SlotCell {
  const known = cells.get(slot);
  if (known !== undefined) return known;
  const cell = createCell(slot);
  cells.set(slot, cell);
  return cell;
}

function mayAnswer({ deps, leases }: StoreContext, cell: SlotCell): boolean {
  if (!deps.mayServe()) return false;
  for (const copy of otherCopies(cell, deps.self)) if (!leases.holds(copy)) return false;
  const { state } = cell;
  if (state.role !== 'serving' || state.adding !== true || state.handOff === undefined) return true;
  return leases.holds({ member: state.handOff.to, incarnation: state.handOff.incarnation });
}

function onHeld({ waiters, stops }: StoreContext): void {
  waiters.wakeAll();
  stops.look();
}

function ownerFailed(context: StoreContext, cell: SlotCell): void {
  const others = otherCopies(cell, context.deps.self);
  const to = others.find((copy) => context.leases.holds(copy)) ?? others[0];
  if (to === undefined) return;
  cell.hasFailed = true;
  const { member, incarnation } = to;
  const handOff = { to: member, incarnation, number: context.nextNumber(), purpose: 'give' } as const;
  context.dispatch(cell, { kind: 'failed', to: handOff });
}

function viewOf(
  cells: ReadonlyMap<Slot, SlotCell>,
  {
    waiting,
    cacheBytes,
    aside,
    stops,
  }: {
    readonly waiting: number;
    readonly cacheBytes: number;
    readonly aside: { readonly records: number; readonly bytes: number };
    readonly stops: StopsView;
  },
): StoreView {
  let owned = 0;
  let moving = 0;
  let kept = 0;
  for (const { state, outgoing, open, kept: frames } of cells.values()) {
    kept += open.size + frames.length;
    if (state.role === 'serving' || state.role === 'sealed' || state.role === 'settling') owned += 1;
    if (state.role === 'learner' || outgoing !== undefined) moving += 1;
  }
  return {
    owned,
    moving,
    waiting: waiting + kept,
    cacheBytes,
    asideRecords: aside.records,
    asideBytes: aside.bytes,
    stops,
  };
}
