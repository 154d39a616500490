// The words of a slot's machine: its states, what may happen to it, and what it asks to be done.

import type { Configuration, Incarnation, PeerId } from '@shoal/shared';

/** A hand-off that this owner has open. */
export interface HandOff {
  readonly to: PeerId;
  readonly incarnation: Incarnation;
  readonly number: number;
}

export interface NoneState {
  readonly role: 'none';
}

export interface LearnerState extends HandOff {
  readonly role: 'learner';
  /** `to` and `incarnation` are the owner's. */
  readonly epoch: number;
}

export interface SettlingState {
  readonly role: 'settling';
  readonly epoch: number;
  /** A revived slot is served only when the registrar has written that it is settled. */
  readonly revived: boolean;
  readonly step: 'loading' | 'proposing';
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

export type SlotState = NoneState | LearnerState | SettlingState | ServingState | SealedState;

/** What the row that came says of this process. emptied: others own it, and what is here does not count. */
export type RowMeaning = 'mine' | 'mine-emptied' | 'others' | 'others-emptied' | 'replaced';

export type SlotEvent =
  | { readonly kind: 'row'; readonly row: Configuration; readonly meaning: RowMeaning }
  | { readonly kind: 'loaded'; readonly counter: number }
  /** The outcome of `settled`. */
  | { readonly kind: 'settled'; readonly written: boolean }
  /** A write gets its version. */
  | { readonly kind: 'accept' }
  /** It is on all the storages that it needs, or failed. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'offer'; readonly handOff: HandOff }
  /** The learner has what was stored at `begin`. */
  | { readonly kind: 'ready'; readonly number: number }
  | { readonly kind: 'report'; readonly number: number; readonly equal: boolean }
  | { readonly kind: 'hand-over-refused'; readonly number: number }
  /** Learner silent, gone or resigned; not wished any more; a write failed. */
  | { readonly kind: 'give-up'; readonly number: number }
  | { readonly kind: 'begin'; readonly epoch: number; readonly handOff: HandOff }
  /** `end`, or the owner's link is gone. */
  | { readonly kind: 'unlearn'; readonly number: number }
  | { readonly kind: 'close' };

export type SlotEffect =
  /** Read what is on storage; then `loaded`. */
  | { readonly kind: 'load'; readonly emptied: boolean }
  | { readonly kind: 'propose-settled' }
  /** Serving starts; `learned`: with what the learner knows, nothing is loaded. */
  | { readonly kind: 'activate'; readonly learned: boolean }
  /** Requests wait from here on. */
  | { readonly kind: 'seal' }
  | { readonly kind: 'unseal' }
  /** Serving has ended. What is on storage: deleted, put aside, or left. */
  | { readonly kind: 'deactivate'; readonly records: 'discard' | 'aside' | 'keep' }
  | { readonly kind: 'begin'; readonly handOff: HandOff }
  | { readonly kind: 'check'; readonly handOff: HandOff }
  | { readonly kind: 'propose-hand-over'; readonly handOff: HandOff }
  | { readonly kind: 'end'; readonly handOff: HandOff }
  | { readonly kind: 'learn'; readonly handOff: HandOff }
  /** Others own it: what still lies here of it is deleted, or put aside if it was declared empty since. */
  | { readonly kind: 'tidy' }
  | { readonly kind: 'stop-learning' };

export interface SlotStep {
  readonly state: SlotState;
  readonly effects: readonly SlotEffect[];
}
