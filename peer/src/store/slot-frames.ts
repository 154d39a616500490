// Frames between copies of a slot: to the hand-off or learner that they are for. The slot's epoch must be
// equal on both sides (rule 9): an older frame is told so, a newer one is kept until its row comes.

import { limits, type Incarnation, type PeerId, type SlotFrame } from '@shoal/shared';
import { beginLearning } from './slot.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

export interface SlotMail {
  readonly from: PeerId;
  readonly incarnation: Incarnation;
  readonly frame: SlotFrame;
}

export function receiveSlotFrame(context: StoreContext, mail: SlotMail): void {
  const { from, incarnation, frame } = mail;
  if (frame.slot >= context.deps.slotCount) return ignore(context, mail, 'no such slot');
  const cell = context.cell(frame.slot);
  switch (frame.kind) {
    case 'stored':
    case 'begun':
    case 'want':
    case 'report':
    case 'resign':
    case 'other-epoch':
      return cell.outgoing?.receive(from, incarnation, frame);
    case 'end':
      cell.kept = cell.kept.filter((kept) => kept.from !== from);
      if (isLearnedFrom(cell, mail)) context.dispatch(cell, { kind: 'unlearn', number: frame.number });
      return undefined;
    case 'begin':
    case 'replicate':
    case 'part':
    case 'records':
    case 'check':
      return fromOwner(context, cell, mail);
    case 'take-epoch':
    case 'taken':
    case 'settle-keys':
    case 'settle-records':
    case 'drop-tombstones':
      return ignore(context, mail, 'backups are not spoken yet');
  }
}

/** After a newer row: what was kept for it, or is older now. */
export function receiveKept(context: StoreContext, cell: SlotCell): void {
  if (cell.kept.length === 0) return;
  const kept = cell.kept;
  cell.kept = [];
  for (const mail of kept) receiveSlotFrame(context, mail);
}

function fromOwner(context: StoreContext, cell: SlotCell, mail: SlotMail): void {
  const { from, incarnation, frame } = mail;
  const { row } = cell;
  if (row === undefined || frame.epoch > row.epoch) return keep(context, cell, mail);
  if (frame.epoch < row.epoch) {
    context.deps.send(from, { kind: 'other-epoch', slot: cell.slot, epoch: row.epoch });
    return;
  }
  const isOwner = row.owner === from && row.copies.some((copy) => copy.member === from && copy.incarnation === incarnation);
  if (!isOwner) return ignore(context, mail, 'not from the owner');
  if (frame.kind === 'begin') {
    const canTake = context.takesLearning() && context.freeBytes() > limits.storageReserveBytes;
    if (canTake) beginLearning(context, cell, { from, incarnation, frame });
    else context.deps.send(from, { kind: 'resign', slot: cell.slot, epoch: row.epoch });
  } else if (isLearnedFrom(cell, mail)) {
    cell.learner?.receive(frame);
  }
}

function isLearnedFrom(cell: SlotCell, { from, incarnation, frame }: SlotMail): boolean {
  const { state } = cell;
  if (state.role !== 'learner' || state.to !== from || state.incarnation !== incarnation) return false;
  return 'number' in frame && frame.number === state.number;
}

function keep(context: StoreContext, cell: SlotCell, mail: SlotMail): void {
  if (cell.kept.length < limits.keptSlotFrames) {
    cell.kept.push(mail);
    return;
  }
  cell.kept = [];
  context.deps.send(mail.from, { kind: 'other-epoch', slot: cell.slot, epoch: cell.row?.epoch ?? 0 });
}

function ignore(context: StoreContext, { from, frame }: SlotMail, why: string): void {
  context.deps.logger.debug('slot frame ignored', { from, kind: frame.kind, slot: frame.slot, why });
}
