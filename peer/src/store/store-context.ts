// What the parts of the store share: one cell for each slot, and the things that all slots have together.

import {
  EMPTY_DIGEST,
  type Configuration,
  type Copy,
  type Deferred,
  type Incarnation,
  type MovedRecord,
  type PeerId,
  type RequestId,
  type Slot,
  type SlotDigest,
  type SlotFrame,
  type Version,
  type ElapsedClock,
} from '@shoal/shared';
import type { Backup } from './backup.ts';
import type { OutgoingHandOff } from './handoff.ts';
import type { KeyLocks } from './key-locks.ts';
import type { Learner } from './learner.ts';
import type { Leases, Process } from './leases.ts';
import type { Proposals } from './proposals.ts';
import type { RangeStoreDeps, StoreAnswer } from './range-store.ts';
import type { RetryMemory } from './retry-memory.ts';
import type { Settle } from './settle.ts';
import type { Stops } from './stops.ts';
import type { SlotRecords } from './slot-records.ts';
import type { SlotEvent, SlotState } from './slot-events.ts';
import { NO_SLOT } from './slot-state.ts';
import type { Tombstones } from './tombstones.ts';
import type { ValueCache } from './value-cache.ts';
import type { Waiters } from './waiters.ts';

/** A write that has its version and is not acknowledged. */
export interface OpenWrite {
  readonly version: Version;
  readonly requestId: RequestId;
  readonly acceptedAtMs: number;
  readonly ageMs: number;
  readonly records: readonly MovedRecord[];
  readonly payload: Uint8Array;
  /** What a learner still owes. */
  owed: Deferred<void> | undefined;
  /** Processes that have it on storage. */
  readonly storedBy: Set<Incarnation>;
  /** By copy: where it ends on its line. */
  readonly marks: Map<PeerId, number>;
  /** Monotonic time at which the copies got it first. */
  readonly firstSentAtMs: number;
  /** Settles, and is another one, when somebody stored it or the configuration changed. */
  changed: Deferred<void>;
}

/** What runs where a slot is served (rule 32): told when serving starts and stops here. */
export interface SlotService {
  activate(slot: Slot, epoch: number): void;
  seal(slot: Slot): void;
}

export interface KeptFrame {
  readonly from: PeerId;
  readonly incarnation: Incarnation;
  readonly frame: SlotFrame;
}

export interface SlotCell {
  readonly slot: Slot;
  row: Configuration | undefined;
  state: SlotState;
  /** Grows each time serving starts or ends: what was read in another stay is not answered. */
  stay: number;
  /** Readings of the leases' clock when each copy was learned of: as the owner, or as one of the others. */
  copySinceMs: ReadonlyMap<string, number>;
  /** Of what is on storage, while this member owns or backs the slot. */
  digest: SlotDigest;
  /** Grows each time the digest is made anew. */
  tally: number;
  /** Writes to storage of copies and owner that are under way. */
  readonly storing: Set<Promise<unknown>>;
  /** Work on the slot's storage as a whole, one after the other. */
  jobs: Promise<void>;
  /** By counter of the version. */
  readonly open: Map<number, OpenWrite>;
  readonly refused: Map<RequestId, StoreAnswer>;
  outgoing: OutgoingHandOff | undefined;
  learner: Learner | undefined;
  backup: Backup | undefined;
  settle: Settle | undefined;
  /** Monotonic times at which copies last acknowledged something. */
  readonly acknowledgedMs: Map<PeerId, number>;
  /** Copies that could not store a write. */
  readonly resigned: Set<Incarnation>;
  /** A drop or take-over is proposed; after a refusal the next waits until then (monotonic). */
  isProposing: boolean;
  proposeAfterMs: number;
  /** An accepted write could not be stored here. */
  hasFailed: boolean;
  /** Frames of an epoch that this member's row has not reached. */
  kept: KeptFrame[];
  /** Tombstones that are being dropped: no hand-off begins meanwhile. */
  sweeping: number;
  /** Monotonic time before which no further hand-off is tried. */
  restUntilMs: number;
}

export interface StoreContext {
  readonly deps: RangeStoreDeps;
  readonly elapsed: ElapsedClock;
  readonly leases: Leases;
  /** Copies that a slot should have. */
  replicas: number;
  readonly cache: ValueCache;
  readonly records: SlotRecords;
  readonly locks: KeyLocks;
  readonly waiters: Waiters;
  readonly memory: RetryMemory;
  readonly proposals: Proposals;
  readonly tombstones: Tombstones;
  readonly stops: Stops;
  readonly services: readonly SlotService[];
  /** Slots with an open hand-off. */
  readonly handOffs: Set<SlotCell>;
  /** Bytes of the frames that cells keep. */
  keptBytes: number;
  /** Requests that write and have not ended: a repeat waits for them. */
  readonly pending: Map<RequestId, Promise<void>>;
  readonly isClosed: () => boolean;
  cell(slot: Slot): SlotCell;
  /** Resolves when it is known which slots have records. */
  readonly ready: Promise<void>;
  readonly isReady: () => boolean;
  dispatch(cell: SlotCell, event: SlotEvent): void;
  /** Whether this owner may answer now: it has heard somebody, and has the lease of every copy, and of the learner that it adds (rule 17). */
  mayAnswer(cell: SlotCell): boolean;
  /** An accepted write could not be stored here: one of the backups shall own the slot, if there is one. */
  ownerFailed(cell: SlotCell): void;
  /** Of hand-offs: each has a new one. */
  nextNumber(): number;
  /** Something is done: there may be more to do for the wish. */
  planned(): void;
  /** False while this member ends: it becomes nothing more. */
  takesLearning(): boolean;
  /** One of the few places for bulk to that member; the way to give it back. */
  bulk(to: PeerId, signal: AbortSignal): Promise<() => void>;
  /** Room in memory for a large value that is read; the way to give it back. */
  readingPlace(bytes: number, signal: AbortSignal): Promise<() => void>;
  /** Less may be free by so much. */
  spent(bytes: number): void;
  freeBytes(): number;
  fatal(error: unknown): void;
  changed(): void;
}

export function createCell(slot: Slot): SlotCell {
  return {
    slot,
    row: undefined,
    state: NO_SLOT,
    stay: 1,
    copySinceMs: new Map(),
    digest: EMPTY_DIGEST,
    tally: 0,
    storing: new Set(),
    jobs: Promise.resolve(),
    open: new Map(),
    refused: new Map(),
    outgoing: undefined,
    learner: undefined,
    backup: undefined,
    settle: undefined,
    acknowledgedMs: new Map(),
    resigned: new Set(),
    isProposing: false,
    proposeAfterMs: 0,
    hasFailed: false,
    kept: [],
    sweeping: 0,
    restUntilMs: 0,
  };
}

/** Whether a value read in that stay may be answered now. */
export function isServing(cell: SlotCell, stay: number): boolean {
  return cell.state.role === 'serving' && cell.stay === stay;
}

/** Whether somebody else has all writes: another copy, or a learner that is proposed as one, and may be one already. */
export function hasHeir({ deps }: StoreContext, cell: SlotCell): boolean {
  const { state } = cell;
  return otherCopies(cell, deps.self).length > 0 || (state.role === 'serving' && state.adding === true);
}

/** Other processes that hold the slot. */
export function otherCopies({ row }: SlotCell, self: PeerId): readonly Copy[] {
  return row === undefined || row.copies.length === 1 ? [] : row.copies.filter(({ member }) => member !== self);
}

export function resetDigest(cell: SlotCell): void {
  cell.digest = EMPTY_DIGEST;
  cell.tally += 1;
}

/** One piece of work on the slot's storage after the other; what fails ends this incarnation. */
export function runJob(context: StoreContext, cell: SlotCell, job: () => Promise<void>): void {
  cell.jobs = cell.jobs
    .then(() => context.ready)
    .then(() => Promise.allSettled(cell.storing))
    .then(job)
    .catch((error: unknown) => context.fatal(error));
}

/** A copy as it is in the row: one that becomes the owner is waited for anew. */
export function standingOf({ row }: SlotCell, { member, incarnation }: Process): string {
  return `${incarnation} ${row?.owner === member ? 'owns' : 'backs'}`;
}

/** After a new row: since when each copy is what it is. */
export function noteCopies(cell: SlotCell, nowMs: number): void {
  const copies = cell.row?.copies ?? [];
  if (copies.length === 1 && cell.copySinceMs.size === 0) return;
  const before = cell.copySinceMs;
  // Whoever is added again has room again: that it resigned once is over.
  for (const copy of copies) if (!before.has(standingOf(cell, copy))) cell.resigned.delete(copy.incarnation);
  cell.copySinceMs = new Map(
    (copies.length === 1 ? [] : copies).map((copy) => {
      const standing = standingOf(cell, copy);
      return [standing, before.get(standing) ?? nowMs];
    }),
  );
}

export function sinceMs(cell: SlotCell, process: Process): number {
  return cell.copySinceMs.get(standingOf(cell, process)) ?? 0;
}
