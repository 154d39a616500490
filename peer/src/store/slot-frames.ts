// Frames between copies of a slot: to the hand-off or learner that they are for. The slot's epoch must be
// equal on both sides (rule 9): an older frame is told so, a newer one is kept until its row comes.

import { limits, type Incarnation, type PeerId, type SlotFrame } from '@shoal/shared';
import { beginLearning } from './slot.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

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
  switch (frame.kind) {
    case 'stored':
    case 'begun':
    case 'want':
    case 'report':
    case 'resign':
    case 'other-epoch':
      return cell.outgoing?.receive(from, incarnation, frame);
    case 'end':
      dropKept(context, cell, from);
      if (isLearnedFrom(cell, mail)) context.dispatch(cell, { kind: 'unlearn', number: frame.number });
      return undefined;
    default:
      return isFromOwner(frame) ? fromOwner(context, cell, mail) : ignore(context, mail, 'backups are not spoken yet');
  }
}

/** What the owner of a slot sends to a learner. */
type OwnerFrame = Extract<SlotFrame, { kind: 'begin' | 'replicate' | 'part' | 'records' | 'check' }>;

function isFromOwner(frame: SlotFrame): frame is OwnerFrame {
  switch (frame.kind) {
    case 'begin':
    case 'replicate':
    case 'part':
    case 'records':
    case 'check':
      return true;
    default:
      return false;
  }
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

function fromOwner(context: StoreContext, cell: SlotCell, mail: SlotMail): void {
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
