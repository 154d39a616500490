// What only an operator may say, and how the registrar answers: that a disk will not come back, that an older
// copy will do, that a new table is to be made of what the members know (REPLICATION, rules 2 and 29).

import * as v from 'valibot';
import type { PeerId } from './ids.ts';
import { bytes, slot, uint32 } from './signaling-fields.ts';
import type { Slot } from './slot.ts';

export const forgetSchema = v.object({ member: v.pipe(v.string(), v.minLength(1), v.maxLength(64)) });
export type Forget = v.InferOutput<typeof forgetSchema>;

/** Slots to serve from an older copy; all that are lost if none is named. */
export const recoverSchema = v.object({ slots: v.optional(v.pipe(v.array(slot), v.maxLength(65_536))) });
/** Makes a table of what members know, when the registrar's is lost or old; without `write` it only says who would be missing, and nobody stops serving. */
export const adoptSchema = v.object({ write: v.boolean() });
export type Adopt = v.InferOutput<typeof adoptSchema>;
/** The answer to `report-all`; who was told to stop has stopped to serve, and to give leases, before. */
export const reportSchema = v.object({
  number: uint32,
  /** As the registrar last sent it to this process. */
  table: v.optional(v.object({ term: uint32, epoch: uint32, rows: bytes })),
  /** Slot, and the highest version in it on storage: epoch and counter. */
  versions: v.pipe(v.array(v.tuple([slot, uint32, uint32])), v.maxLength(65_536)),
});
export type Report = v.InferOutput<typeof reportSchema>;
export type Recover = v.InferOutput<typeof recoverSchema>;

export interface RecoveredSlot {
  readonly slot: Slot;
  readonly from: PeerId;
  /** For how long that copy has got no writes, at most; `undefined` if nobody knows. */
  readonly ageMs?: number;
}

export interface Adopted {
  readonly reported: readonly AdoptedMember[];
  /** Named by the newest rows, and not heard of. */
  readonly missing: readonly AdoptedMember[];
  /** Slots of which nobody who reported has a copy: they stay lost until a missing member is back. */
  readonly lost: number;
  readonly written: boolean;
}

export interface AdoptedMember {
  readonly id: PeerId;
  readonly name: string;
}
