// What the parts of the store share: one cell for each slot, and the things that all slots have together.

import {
  EMPTY_DIGEST,
  type Configuration,
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
import type { OutgoingHandOff } from './handoff.ts';
import type { KeyLocks } from './key-locks.ts';
import type { Learner } from './learner.ts';
import type { Proposals } from './proposals.ts';
import type { RangeStoreDeps, StoreAnswer } from './range-store.ts';
import type { RetryMemory } from './retry-memory.ts';
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
  /** Of what is on storage, while this member owns the slot. */
  digest: SlotDigest;
  /** Work on the slot's storage as a whole, one after the other. */
  jobs: Promise<void>;
  /** By counter of the version. */
  readonly open: Map<number, OpenWrite>;
  readonly refused: Map<RequestId, StoreAnswer>;
  outgoing: OutgoingHandOff | undefined;
  learner: Learner | undefined;
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
  readonly cache: ValueCache;
  readonly records: SlotRecords;
  readonly locks: KeyLocks;
  readonly waiters: Waiters;
  readonly memory: RetryMemory;
  readonly proposals: Proposals;
  readonly tombstones: Tombstones;
  readonly services: readonly SlotService[];
  /** Slots with an open hand-off. */
  readonly handOffs: Set<SlotCell>;
  /** Bytes of the frames that cells keep. */
  keptBytes: number;
  /** Requests of the store itself, by which records end whose time is over. */
  readonly expiring: Set<RequestId>;
  /** Requests that write and have not ended: a repeat waits for them. */
  readonly pending: Map<RequestId, Promise<void>>;
  readonly isClosed: () => boolean;
  cell(slot: Slot): SlotCell;
  /** Resolves when it is known which slots have records. */
  readonly ready: Promise<void>;
  readonly isReady: () => boolean;
  dispatch(cell: SlotCell, event: SlotEvent): void;
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
    digest: EMPTY_DIGEST,
    jobs: Promise.resolve(),
    open: new Map(),
    refused: new Map(),
    outgoing: undefined,
    learner: undefined,
    kept: [],
    sweeping: 0,
    restUntilMs: 0,
  };
}

/** Whether a value read in that stay may be answered now. */
export function isServing(cell: SlotCell, stay: number): boolean {
  return cell.state.role === 'serving' && cell.stay === stay;
}
