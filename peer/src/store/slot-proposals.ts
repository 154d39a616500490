// What one slot's machine proposes to the registrar, and what it is told of the outcome.

import type { Change } from '@shoal/shared';
import type { KnownOutcome } from './proposals.ts';
import type { HandOff } from './slot-events.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

/** After a refused proposal that should have been written. */
const PROPOSE_AGAIN_MS = 1_000;

export function proposeSettled(context: StoreContext, cell: SlotCell): void {
  const { stay, state } = cell;
  if (state.role !== 'settling') return;
  propose(context, { slot: cell.slot, epoch: state.epoch, change: { kind: 'settled' } }, ({ written }) => {
    const tell = (): void => {
      if (cell.stay === stay) context.dispatch(cell, { kind: 'settled', written });
    };
    if (written) tell();
    else context.deps.clock.setTimer(tell, PROPOSE_AGAIN_MS);
  });
}

export function proposeHandOver(context: StoreContext, cell: SlotCell, handOff: HandOff): void {
  proposeOf(context, cell, handOff, 'hand-over');
}

export function proposeAdd(context: StoreContext, cell: SlotCell, handOff: HandOff): void {
  proposeOf(context, cell, handOff, 'add');
}

function proposeOf(
  context: StoreContext,
  cell: SlotCell,
  { to, incarnation, number }: HandOff,
  kind: 'add' | 'hand-over',
): void {
  const epoch = cell.row?.epoch ?? 0;
  propose(context, { slot: cell.slot, epoch, change: { kind, member: to, incarnation } }, ({ written }) => {
    // Written: the row that came with the outcome has been applied already.
    if (!written && cell.row?.epoch === epoch) context.dispatch(cell, { kind: 'refused', number });
  });
}

export function propose(context: StoreContext, change: Change, known: (outcome: KnownOutcome) => void): void {
  context.proposals.add(change).then(known, (error: unknown) => {
    if (!context.isClosed()) context.deps.logger.error('proposal failed', { slot: change.slot, error: String(error) });
  });
}
