// Who holds a slot: the rows of the registrar's table, and their order.

import type { Incarnation, MeshId, PeerId } from './ids.ts';
import type { Slot } from './slot.ts';

/** What a resolved write outlives. strict: a loss of power. relaxed: the end of process and browser. */
export type Durability = 'strict' | 'relaxed';

/** A member *and its incarnation*: what one process stored counts for no other. */
export interface Copy {
  readonly member: PeerId;
  readonly incarnation: Incarnation;
  readonly durability: Durability;
}

/** A row of the table. The slot epoch grows by one for each change of the configuration. */
export interface Configuration {
  readonly slot: Slot;
  readonly epoch: number;
  readonly owner: PeerId;
  /** Owner included, each member once. One copy of each slot until replication comes. */
  readonly copies: readonly Copy[];
  /** Copies that were dropped and keep what they had until the slot is whole without them. */
  readonly dropped: readonly Copy[];
  /** False from a revival until its owner has reported the slot settled: it does not change till then. */
  readonly settled: boolean;
  /** The slot epoch at which the slot was last declared empty (its first, or forget): older records don't count. */
  readonly emptyBefore: number;
}

/** Numbers of the whole table, compared as (term, table epoch). */
export interface TableEpoch {
  /** Grows at each start of the registrar. */
  readonly term: number;
  /** Grows by one for each change of the table. */
  readonly epoch: number;
}

export interface TableSnapshot extends TableEpoch {
  readonly meshId: MeshId;
  readonly slotCount: number;
  /** One for each slot, in order; empty until a first member has joined. */
  readonly rows: readonly Configuration[];
}

/** Negative if `a` is older than `b`, 0 if equal. */
export function compareTableEpochs(a: TableEpoch, b: TableEpoch): number {
  return a.term - b.term || a.epoch - b.epoch;
}
