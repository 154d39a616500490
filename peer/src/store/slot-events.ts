// The words of a slot's machine: its states, what may happen to it, and what it asks to be done.

import type { Configuration, Incarnation, PeerId } from '@shoal/shared';

/**
 * A change that this owner has under way. move: to a learner, which becomes the only copy. add: a learner
 * becomes a backup. give: a backup becomes the owner.
 */
export interface HandOff {
  readonly to: PeerId;
  readonly incarnation: Incarnation;
  readonly number: number;
  readonly purpose: 'move' | 'add' | 'give';
}

export interface NoneState {
  readonly role: 'none';
}

export interface LearnerState {
  readonly role: 'learner';
  readonly epoch: number;
  /** The owner, and its number for this hand-off. */
  readonly from: PeerId;
  readonly incarnation: Incarnation;
  readonly number: number;
}

export interface BackupState {
  readonly role: 'backup';
  readonly epoch: number;
  /** A write of it failed: it acknowledges and proposes nothing (rule 16). */
  readonly resigned: boolean;
}

export interface SettlingState {
  readonly role: 'settling';
  readonly epoch: number;
  /** A revived slot is served only when the registrar has written that it is settled. */
  readonly revived: boolean;
  /** No other copy has to agree. */
  readonly alone: boolean;
  readonly step: 'loading' | 'agreeing' | 'proposing';
  readonly counter: number;
}

export interface ServingState {
  readonly role: 'serving';
  readonly epoch: number;
  /** Of the last version given. */
  readonly counter: number;
  /** Writes that have a version and are not acknowledged. */
  readonly open: number;
  readonly handOff?: HandOff;
  /** The learner has what was stored: its digest is to be equal while no write is open. */
  readonly comparing?: Comparing;
  /** `add` is proposed, and may be written: the learner's acknowledgement and lease are needed. */
  readonly adding?: true;
}

export interface Comparing {
  /** The counter when the learner was asked; undefined: a write is open, and it is asked afterwards. */
  readonly askedAt: number | undefined;
  /** For too long there was a write in every comparison: after this one new writes wait. */
  readonly isOverdue: boolean;
}

export interface SealedState {
  readonly role: 'sealed';
  readonly epoch: number;
  readonly counter: number;
  readonly open: number;
  /** Absent: sealed because this member ends. */
  readonly handOff?: HandOff;
  readonly step: 'draining' | 'checking' | 'proposing' | 'closing';
}

export type SlotState = NoneState | LearnerState | BackupState | SettlingState | ServingState | SealedState;

/** What the row that came says of this process. emptied: others own it, and what is here does not count. replaced: an older process of this member is or was a copy, and what is here may be needed. */
export type RowMeaning = 'mine' | 'mine-emptied' | 'backup' | 'others' | 'others-emptied' | 'replaced';

export type SlotEvent =
  | { readonly kind: 'row'; readonly row: Configuration; readonly meaning: RowMeaning }
  | { readonly kind: 'loaded'; readonly counter: number }
  /** All copies are equal, in this epoch. */
  | { readonly kind: 'agreed'; readonly epoch: number }
  /** The outcome of `settled`. */
  | { readonly kind: 'settled'; readonly written: boolean }
  /** A write gets its version. */
  | { readonly kind: 'accept' }
  /** It is on all the storages that it needs, or failed. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'offer'; readonly handOff: HandOff }
  /** The learner has what was stored at `begin`. */
  | { readonly kind: 'ready'; readonly number: number }
  /** Since `ready` no quiet instant has come. */
  | { readonly kind: 'overdue'; readonly number: number }
  /** equal: the learner's digest is the owner's; of a backup that is to own the slot: it could serve at once. */
  | { readonly kind: 'report'; readonly number: number; readonly equal: boolean }
  /** What was proposed for the hand-off was not written. */
  | { readonly kind: 'refused'; readonly number: number }
  /** Learner silent, gone or resigned; not wished any more; a write failed. */
  | { readonly kind: 'give-up'; readonly number: number }
  /** An accepted write could not be stored here; an owner names a backup that shall own the slot. */
  | { readonly kind: 'failed'; readonly to?: HandOff }
  | { readonly kind: 'begin'; readonly epoch: number; readonly handOff: Omit<LearnerState, 'role' | 'epoch'> }
  /** `end`, or the owner's link is gone. */
  | { readonly kind: 'unlearn'; readonly number: number }
  | { readonly kind: 'close' };

export type SlotEffect =
  /** Find out what is on storage; then `loaded`. */
  | { readonly kind: 'load'; readonly emptied: boolean }
  /** Make all copies equal; then `agreed`. */
  | { readonly kind: 'agree' }
  | { readonly kind: 'propose-settled' }
  /** Serving starts; `learned`: with what the learner knows, nothing is loaded. */
  | { readonly kind: 'activate'; readonly learned: boolean }
  /** Backing starts; `known`: what is on storage is known already. */
  | { readonly kind: 'back'; readonly known: boolean }
  /** Backing ends, for good or because a write failed. */
  | { readonly kind: 'stop-backing' }
  | { readonly kind: 'resign' }
  /** The owner of before owns it in the next epoch: open writes go to those who owe them. */
  | { readonly kind: 'resend' }
  /** Requests wait from here on. */
  | { readonly kind: 'seal' }
  | { readonly kind: 'unseal' }
  /** Serving has ended. What is on storage: deleted, put aside, or left. */
  | { readonly kind: 'deactivate'; readonly records: 'discard' | 'aside' | 'keep' }
  | { readonly kind: 'begin'; readonly handOff: HandOff }
  | { readonly kind: 'check'; readonly handOff: HandOff }
  | { readonly kind: 'propose-hand-over'; readonly handOff: HandOff }
  | { readonly kind: 'propose-add'; readonly handOff: HandOff }
  /** It came to nothing, and the learner is told. */
  | { readonly kind: 'end'; readonly handOff: HandOff }
  /** The learner is a copy now. */
  | { readonly kind: 'added'; readonly handOff: HandOff }
  | { readonly kind: 'learn' }
  /** Others own it: what still lies here of it is deleted, or put aside if it was declared empty since. */
  | { readonly kind: 'tidy' }
  | { readonly kind: 'stop-learning' };

export interface SlotStep {
  readonly state: SlotState;
  readonly effects: readonly SlotEffect[];
}
