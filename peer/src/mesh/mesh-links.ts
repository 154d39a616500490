// One link for each member that this one talks to. Only `mesh` knows links; the router sends frames to
// members by id.

import type {
  Durability,
  Frame,
  FramePriority,
  Incarnation,
  MeshId,
  PeerId,
  Subscribable,
  TableEpoch,
} from '@shoal/shared';
import type { LinkView } from '../api.ts';

export interface MeshLinkEvents {
  /** Hellos are exchanged: frames may be sent. */
  linkOpened: { readonly member: PeerId; readonly incarnation: Incarnation; readonly durability: Durability };
  /** Frames still queued are dropped. A new one is dialled by itself while the member is wanted. */
  linkClosed: { readonly member: PeerId; readonly incarnation: Incarnation; readonly reason: string };
  /** Decoded and checked. Link frames never get here. */
  frameReceived: { readonly from: PeerId; readonly incarnation: Incarnation; readonly frame: Frame };
  /** The remote said that it stopped serving. */
  goodbyeReceived: { readonly from: PeerId; readonly incarnation: Incarnation };
  /** Anything was heard of that member, be it a heartbeat. */
  heard: { readonly member: PeerId };
  /** Link state or round trip changed. */
  linkChanged: { readonly member: PeerId };
}

/** Leases ride on heartbeats; who grants and counts them is the store. `from` has the checked hello's member and incarnation. */
export interface LinkLeases {
  /** Kept with a heartbeat that is sent. */
  reading(): number;
  asked(from: LeaseParty, table: TableEpoch): boolean;
  answered(
    from: LeaseParty,
    answer: { readonly askedMs: number; readonly lease: boolean; readonly table: TableEpoch },
  ): void;
}

export interface LeaseParty {
  readonly member: PeerId;
  readonly incarnation: Incarnation;
}

/** What the hello and the heartbeats say of this member. */
export interface SelfView {
  readonly mesh: string;
  readonly meshId: MeshId;
  readonly id: PeerId;
  readonly incarnation: Incarnation;
  readonly durability: Durability;
  readonly term: number;
  readonly tableEpoch: number;
  readonly freeBytes: number;
}

/** Whom to link to. `dial` false: only accept (the other side's id is lower, or on demand). */
export interface WantedMember {
  readonly id: PeerId;
  readonly incarnation: Incarnation;
}

export interface MeshLinks extends Subscribable<MeshLinkEvents> {
  /** The members to hold a link to from now on: missing ones are dialled by the side with the lower id, with backoff, `limits.dialsAtOnce` at a time; links to others are closed, except those that `linkTo` asked for or that a remote opened. */
  want(members: readonly WantedMember[]): void;
  /** Members that may link to us: hellos of others, or of other incarnations, are refused. */
  admit(members: readonly WantedMember[]): void;
  /** Resolves when a link is open; dials on demand whatever the order of ids (commands dial only whom they need). Rejects `link-lost` after a failed dial, or the signal's error. */
  linkTo(member: PeerId, options?: { readonly signal?: AbortSignal }): Promise<void>;
  isOpen(member: PeerId): boolean;
  /** Why there is no link to that member, as far as is known: a phrase. */
  whyClosed(member: PeerId): string;
  /** Queues a frame. Throws `link-lost` without an open link, `busy` at the queue's bound. */
  send(to: PeerId, frame: Frame, priority: FramePriority): void;
  /** Resolves when less than half of the queue's bound is used, or the link has closed. */
  room(to: PeerId, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** How far what was queued to that member has come; undefined without a link. */
  line(to: PeerId): { readonly takenBytes: number; readonly waitingBytes: number } | undefined;
  /** Whether a frame of about that size would be queued now. */
  fits(to: PeerId, bytes: number): boolean;
  /** Drops queued fragments of frames with that request id. */
  unsend(to: PeerId, id: string): void;
  /** Monotonic and wall time since anything was heard from any member, larger of both, in ms. */
  unheardMs(): number;
  /** Of one member; Infinity without a link. */
  unheardFromMs(member: PeerId): number;
  views(): readonly LinkView[];
  goodbye(): void;
  close(): Promise<void>;
}
