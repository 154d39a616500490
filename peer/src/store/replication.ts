// An owner's open writes on their way to the other copies: sent as soon as they have a version, again under
// each new epoch to those who still owe them, and done when every copy of the configuration has them on
// storage (rule 14).

import {
  createDeferred,
  limits,
  type Incarnation,
  type OtherEpochFrame,
  type PeerId,
  type StoredFrame,
} from '@shoal/shared';
import { isOnTheWay, markOf } from './on-the-way.ts';
import { otherCopies, type OpenWrite, type SlotCell, type StoreContext } from './store-context.ts';

/** Whether all copies that the slot has now have stored it. */
export function isEverywhere(context: StoreContext, cell: SlotCell, open: OpenWrite): boolean {
  if (open.owed !== undefined) return false;
  return otherCopies(cell, context.deps.self).every(({ incarnation }) => open.storedBy.has(incarnation));
}

/** A new write: to all copies. */
export function replicate(context: StoreContext, cell: SlotCell, open: OpenWrite): void {
  for (const copy of otherCopies(cell, context.deps.self)) sendTo(context, cell, open, copy.member);
}

/** Open writes to those who owe them; `only`: to that member. */
export function resend(context: StoreContext, cell: SlotCell, only?: PeerId): void {
  for (const open of cell.open.values()) {
    for (const { member, incarnation } of otherCopies(cell, context.deps.self)) {
      if (open.storedBy.has(incarnation) || (only !== undefined && only !== member)) continue;
      sendTo(context, cell, open, member);
    }
  }
  tellOpen(cell);
}

function sendTo(context: StoreContext, cell: SlotCell, open: OpenWrite, to: PeerId): void {
  const { version, requestId, records, payload } = open;
  context.deps.send(to, {
    kind: 'replicate',
    slot: cell.slot,
    epoch: cell.row?.epoch ?? 0,
    version,
    requestId,
    ageMs: open.ageMs + context.elapsed.read().longerMs - open.acceptedAtMs,
    records,
    payload,
  });
  open.marks.set(to, markOf(context, to));
}

export function receiveStored(
  context: StoreContext,
  cell: SlotCell,
  mail: { readonly from: PeerId; readonly incarnation: Incarnation; readonly frame: StoredFrame },
): void {
  const { from, incarnation, frame } = mail;
  // An acknowledgement of another epoch was for another configuration: the write goes out again.
  if (cell.row?.epoch !== frame.epoch) return;
  if (!otherCopies(cell, context.deps.self).some((copy) => copy.member === from && copy.incarnation === incarnation))
    return;
  cell.acknowledgedMs.set(from, context.deps.clock.monotonicMs());
  const open = cell.open.get(frame.version.counter);
  if (open === undefined || open.version.epoch !== frame.version.epoch) return;
  open.storedBy.add(incarnation);
  tell(open);
}

/** A copy whose table is behind has let go what it kept for the epoch to come: it gets it again in a while. */
export function receiveOtherEpoch(context: StoreContext, cell: SlotCell, from: PeerId, frame: OtherEpochFrame): void {
  const { row, stay } = cell;
  if (row === undefined || frame.epoch >= row.epoch || cell.open.size === 0) return;
  context.deps.clock.setTimer(() => {
    if (!context.isClosed() && cell.stay === stay && cell.row?.epoch === row.epoch) resend(context, cell, from);
  }, limits.redialMinMs);
}

/** Who waits for a write looks again. */
export function tell(open: OpenWrite): void {
  const { changed } = open;
  open.changed = createDeferred<void>();
  changed.resolve();
}

export function tellOpen(cell: SlotCell): void {
  for (const open of cell.open.values()) tell(open);
}

/** A copy that lives and has owed an acknowledgement for too long (rule 22). */
export function owesTooLong(
  context: StoreContext,
  cell: SlotCell,
  { member, incarnation }: { readonly member: PeerId; readonly incarnation: Incarnation },
): boolean {
  const nowMs = context.deps.clock.monotonicMs();
  for (const open of cell.open.values()) {
    if (open.storedBy.has(incarnation)) continue;
    if (isOnTheWay(context, member, open.marks.get(member) ?? 0)) cell.acknowledgedMs.set(member, nowMs);
    const sinceMs = Math.max(open.firstSentAtMs, cell.acknowledgedMs.get(member) ?? 0);
    if (nowMs - sinceMs > limits.stuckMs) return true;
  }
  return false;
}
