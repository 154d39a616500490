// Every frame that may travel between two members. Get, Data, Put and Blob carry what users move;
// the other kinds keep the mesh together. The union is closed: a switch over `kind` is exhaustive.

import type { Configuration, Durability } from './configuration.ts';
import type { Incarnation, MeshId, PeerId, RequestId } from './ids.ts';
import type { Key } from './key.ts';
import type { MeshErrorWire } from './mesh-error.ts';
import type { Slot } from './slot.ts';
import type { RecordHead, Version } from './value-record.ts';

/** What every request carries. Times are as known to the sender when it sends. */
export interface RequestHead {
  /** The same in all tries. */
  readonly id: RequestId;
  /** Since the first try. */
  readonly ageMs: number;
  /** Until the asker gives up. */
  readonly remainingMs: number;
  /** True once a neighbour has passed it on: it is never passed on twice. */
  readonly forwarded: boolean;
}

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

export interface GetFrame extends RequestHead {
  readonly kind: 'get';
  readonly slot: Slot;
  /** The slot's epoch as the asker knows it; 0 from a command that holds no table row. */
  readonly epoch: number;
  readonly key: Key;
  readonly range?: { readonly offset: number; readonly length: number };
  /** Answer `unchanged` unless the value is newer. */
  readonly newerThan?: Version;
  /** Wait at the owner until somebody puts the key. */
  readonly wait: boolean;
}

export interface PutWrite {
  readonly key: Key;
  readonly op: 'put' | 'delete';
  /** Refused with `version` unless this is the present one; null: unless the key is absent. */
  readonly expected?: Version | null;
  readonly mediaType: string;
  readonly contentNamed: boolean;
  /** Milliseconds from now in mesh time; the owner makes an instant of it. */
  readonly ttlMs?: number;
  /** Its value is the next so many bytes of the payload; each value starts at a multiple of 8. */
  readonly sizeBytes: number;
}

export interface PutFrame extends RequestHead {
  readonly kind: 'put';
  readonly slot: Slot;
  readonly epoch: number;
  readonly minCopies: number;
  /** Keys of one slot, each once; all or none. */
  readonly writes: readonly PutWrite[];
  readonly payload: Uint8Array;
}

/** The answer to a Get or Put. */
export interface DataFrame {
  readonly kind: 'data';
  readonly id: RequestId;
  readonly result: DataResult;
  /** The value's bytes, for `value`; else empty. */
  readonly payload: Uint8Array;
}

export type DataResult =
  | {
      readonly kind: 'value';
      readonly version: Version;
      readonly mediaType: string;
      readonly contentNamed: boolean;
      /** Of the whole value: the payload may be a range of it. */
      readonly sizeBytes: number;
    }
  | { readonly kind: 'absent'; readonly version?: Version }
  | { readonly kind: 'unchanged'; readonly version: Version }
  | { readonly kind: 'done'; readonly version: Version; readonly copies: number }
  | { readonly kind: 'moved'; readonly row: Configuration }
  | { readonly kind: 'refused'; readonly error: MeshErrorWire; readonly version?: Version };

/** Bytes for a named service: tasks, listings, users' messages. */
export interface BlobFrame extends RequestHead {
  readonly kind: 'blob';
  readonly service: string;
  /** ask opens a request; any number of notes come back; answer or refused ends it. A note without an open request is a message. */
  readonly part: 'ask' | 'note' | 'answer' | 'refused';
  /** What the service understands, encoded with the head: small. */
  readonly body: unknown;
  readonly payload: Uint8Array;
}

export interface CancelFrame {
  readonly kind: 'cancel';
  readonly id: RequestId;
}

/** The receiver has taken so many more bytes of fragments out of its inbox. */
export interface CreditFrame {
  readonly kind: 'credit';
  readonly bytes: number;
}

/** The first frame on a channel, both ways. */
export interface HelloFrame {
  readonly kind: 'hello';
  readonly versions: readonly number[];
  readonly mesh: string;
  readonly meshId: MeshId;
  readonly member: PeerId;
  readonly incarnation: Incarnation;
  readonly term: number;
  readonly tableEpoch: number;
  readonly durability: Durability;
  /** The largest fragment payload that it takes. */
  readonly fragmentBytes: number;
}

export interface HeartbeatFrame {
  readonly kind: 'heartbeat';
  readonly number: number;
  readonly term: number;
  readonly tableEpoch: number;
}

export interface AliveFrame {
  readonly kind: 'alive';
  readonly number: number;
  readonly incarnation: Incarnation;
  readonly term: number;
  readonly tableEpoch: number;
  readonly freeBytes: number;
  readonly lease: boolean;
}

export interface GoodbyeFrame {
  readonly kind: 'goodbye';
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
  readonly highest: Version;
  readonly remembered: readonly RememberedRequest[];
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

/** What keeps a link: handled by the link itself, never queued behind anything. */
export type LinkFrame = HelloFrame | HeartbeatFrame | AliveFrame | GoodbyeFrame | CreditFrame;

export type Frame = GetFrame | PutFrame | DataFrame | BlobFrame | CancelFrame | LinkFrame | SlotFrame;

export type FrameKind = Frame['kind'];

/**
 * How urgent a frame is: link frames and acknowledgements (0) before small requests and answers (1)
 * before bulk (2). Within a class fragments of different requests take turns.
 */
export type FramePriority = 0 | 1 | 2;

export const NO_PAYLOAD: Uint8Array = new Uint8Array(0);
