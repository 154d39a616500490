// Watches the other copies: an owner proposes to drop a backup that is silent, stuck, gone or has resigned
// (rule 22); a backup asks for the slots of an owner that it has not granted a lease for the grace, or that
// said goodbye (rule 21). Who stood still itself doubts itself first (rule 8).

import type { Configuration, Copy, PeerId, Slot } from '@shoal/shared';
import { propose } from './slot-proposals.ts';
import { owesTooLong, resend } from './replication.ts';
import { otherCopies, sinceMs, type SlotCell, type StoreContext } from './store-context.ts';

export interface Watch {
  /** Looks now: a goodbye was heard, a row came. */
  look(): void;
  linkOpened(member: PeerId): void;
  stop(): void;
}

const TICK_MS = 200;
/** Late by more than this: this process was silent, not the others. */
const STOOD_STILL_MS = 1_000;
/** After a refused proposal. */
const REST_MS = 1_000;
const PRUNE_EVERY = 50;

type Why = 'silent' | 'stuck' | 'goodbye' | 'resigned' | 'wished';

export function createWatch(context: StoreContext, cells: ReadonlyMap<Slot, SlotCell>): Watch {
  const { clock } = context.deps;
  let readAtMs = context.elapsed.read().longerMs;
  let ticks = 0;
  let isStopped = false;

  const look = (): void => {
    if (isStopped) return;
    const now = clock.monotonicMs();
    for (const cell of cells.values()) lookAt(context, cell, now);
  };

  const tick = (): void => {
    const now = context.elapsed.read().longerMs;
    const lateMs = now - readAtMs - TICK_MS;
    readAtMs = now;
    ticks += 1;
    if (lateMs > STOOD_STILL_MS) context.leases.doubt();
    else if (lateMs > 0) context.leases.wasLate(lateMs);
    if (ticks % PRUNE_EVERY === 0) context.leases.prune();
    context.leases.tableMoved();
    for (const cell of cells.values()) cell.settle?.askAgain();
    look();
    stopTick = clock.setTimer(tick, TICK_MS);
  };
  let stopTick = clock.setTimer(tick, TICK_MS);

  return {
    look,
    linkOpened(member) {
      // What was queued for the link before is lost.
      for (const cell of cells.values()) {
        if (cell.open.size > 0) resend(context, cell, member);
        cell.settle?.askAgain(member);
      }
      context.tombstones.tellAgain(context, member);
    },
    stop() {
      isStopped = true;
      stopTick();
    },
  };
}

function lookAt(context: StoreContext, cell: SlotCell, nowMs: number): void {
  const { row, state } = cell;
  if (row === undefined || row.copies.length === 1 || cell.isProposing) return;
  if (nowMs < cell.proposeAfterMs || !row.settled) return;
  if (state.role === 'backup') return lookAtOwner(context, cell, row);
  if (state.role !== 'serving' && state.role !== 'sealed' && state.role !== 'settling') return;
  // One proposal at a time: that of the hand-off first.
  const isProposing = state.role === 'serving' ? state.adding === true : state.step === 'proposing';
  if (isProposing) return;
  for (const copy of otherCopies(cell, context.deps.self)) {
    const why = accuse(context, cell, copy, nowMs);
    if (why !== undefined) return proposeDrop(context, cell, { member: copy.member, why });
  }
}

function lookAtOwner(context: StoreContext, cell: SlotCell, row: Configuration): void {
  const owner = row.copies.find(({ member }) => member === row.owner);
  // One that resigned may too: what it acknowledged it has, and where all have resigned nobody else would.
  if (owner === undefined || !context.takesLearning() || !context.deps.isConnected()) return;
  if (context.leases.mayTakeOver(owner, sinceMs(cell, owner))) takeOver(context, cell, owner);
}

function accuse(context: StoreContext, cell: SlotCell, copy: Copy, nowMs: number): Why | undefined {
  if (cell.resigned.has(copy.incarnation)) return 'resigned';
  if (context.leases.isGone(copy)) return 'goodbye';
  if (context.leases.isSilent(copy, sinceMs(cell, copy))) return 'silent';
  return owesTooLong(context, cell, copy) || cell.settle?.isStuck(copy.member, nowMs) === true ? 'stuck' : undefined;
}

export function proposeDrop(
  context: StoreContext,
  cell: SlotCell,
  { member, why }: { readonly member: PeerId; readonly why: Why },
): void {
  const { row } = cell;
  const copy = row?.copies.find((each) => each.member === member);
  if (row === undefined || copy === undefined || cell.isProposing) return;
  cell.isProposing = true;
  const { incarnation } = copy;
  context.deps.logger.info('copy dropped', { slot: cell.slot, member, why });
  propose(
    context,
    { slot: cell.slot, epoch: row.epoch, change: { kind: 'drop', member, incarnation, why } },
    (outcome) => {
      cell.isProposing = false;
      if (!outcome.written) rest(context, cell);
      context.planned();
    },
  );
}

function takeOver(context: StoreContext, cell: SlotCell, owner: Copy): void {
  const { row } = cell;
  if (row === undefined) return;
  cell.isProposing = true;
  context.leases.claim(owner);
  context.deps.logger.info('owner silent', { slot: cell.slot, owner: owner.member });
  propose(context, { slot: cell.slot, epoch: row.epoch, change: { kind: 'take-over' } }, ({ written, table }) => {
    cell.isProposing = false;
    context.leases.claimKnown(owner, { written, table });
    if (!written) rest(context, cell);
  });
}

function rest(context: StoreContext, cell: SlotCell): void {
  cell.proposeAfterMs = context.deps.clock.monotonicMs() + REST_MS;
}
