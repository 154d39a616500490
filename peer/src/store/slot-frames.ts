// Frames between copies of a slot: to the hand-off or learner that they are for. The slot's epoch must be
// equal on both sides (rule 9): an older frame is told so, a newer one is kept until its row comes.

import { limits, type Incarnation, type PeerId, type SlotFrame } from '@shoal/shared';
import type { BackupFrame } from './backup.ts';
import { receiveOtherEpoch, receiveStored } from './replication.ts';
import { beginLearning } from './slot.ts';
import { otherCopies, type SlotCell, type StoreContext } from './store-context.ts';

/** What a frame, and each thing that it lists, costs beside its payload: a key has up to half a kilobyte. */
const FRAME_BYTES = 256;
const LISTED_BYTES = 1024;

export interface SlotMail {
  readonly from: PeerId;
  readonly incarnation: Incarnation;
  readonly frame: SlotFrame;
}

export function receiveSlotFrame(context: StoreContext, mail: SlotMail): void {
  const { from, incarnation, frame } = mail;
  if (frame.slot >= context.deps.slotCount) return ignore(context, mail, 'no such slot');
  const cell = context.cell(frame.slot);
  context.leases.heard({ member: from, incarnation });
  switch (frame.kind) {
    case 'end':
      dropKept(context, cell, from);
      if (isLearnedFrom(cell, mail)) context.dispatch(cell, { kind: 'unlearn', number: frame.number });
      return undefined;
    case 'settle-keys':
    case 'settle-records':
      // Both ways: from a copy to the owner that settles, and back.
      if (cell.settle !== undefined && frame.epoch === cell.row?.epoch)
        return cell.settle.receive(from, incarnation, frame);
      return fromOwner(context, cell, { from, incarnation, frame });
    case 'stored':
    case 'begun':
    case 'want':
    case 'report':
    case 'resign':
    case 'other-epoch':
    case 'taken':
      return fromCopy(context, cell, { from, incarnation, frame });
    default:
      return fromOwner(context, cell, { from, incarnation, frame });
  }
}

/** What a copy or learner answers the owner. */
type CopyFrame = Extract<
  SlotFrame,
  { kind: 'stored' | 'begun' | 'want' | 'report' | 'resign' | 'other-epoch' | 'taken' }
>;

function fromCopy(
  context: StoreContext,
  cell: SlotCell,
  mail: { readonly from: PeerId; readonly incarnation: Incarnation; readonly frame: CopyFrame },
): void {
  const { from, incarnation, frame } = mail;
  if (frame.kind === 'taken') return cell.settle?.receive(from, incarnation, frame);
  if (frame.kind === 'stored' && frame.number === undefined)
    return receiveStored(context, cell, { from, incarnation, frame });
  if (frame.kind === 'resign' && frame.epoch === cell.row?.epoch) cell.resigned.add(incarnation);
  if (frame.kind === 'other-epoch') receiveOtherEpoch(context, cell, from, frame);
  return cell.outgoing?.receive(from, incarnation, frame);
}

/** What the owner of a slot sends to a learner or backup. */
type OwnerFrame = Extract<SlotFrame, { kind: 'begin' | 'part' | 'records' | 'check' }> | BackupFrame;

interface OwnerMail extends SlotMail {
  readonly frame: OwnerFrame;
}

/** After a newer row: what was kept for it, or is older now. */
export function receiveKept(context: StoreContext, cell: SlotCell): void {
  if (cell.kept.length === 0) return;
  const kept = dropKept(context, cell);
  for (const mail of kept) receiveSlotFrame(context, mail);
}

/** Of that member, or all of them; gives what was kept. */
export function dropKept(context: StoreContext, cell: SlotCell, from?: PeerId): readonly SlotMail[] {
  const dropped = from === undefined ? cell.kept : cell.kept.filter((kept) => kept.from === from);
  if (dropped.length === 0) return dropped;
  cell.kept = from === undefined ? [] : cell.kept.filter((kept) => kept.from !== from);
  for (const { frame } of dropped) context.keptBytes -= weightOf(frame);
  return dropped;
}

function fromOwner(context: StoreContext, cell: SlotCell, mail: OwnerMail): void {
  const { from, incarnation, frame } = mail;
  const { row } = cell;
  if (row === undefined || frame.epoch > row.epoch) return keep(context, cell, mail);
  if (frame.epoch < row.epoch) {
    context.deps.send(from, { kind: 'other-epoch', slot: cell.slot, epoch: row.epoch });
    return;
  }
  const isOwner =
    row.owner === from && row.copies.some((copy) => copy.member === from && copy.incarnation === incarnation);
  if (!isOwner) return ignore(context, mail, 'not from the owner');
  if (frame.kind === 'begin') {
    const canTake = context.takesLearning() && context.freeBytes() > limits.storageReserveBytes;
    if (canTake) beginLearning(context, cell, { from, incarnation, frame });
    else context.deps.send(from, { kind: 'resign', slot: cell.slot, epoch: row.epoch });
  } else if ('number' in frame) {
    if (isLearnedFrom(cell, mail)) cell.learner?.receive(frame);
    else if (frame.kind === 'check' && cell.state.role === 'backup') reportOfBackup(context, cell, from, frame.number);
  } else toBackup(context, cell, frame);
}

function toBackup(context: StoreContext, cell: SlotCell, frame: BackupFrame): void {
  const { state, row } = cell;
  if (state.role !== 'backup' || row === undefined) return;
  if (state.resigned) context.deps.send(row.owner, { kind: 'resign', slot: cell.slot, epoch: row.epoch });
  else cell.backup?.receive(frame);
}

/** It is to own the slot: whether it could answer at once. */
function reportOfBackup(context: StoreContext, cell: SlotCell, owner: PeerId, number: number): void {
  const { slot, digest, row } = cell;
  const leases = otherCopies(cell, context.deps.self).every((copy) => context.leases.holds(copy));
  context.deps.send(owner, { kind: 'report', slot, epoch: row?.epoch ?? 0, number, digest, leases });
}

function isLearnedFrom(cell: SlotCell, { from, incarnation, frame }: SlotMail): boolean {
  const { state } = cell;
  if (state.role !== 'learner' || state.from !== from || state.incarnation !== incarnation) return false;
  return 'number' in frame && frame.number === state.number;
}

function keep(context: StoreContext, cell: SlotCell, mail: SlotMail): void {
  const weight = weightOf(mail.frame);
  if (cell.kept.length < limits.keptSlotFrames && context.keptBytes + weight <= limits.keptSlotBytes) {
    cell.kept.push(mail);
    context.keptBytes += weight;
    return;
  }
  dropKept(context, cell);
  context.deps.send(mail.from, { kind: 'other-epoch', slot: cell.slot, epoch: cell.row?.epoch ?? 0 });
}

/** About what a frame takes in memory: its payload, and what its head lists. */
function weightOf(frame: SlotFrame): number {
  let listed = 0;
  if ('keys' in frame) listed += frame.keys.length;
  if ('records' in frame) listed += frame.records.length;
  if ('remembered' in frame) listed += frame.remembered.length;
  return FRAME_BYTES + listed * LISTED_BYTES + ('payload' in frame ? frame.payload.byteLength : 0);
}

function ignore(context: StoreContext, { from, frame }: SlotMail, why: string): void {
  context.deps.logger.debug('slot frame ignored', { from, kind: frame.kind, slot: frame.slot, why });
}
