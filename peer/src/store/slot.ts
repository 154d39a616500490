// Drives one slot's machine: carries out its effects over storage, the other members and the registrar,
// and gives it what came of them. (What happens when: `slot-state.ts`.)

import {
  EMPTY_DIGEST,
  type BeginFrame,
  type Change,
  type Configuration,
  type Incarnation,
  type PeerId,
  type SlotOutcome,
} from '@shoal/shared';
import { createHandOff } from './handoff.ts';
import { createLearner } from './learner.ts';
import type { HandOff, RowMeaning, SlotEffect, SlotEvent } from './slot-events.ts';
import { stepSlot } from './slot-state.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

/** After a refused proposal that should have been written. */
const PROPOSE_AGAIN_MS = 1_000;
/** After a hand-off that came to nothing. */
const REST_MS = 1_000;

export function dispatch(context: StoreContext, cell: SlotCell, event: SlotEvent): void {
  const before = cell.state.role;
  const { state, effects } = stepSlot(cell.state, event);
  cell.state = state;
  for (const effect of effects) carryOut(context, cell, effect);
  if (cell.state.role !== before) context.changed();
}

/** `begin`, from the owner of the present epoch: learn. */
export function beginLearning(
  context: StoreContext,
  cell: SlotCell,
  options: { readonly from: PeerId; readonly incarnation: Incarnation; readonly frame: BeginFrame },
): void {
  const { from, incarnation, frame } = options;
  const handOff: HandOff = { to: from, incarnation, number: frame.number };
  dispatch(context, cell, { kind: 'begin', epoch: frame.epoch, handOff });
  const { state } = cell;
  if (state.role === 'learner' && state.number === frame.number)
    cell.learner = createLearner(context, cell, { handOff, begin: frame });
}

/** What a row that came says of this process. */
export function meaningOf(
  row: Configuration,
  self: { readonly member: PeerId; readonly incarnation: Incarnation },
): RowMeaning {
  const isEmptied = row.emptyBefore === row.epoch;
  if (row.owner !== self.member) return isEmptied ? 'others-emptied' : 'others';
  const copy = row.copies.find(({ member }) => member === self.member);
  if (copy?.incarnation !== self.incarnation) return 'replaced';
  return isEmptied ? 'mine-emptied' : 'mine';
}

function carryOut(context: StoreContext, cell: SlotCell, effect: SlotEffect): void {
  switch (effect.kind) {
    case 'load':
      return load(context, cell, effect.emptied);
    case 'propose-settled':
      return proposeSettled(context, cell);
    case 'activate':
      return activate(context, cell, effect.learned);
    case 'seal':
      for (const service of context.services) service.seal(cell.slot);
      return undefined;
    case 'unseal':
      for (const service of context.services) service.activate(cell.slot, cell.row?.epoch ?? 0);
      return context.waiters.wake(cell.slot);
    case 'deactivate':
      return deactivate(context, cell, effect.records);
    case 'begin':
      cell.outgoing = createHandOff(context, cell, effect.handOff);
      context.handOffs.add(cell);
      cell.outgoing.begin();
      return context.changed();
    case 'check':
      return cell.outgoing?.check();
    case 'propose-hand-over':
      return proposeHandOver(context, cell, effect.handOff);
    case 'end':
      return end(context, cell, effect.handOff);
    case 'learn':
      return context.changed();
    case 'tidy':
      return tidy(context, cell);
    case 'stop-learning':
      context.memory.close(cell.slot);
      cell.learner?.stop();
      cell.learner = undefined;
      return context.changed();
  }
}

/** One piece of work on the slot's storage after the other; what fails ends this incarnation. */
function runJob(context: StoreContext, cell: SlotCell, job: () => Promise<void>): void {
  cell.jobs = cell.jobs
    .then(() => context.ready)
    .then(job)
    .catch((error: unknown) => context.fatal(error));
}

function load(context: StoreContext, cell: SlotCell, isEmptied: boolean): void {
  cell.stay += 1;
  cell.digest = EMPTY_DIGEST;
  const { stay } = cell;
  // A new mesh gives thousands of empty slots at once: nothing to read, nothing to wait for.
  if (context.isReady() && !context.records.mayHold(cell.slot))
    return dispatch(context, cell, { kind: 'loaded', counter: 0 });
  runJob(context, cell, async () => {
    const row = cell.row;
    if (cell.stay !== stay || row === undefined) return;
    if (isEmptied) await context.records.clear(cell.slot, 'aside', () => cell.stay === stay);
    const { digest, counter } = await context.records.load(cell.slot, row.emptyBefore, row.epoch, (key, head) => {
      if (head.tombstone) context.tombstones.add(cell.slot, key, head);
    });
    if (cell.stay !== stay) return;
    cell.digest = digest;
    dispatch(context, cell, { kind: 'loaded', counter });
  });
}

function proposeSettled(context: StoreContext, cell: SlotCell): void {
  const { stay, state } = cell;
  if (state.role !== 'settling') return;
  propose(context, { slot: cell.slot, epoch: state.epoch, change: { kind: 'settled' } }, (outcome) => {
    const tell = (): void => {
      if (cell.stay === stay) dispatch(context, cell, { kind: 'settled', written: outcome.written });
    };
    if (outcome.written) tell();
    else context.deps.clock.setTimer(tell, PROPOSE_AGAIN_MS);
  });
}

function proposeHandOver(context: StoreContext, cell: SlotCell, { to, incarnation, number }: HandOff): void {
  const epoch = cell.row?.epoch ?? 0;
  propose(context, { slot: cell.slot, epoch, change: { kind: 'hand-over', member: to, incarnation } }, (outcome) => {
    // Written: the row that came with the outcome has ended the stay already, or will.
    if (!outcome.written && cell.row?.epoch === epoch) dispatch(context, cell, { kind: 'hand-over-refused', number });
  });
}

function propose(context: StoreContext, change: Change, known: (outcome: SlotOutcome) => void): void {
  context.proposals.add(change).then(known, (error: unknown) => {
    if (!context.isClosed()) context.deps.logger.error('proposal failed', { slot: change.slot, error: String(error) });
  });
}

function activate(context: StoreContext, cell: SlotCell, isLearned: boolean): void {
  const { row, learner } = cell;
  if (isLearned && learner !== undefined) {
    cell.stay += 1;
    cell.digest = learner.digest;
    for (const { key, ...head } of learner.tombstones()) context.tombstones.add(cell.slot, key, head);
    learner.stop();
    cell.learner = undefined;
  } else {
    // A slot's very first epoch has no earlier writes; otherwise memory begins now.
    context.memory.open(cell.slot, row?.epoch === 1 ? Infinity : 0, []);
  }
  for (const service of context.services) service.activate(cell.slot, row?.epoch ?? 0);
  context.waiters.wake(cell.slot);
}

function deactivate(context: StoreContext, cell: SlotCell, records: 'discard' | 'aside' | 'keep'): void {
  dropHandOff(context, cell);
  cell.stay += 1;
  cell.digest = EMPTY_DIGEST;
  context.memory.close(cell.slot);
  for (const service of context.services) service.seal(cell.slot);
  context.waiters.wake(cell.slot);
  if (records === 'keep') return;
  const { stay } = cell;
  const goesOn = (): boolean => cell.stay === stay && cell.state.role === 'none';
  runJob(context, cell, () => context.records.clear(cell.slot, records === 'discard' ? 'delete' : 'aside', goesOn));
}

/** What a member finds of slots that others own: it was given up while this one was away, or left by a crash. */
function tidy(context: StoreContext, cell: SlotCell): void {
  if (context.isReady() && !context.records.mayHold(cell.slot)) return;
  const { stay } = cell;
  runJob(context, cell, async () => {
    const { row } = cell;
    const goesOn = (): boolean => cell.stay === stay && cell.state.role === 'none' && cell.row === row;
    if (row?.settled === true && goesOn()) await context.records.tidy(cell.slot, row, goesOn);
  });
}

function dropHandOff(context: StoreContext, cell: SlotCell): void {
  cell.outgoing?.dispose();
  cell.outgoing = undefined;
  context.handOffs.delete(cell);
}

function end(context: StoreContext, cell: SlotCell, { to, number }: HandOff): void {
  const epoch = cell.outgoing?.epoch ?? 0;
  dropHandOff(context, cell);
  cell.restUntilMs = context.deps.clock.monotonicMs() + REST_MS;
  context.deps.send(to, { kind: 'end', slot: cell.slot, epoch, number });
  context.changed();
}
