// The frames that only copies of a slot send each other: writes on their way, hand-offs, settling.
// Each names slot and epoch, and a receiver in another epoch refuses it.

import type { RequestId } from './ids.ts';
import type { Key } from './key.ts';
import type { Slot } from './slot.ts';
import type { RecordHead, Version } from './value-record.ts';

/** One digest of a slot: sum over hash(key, version), two uint32, and how many records it covers. */
export interface SlotDigest {
  readonly high: number;
  readonly low: number;
  readonly records: number;
}

/** A key with the version that somebody holds. */
export interface KeyVersion {
  readonly key: Key;
  readonly version: Version;
}

/** A record as it moves between copies; its value is the next `head.sizeBytes` of the payload, each value starting at a multiple of 8. */
export interface MovedRecord {
  readonly key: Key;
  readonly head: RecordHead;
}

/** An id with the version that its write got. */
export interface RememberedRequest {
  readonly id: RequestId;
  readonly version: Version;
  readonly ageMs: number;
}

/** What every frame about a slot between its copies carries: receivers refuse another epoch. */
export interface SlotHead {
  readonly slot: Slot;
  readonly epoch: number;
}

/** A write on its way to a copy or learner. */
export interface ReplicateFrame extends SlotHead {
  readonly kind: 'replicate';
  readonly version: Version;
  readonly requestId: RequestId;
  readonly ageMs: number;
  /** The hand-off's number if it goes to a learner. */
  readonly number?: number;
  readonly records: readonly MovedRecord[];
  readonly payload: Uint8Array;
}

export interface StoredFrame extends SlotHead {
  readonly kind: 'stored';
  readonly version: Version;
  readonly number?: number;
}

/** "That is not my epoch of the slot": the receiver's own. */
export interface OtherEpochFrame extends SlotHead {
  readonly kind: 'other-epoch';
}

/** A copy that could not store an accepted write. */
export interface ResignFrame extends SlotHead {
  readonly kind: 'resign';
}

export interface TakeEpochFrame extends SlotHead {
  readonly kind: 'take-epoch';
}

export interface TakenFrame extends SlotHead {
  readonly kind: 'taken';
  readonly digest: SlotDigest;
  readonly remembered: readonly RememberedRequest[];
  /** From the owner that has handed it over: for how long nobody has answered for the slot. */
  readonly stoppedMs?: number;
}

export interface SettleKeysFrame extends SlotHead {
  readonly kind: 'settle-keys';
  readonly keys: readonly KeyVersion[];
  readonly last: boolean;
}

export interface SettleRecordsFrame extends SlotHead {
  readonly kind: 'settle-records';
  readonly records: readonly MovedRecord[];
  readonly payload: Uint8Array;
}

/** Opens a hand-off: from here the learner gets every write. */
export interface BeginFrame extends SlotHead {
  readonly kind: 'begin';
  readonly number: number;
  readonly counter: number;
  readonly digest: SlotDigest;
  readonly remembered: readonly RememberedRequest[];
  /** How far back the remembered requests are all there; absent: not at all. */
  readonly reachMs?: number;
}

export interface BegunFrame extends SlotHead {
  readonly kind: 'begun';
  readonly number: number;
  readonly digest: SlotDigest;
}

/** The owner's keys in (fromKey, toKey], in order; without fromKey from the first, without toKey to the last. */
export interface PartFrame extends SlotHead {
  readonly kind: 'part';
  readonly number: number;
  readonly fromKey?: Key;
  readonly toKey?: Key;
  readonly keys: readonly KeyVersion[];
}

/** Of the last part, those keys whose records the learner lacks. */
export interface WantFrame extends SlotHead {
  readonly kind: 'want';
  readonly number: number;
  readonly keys: readonly Key[];
}

/** The records that a learner wanted, bounded in bytes; answered by `want` of what is still missing. */
export interface RecordsFrame extends SlotHead {
  readonly kind: 'records';
  readonly number: number;
  readonly records: readonly MovedRecord[];
  readonly payload: Uint8Array;
}

export interface CheckFrame extends SlotHead {
  readonly kind: 'check';
  readonly number: number;
  readonly digest: SlotDigest;
}

export interface ReportFrame extends SlotHead {
  readonly kind: 'report';
  readonly number: number;
  readonly digest: SlotDigest;
  /** Of a backup that is to own the slot: whether it has the leases of all other copies. */
  readonly leases?: boolean;
}

/** The hand-off is given up. */
export interface EndFrame extends SlotHead {
  readonly kind: 'end';
  readonly number: number;
}

export interface DropTombstonesFrame extends SlotHead {
  readonly kind: 'drop-tombstones';
  readonly keys: readonly KeyVersion[];
}

/** What only copies of a slot send each other. */
export type SlotFrame =
  | ReplicateFrame
  | StoredFrame
  | OtherEpochFrame
  | ResignFrame
  | TakeEpochFrame
  | TakenFrame
  | SettleKeysFrame
  | SettleRecordsFrame
  | BeginFrame
  | BegunFrame
  | PartFrame
  | WantFrame
  | RecordsFrame
  | CheckFrame
  | ReportFrame
  | EndFrame
  | DropTombstonesFrame;
