// Drives the slots of this member over `Storage`; refuses what it does not own.

import type {
  Change,
  Clock,
  Configuration,
  DataResult,
  GetFrame,
  Incarnation,
  Key,
  Logger,
  Outcome,
  PeerId,
  PutFrame,
  Random,
  RecordHead,
  Slot,
  SlotFrame,
} from '@shoal/shared';
import type { StoreView } from '../api.ts';
import type { Storage } from '../ports/storage.ts';

export interface RangeStoreDeps {
  readonly self: PeerId;
  readonly incarnation: Incarnation;
  readonly slotCount: number;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly cacheBytes: number;
  /** To a copy or learner. Returns false if there is no open link. */
  send(to: PeerId, frame: SlotFrame): boolean;
  /** Resolves when less is queued to that member, or its link has closed. */
  room(to: PeerId): Promise<void>;
  /** Asks the registrar; resolves when the outcome is known, however long the registrar is away. Rejects only when this member closes. */
  propose(changes: readonly Change[]): Promise<Outcome>;
  /** The incarnation of a connected member. */
  incarnationOf(member: PeerId): Incarnation | undefined;
  /** The registrar's clock, as measured when joining. */
  meshNowMs(): number;
  /** False while this member has heard nobody for 10 s by either clock, or doubts itself: then it answers nothing from slots of its own, and requests wait. Looked at with the value in hand. */
  mayServe(): boolean;
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

export interface RangeStore {
  /** The rows that the registrar sent, each newer than the one it replaces. Slots that become this member's are loaded, settled and served. */
  applyRows(rows: readonly Configuration[]): void;
  row(slot: Slot): Configuration | undefined;
  /** Slots that this owner should hand to others; replaces the wish before. */
  setWish(moves: readonly { readonly slot: Slot; readonly to: PeerId }[]): void;
  /** From a client or from this member itself. Waits (behind an open write, a seal, for `wait`, for a newer table) until the signal aborts; then rejects with its error. */
  get(frame: GetFrame, options: { readonly signal: AbortSignal }): Promise<StoreAnswer>;
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
