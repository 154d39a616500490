// Every frame that may travel between two members. Get, Data, Put and Blob carry what users move;
// the other kinds keep the mesh together. The union is closed: a switch over `kind` is exhaustive.

import type { Configuration, Durability } from './configuration.ts';
import type { Incarnation, MeshId, PathId, PeerId, RequestId } from './ids.ts';
import type { Key } from './key.ts';
import type { MeshErrorWire } from './mesh-error.ts';
import type { SlotFrame } from './slot-frame.ts';
import type { Slot } from './slot.ts';
import type { Version } from './value-record.ts';

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

/** To a member that is linked to both: it passes the payload on to `to`, over its own direct link. */
export interface ForwardFrame {
  readonly kind: 'forward';
  readonly to: PeerId;
  /** Names the path between the two ends; of the dialling end's choosing. */
  readonly path: PathId;
  /** Why the path has ended; the payload is then empty. */
  readonly ended?: string;
  /** A sealed message of the path's channel. */
  readonly payload: Uint8Array;
}

/** What a `forward` becomes: `from` is the member from whose direct link it came. It is never passed on again. */
export interface ForwardedFrame {
  readonly kind: 'forwarded';
  readonly from: PeerId;
  readonly path: PathId;
  readonly ended?: string;
  readonly payload: Uint8Array;
}

/** What keeps a link: handled by the link itself, never queued behind anything. */
export type LinkFrame = HelloFrame | HeartbeatFrame | AliveFrame | GoodbyeFrame | CreditFrame;

/** What carries a link between two members over the links of a third: handled by `mesh`. */
export type PathFrame = ForwardFrame | ForwardedFrame;

export type Frame = GetFrame | PutFrame | DataFrame | BlobFrame | CancelFrame | LinkFrame | PathFrame | SlotFrame;

export type FrameKind = Frame['kind'];

/**
 * How urgent a frame is: link frames and acknowledgements (0) before small requests and answers (1)
 * before bulk (2). Within a class fragments of different requests take turns.
 */
export type FramePriority = 0 | 1 | 2;

export const NO_PAYLOAD: Uint8Array = new Uint8Array(0);
