// What a member and the registrar say to each other over Socket.IO: the event maps with the schemas
// of their payloads. The registrar and the member each parse what they receive, once, at the edge.
//
// Order of a connection: handshake auth (mesh, token) → server `challenge` → client `join` (answered
// `joined` or refused) → deltas, roster changes, wish, signals. Asking `lookup` needs no join.

import * as v from 'valibot';
import type { Durability, TableEpoch } from './configuration.ts';
import type { Incarnation, MeshId, PeerId } from './ids.ts';
import { limits } from './limits.ts';
import type { MeshErrorWire } from './mesh-error.ts';
import type { Adopt, Adopted, Forget, Recover, RecoveredSlot, Report } from './operator-acts.ts';
import {
  count,
  durability,
  hex,
  incarnation,
  meshId,
  name,
  peerId,
  slot,
  tableEpoch,
  uint32,
} from './signaling-fields.ts';
import type { Slot } from './slot.ts';

/** A mesh's name: it stands in paths, so letters, digits, `-`, `_` and `.` only, first a letter or digit. */
export const meshNameSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));
/** tab: a page. node: a headless member. command: short-lived, owns nothing, changes neither table nor epoch. */
export const memberKindSchema = v.picklist(['tab', 'node', 'command']);
export type MemberKind = v.InferOutput<typeof memberKindSchema>;

/** What a client gives in Socket.IO's handshake. */
export const handshakeSchema = v.object({
  mesh: meshNameSchema,
  token: v.optional(v.pipe(v.string(), v.maxLength(256))),
  versions: v.pipe(v.array(uint32), v.minLength(1), v.maxLength(8)),
});
export type Handshake = v.InferOutput<typeof handshakeSchema>;

export const joinSchema = v.object({
  /** Known from the data folder or an earlier connection; refused with `wrong-mesh` if another. */
  meshId: v.optional(meshId),
  publicKey: hex(32),
  /** Ed25519 over the UTF-8 of `shoal-join|nonce|mesh|incarnation`. */
  signature: hex(64),
  incarnation,
  versions: v.pipe(v.array(uint32), v.minLength(1), v.maxLength(8)),
  /** The highest table that it has obeyed; a registrar that is behind changes nothing. */
  known: v.optional(tableEpoch),
  kind: memberKindSchema,
  name,
  durability,
  ephemeral: v.boolean(),
  /** What it gives, 1 to 16; 0 owns nothing (commands, and members that are leaving). */
  weight: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(16)),
  workers: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)),
  paused: v.boolean(),
  freeBytes: count,
  /** Members of one domain fail together: tabs of a browser profile, members of a host. */
  domain: v.pipe(v.string(), v.maxLength(64)),
});
export type Join = v.InferOutput<typeof joinSchema>;

/** What may change while a member is in; absent fields stay. `leaving` makes its wished share nothing. */
export const updateSchema = v.object({
  name: v.optional(name),
  workers: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64))),
  paused: v.optional(v.boolean()),
  leaving: v.optional(v.boolean()),
  freeBytes: v.optional(count),
});
export type Update = v.InferOutput<typeof updateSchema>;

export const signalSchema = v.object({
  to: peerId,
  /** Of the dialler's choosing, one for each dial: a late candidate of an old dial is dropped. */
  dial: v.pipe(v.string(), v.maxLength(32)),
  data: v.pipe(v.string(), v.maxLength(limits.signalBytes)),
});
export type Signal = v.InferOutput<typeof signalSchema>;

export const changeSchema = v.object({
  slot,
  epoch: uint32,
  change: v.variant('kind', [
    v.object({ kind: v.literal('add'), member: peerId, incarnation }),
    v.object({
      kind: v.literal('drop'),
      member: peerId,
      incarnation,
      why: v.picklist(['silent', 'stuck', 'goodbye', 'resigned', 'wished']),
    }),
    /** To a backup, and the old owner stays as one; with one copy of each slot to the learner that has all of it, and the old owner's copy goes. */
    v.object({ kind: v.literal('hand-over'), member: peerId, incarnation }),
    v.object({ kind: v.literal('take-over') }),
    /** The owner of a revived slot has settled it. */
    v.object({ kind: v.literal('settled') }),
  ]),
});
export type Change = v.InferOutput<typeof changeSchema>;

export const proposeSchema = v.object({
  proposalId: uint32,
  changes: v.pipe(v.array(changeSchema), v.minLength(1), v.maxLength(4_096)),
});
export type Propose = v.InferOutput<typeof proposeSchema>;

export const lookupSchema = v.object({ members: v.pipe(v.array(peerId), v.maxLength(64)) });
export const hearsSchema = v.object({ question: uint32, members: v.pipe(v.array(peerId), v.maxLength(1_024)) });
export const hereSchema = v.object({ number: uint32 });

export type MemberState = 'here' | 'paused' | 'leaving' | 'away';

/** A member as the roster shows it. Members that are away stay while a slot's row names them. */
export interface RosterEntry {
  readonly id: PeerId;
  readonly incarnation: Incarnation;
  readonly publicKey: string;
  readonly kind: MemberKind;
  readonly name: string;
  readonly state: MemberState;
  readonly durability: Durability;
  readonly ephemeral: boolean;
  readonly workers: number;
  readonly weight: number;
  readonly freeBytes: number;
  readonly domain: string;
  /** Mesh time at which it was last known to be connected. */
  readonly seenAtMs: number;
}

export interface Challenge {
  readonly nonce: string;
}

export interface Joined {
  readonly version: number;
  readonly mesh: string;
  readonly meshId: MeshId;
  /** The registrar's wall clock: mesh time. */
  readonly meshTimeMs: number;
  readonly replicas: number;
  readonly slotCount: number;
  readonly table: EncodedTable;
  readonly roster: readonly RosterEntry[];
  readonly moving: Moving['slots'];
  readonly iceServers: readonly IceServer[];
}

export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Rows as bytes of `encodeRows`; all of them (`joined`, `table`) or those that changed since `after`. */
export interface EncodedTable extends TableEpoch {
  readonly rows: Uint8Array;
}

export interface Delta extends EncodedTable {
  /** The table epoch that it follows: at a gap the member asks for the whole. */
  readonly after: number;
}

export interface RosterChange {
  readonly changed: readonly RosterEntry[];
  readonly gone: readonly PeerId[];
}

export interface WishedSlot {
  readonly slot: Slot;
  /** Who should have it, owner first, each member once; never empty. */
  readonly copies: readonly PeerId[];
}

/** Replaces the wish before it. What it does not name should stay as it is. */
export interface Wish {
  /** Copies that each slot should have, if they can be had. */
  readonly replicas: number;
  /** Slots that the receiver owns and whose configuration should be another. */
  readonly slots: readonly WishedSlot[];
}

/** What the wish is about, for everybody to see: what it is in full only owners are told. */
export interface Moving {
  readonly replicas: number;
  /** Slots whose configuration should be another, as `encodeSlotSet` gives them. */
  readonly slots: Uint8Array;
}

export interface SlotOutcome {
  readonly slot: Slot;
  readonly written: boolean;
  /**
   * Why not, as one word. epoch: based on one that is no more · not-a-copy: who is asked for, or who asks, is none ·
   * incarnation: an older process · away: who is to be added is not connected · frozen: revived and not settled ·
   * is-a-copy: who is to be added is one · keep: the accused answered, and is the one to keep · unanswered: the
   * proposer did not answer `still-there` · full: as many copies as a row can name · one-copy: in this mesh each slot has one.
   */
  readonly reason?: string;
}

export interface Outcome {
  readonly proposalId: number;
  readonly slots: readonly SlotOutcome[];
  /** The rows of those slots now; already durable. */
  readonly table: EncodedTable;
}

/** A backup should own the slot: it outlives the receiver, its owner (REPLICATION, rule 7). */
export interface HandOverWanted {
  readonly slot: Slot;
  readonly to: PeerId;
}

export interface RelayedSignal {
  readonly from: PeerId;
  readonly incarnation: Incarnation;
  readonly dial: string;
  readonly data: string;
}

export interface Stop {
  readonly error: MeshErrorWire;
}

/** An answer to a request of a client. */
export type Answer<T> = { readonly ok: T } | { readonly error: MeshErrorWire };

/** Requests from member to registrar, each answered by Socket.IO's acknowledgement. */
export interface RegistrarRequests {
  join: { ask: Join; answer: Joined };
  /** Whether these identities have a living incarnation. Asked before joining. */
  lookup: { ask: v.InferOutput<typeof lookupSchema>; answer: { readonly alive: readonly boolean[] } };
  table: { ask: Record<string, never>; answer: EncodedTable };
  update: { ask: Update; answer: Record<string, never> };
  signal: { ask: Signal; answer: Record<string, never> };
  propose: { ask: Propose; answer: Outcome };
  /**
   * The storage of a member that is away will not come back: slots that only it had go, empty, to others.
   * Refused while a process of it lives, and for a slot of which an older copy is left (`recover`).
   */
  forget: { ask: Forget; answer: { readonly member: PeerId; readonly slots: number } };
  /** Serves lost slots from the newest copy that is left. Refused while a process of a newer copy lives. */
  recover: { ask: Recover; answer: { readonly slots: readonly RecoveredSlot[] } };
  /** In a mesh in which nothing changes since its table is lost or old; asked without having joined. */
  adopt: { ask: Adopt; answer: Adopted };
  report: { ask: Report; answer: Record<string, never> };
  /** Serving has stopped; nothing follows. */
  goodbye: { ask: Record<string, never>; answer: Record<string, never> };
}

/** Messages from member to registrar that ask for no answer. */
export interface RegistrarNotes {
  here: v.InferOutput<typeof hereSchema>;
  hears: v.InferOutput<typeof hearsSchema>;
}

/** Messages from registrar to member. */
export interface RegistrarEvents {
  challenge: Challenge;
  delta: Delta;
  roster: RosterChange;
  wish: Wish;
  moving: Moving;
  signal: RelayedSignal;
  stop: Stop;
  'hand-over-wanted': HandOverWanted;
  'still-there': { readonly number: number };
  /** `stop`: first serve nothing, and give no lease, until a table of a higher term is here. */
  'report-all': { readonly number: number; readonly stop: boolean };
  'who-hears': { readonly question: number; readonly members: readonly PeerId[] };
}

export type RegistrarRequestName = keyof RegistrarRequests;
export type RegistrarEventName = keyof RegistrarEvents;

/** What is signed to prove an identity at `join`. */
export function joinProof(nonce: string, mesh: string, incarnationId: Incarnation): Uint8Array {
  return new TextEncoder().encode(`shoal-join|${nonce}|${mesh}|${incarnationId}`);
}
