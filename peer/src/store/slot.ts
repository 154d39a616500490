// Drives one slot's machine: carries out its effects over storage, the other members and the registrar,
// and gives it what came of them. (What happens when: `slot-state.ts`.)

import type { BeginFrame, Configuration, Incarnation, PeerId } from '@shoal/shared';
import { createBackup } from './backup.ts';
import { createHandOff, type OutgoingHandOff } from './handoff.ts';
import { createLearner } from './learner.ts';
import { createSettle } from './settle.ts';
import { resend, tellOpen } from './replication.ts';
import type { HandOff, RowMeaning, SlotEffect, SlotEvent } from './slot-events.ts';
import { proposeAdd, proposeHandOver, proposeSettled } from './slot-proposals.ts';
import { stepSlot } from './slot-state.ts';
import { resetDigest, runJob, type SlotCell, type StoreContext } from './store-context.ts';

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
  const handOff = { from, incarnation, number: frame.number };
  dispatch(context, cell, { kind: 'begin', epoch: frame.epoch, handOff });
  const { state } = cell;
  if (state.role === 'learner' && state.number === frame.number)
    cell.learner = createLearner(context, cell, { from, begin: frame });
}

/** What a row that came says of this process. */
export function meaningOf(
  row: Configuration,
  self: { readonly member: PeerId; readonly incarnation: Incarnation },
): RowMeaning {
  const isEmptied = row.emptyBefore === row.epoch;
  const copy = row.copies.find(({ member }) => member === self.member);
  if (copy !== undefined) {
    if (copy.incarnation !== self.incarnation) return 'replaced';
    if (row.owner !== self.member) return 'backup';
    return isEmptied ? 'mine-emptied' : 'mine';
  }
  if (isEmptied) return 'others-emptied';
  // A dropped copy keeps what it had until the slot is whole without it.
  return row.dropped.some(({ member }) => member === self.member) ? 'replaced' : 'others';
}

function carryOut(context: StoreContext, cell: SlotCell, effect: SlotEffect): void {
  switch (effect.kind) {
    case 'load':
      return load(context, cell, effect.emptied);
    case 'agree':
      cell.settle?.stop();
      cell.settle = createSettle(context, cell);
      return cell.settle.start();
    case 'propose-settled':
      return proposeSettled(context, cell);
    case 'activate':
      return activate(context, cell, effect.learned);
    case 'back':
      return back(context, cell, effect.known);
    case 'stop-backing':
      return stopBacking(context, cell);
    case 'resign':
      return resign(context, cell);
    case 'deactivate':
      return deactivate(context, cell, effect.records);
    case 'learn':
      return context.changed();
    case 'tidy':
      return tidy(context, cell);
    case 'stop-learning':
      context.memory.close(cell.slot);
      cell.learner?.stop();
      cell.learner = undefined;
      return context.changed();
    default:
      return carryOutOfOwner(context, cell, effect);
  }
}

type OwnerEffect = Extract<
  SlotEffect,
  {
    kind: 'resend' | 'seal' | 'unseal' | 'begin' | 'check' | 'propose-hand-over' | 'propose-add' | 'end' | 'added';
  }
>;

function carryOutOfOwner(context: StoreContext, cell: SlotCell, effect: OwnerEffect): void {
  switch (effect.kind) {
    case 'resend':
      context.tombstones.tellSlotAgain(context, cell);
      return resend(context, cell);
    case 'seal':
      noteStop(context, cell);
      for (const service of context.services) service.seal(cell.slot);
      return undefined;
    case 'unseal':
      return unseal(context, cell);
    case 'begin':
      return begin(context, cell, effect.handOff);
    case 'check':
      openHandOff(context, cell, effect.handOff).check();
      return undefined;
    case 'propose-hand-over':
      return proposeHandOver(context, cell, effect.handOff);
    case 'propose-add':
      context.stops.none(cell);
      return proposeAdd(context, cell, effect.handOff);
    case 'end':
      return end(context, cell, effect.handOff);
    case 'added':
      cell.outgoing?.added();
      return dropHandOff(context, cell);
  }
}

/** A member that ends moves nothing any more. */
function noteStop({ stops }: StoreContext, cell: SlotCell): void {
  const { state } = cell;
  if (state.role !== 'sealed' || state.step === 'closing') return;
  stops.began(cell);
  const isCompared = state.step === 'draining' || state.step === 'checking';
  if (isCompared && state.handOff?.purpose !== 'give') stops.forced();
}

function begin(context: StoreContext, cell: SlotCell, handOff: HandOff): void {
  openHandOff(context, cell, handOff).begin();
  context.changed();
}

function openHandOff(context: StoreContext, cell: SlotCell, handOff: HandOff): OutgoingHandOff {
  cell.outgoing ??= createHandOff(context, cell, handOff);
  context.handOffs.add(cell);
  return cell.outgoing;
}

/** From here on the slot is what this member has loaded now; what was read or served before counts no more. */
function startStay(context: StoreContext, cell: SlotCell): void {
  dropHandOff(context, cell);
  cell.settle?.stop();
  cell.settle = undefined;
  cell.stay += 1;
  tellOpen(cell);
  cell.open.clear();
  cell.hasFailed = false;
  cell.resigned.clear();
  cell.acknowledgedMs.clear();
}

function load(context: StoreContext, cell: SlotCell, isEmptied: boolean): void {
  const { backup } = cell;
  startStay(context, cell);
  context.stops.forget(cell);
  cell.backup = undefined;
  const { stay } = cell;
  if (backup !== undefined && !isEmptied) {
    runJob(context, cell, async () => {
      const isKnown = await backup.finish();
      if (cell.stay !== stay) return;
      if (isKnown) dispatch(context, cell, { kind: 'loaded', counter: 0 });
      else await scan(context, cell, false);
    });
    return;
  }
  backup?.stop();
  resetDigest(cell);
  // A new mesh gives thousands of empty slots at once: nothing to read, nothing to wait for.
  if (context.isReady() && cell.storing.size === 0 && !context.records.mayHold(cell.slot))
    return dispatch(context, cell, { kind: 'loaded', counter: 0 });
  runJob(context, cell, () => scan(context, cell, isEmptied));

  async function scan(at: StoreContext, { slot, row }: SlotCell, clear: boolean): Promise<void> {
    if (cell.stay !== stay || row === undefined) return;
    if (clear) await at.records.clear(slot, 'aside', () => cell.stay === stay);
    const { digest, counter } = await at.records.load(slot, row.emptyBefore, row.epoch, (key, head) => {
      if (head.tombstone) at.tombstones.add(slot, key, head);
    });
    if (cell.stay !== stay) return;
    cell.digest = digest;
    dispatch(at, cell, { kind: 'loaded', counter });
  }
}

function unseal(context: StoreContext, cell: SlotCell): void {
  for (const service of context.services) service.activate(cell.slot, cell.row?.epoch ?? 0);
  context.waiters.wake(cell.slot);
  context.stops.ended(cell);
  const { stay } = cell;
  if (!cell.hasFailed) return;
  // Nobody could take it: it is tried again, for what it could not store it may never acknowledge.
  context.deps.clock.setTimer(() => {
    if (cell.stay === stay && !context.isClosed()) context.ownerFailed(cell);
  }, REST_MS);
}

function activate(context: StoreContext, cell: SlotCell, isLearned: boolean): void {
  const { row, learner } = cell;
  cell.settle?.stop();
  cell.settle = undefined;
  if (isLearned && learner !== undefined) {
    cell.stay += 1;
    void takeFromLearner(context, cell);
  } else if (!context.memory.isOpen(cell.slot)) {
    // A slot's very first epoch has no earlier writes; otherwise memory begins now.
    context.memory.open(cell.slot, row?.epoch === 1 ? Infinity : 0, []);
  }
  for (const service of context.services) service.activate(cell.slot, row?.epoch ?? 0);
  context.waiters.wake(cell.slot);
  context.stops.ended(cell);
}

function takeFromLearner(context: StoreContext, cell: SlotCell): Promise<boolean> {
  const { learner } = cell;
  if (learner === undefined) return Promise.resolve(false);
  cell.digest = learner.digest;
  for (const { key, ...head } of learner.tombstones()) context.tombstones.add(cell.slot, key, head);
  cell.learner = undefined;
  return learner.finish();
}

function back(context: StoreContext, cell: SlotCell, isKnown: boolean): void {
  const wasLearner = cell.learner !== undefined;
  cell.backup?.stop();
  startStay(context, cell);
  for (const service of context.services) service.seal(cell.slot);
  const known = isKnown && wasLearner ? takeFromLearner(context, cell) : Promise.resolve(isKnown);
  if (!context.memory.isOpen(cell.slot)) context.memory.open(cell.slot, 0, []);
  cell.backup = createBackup(context, cell, known);
  context.waiters.wake(cell.slot);
}

function stopBacking(context: StoreContext, cell: SlotCell): void {
  cell.backup?.stop();
  cell.backup = undefined;
  context.stops.forget(cell);
  cell.stay += 1;
  context.memory.close(cell.slot);
  resetDigest(cell);
}

function resign(context: StoreContext, cell: SlotCell): void {
  const { row } = cell;
  cell.backup?.stop();
  if (row !== undefined) context.deps.send(row.owner, { kind: 'resign', slot: cell.slot, epoch: row.epoch });
}

function deactivate(context: StoreContext, cell: SlotCell, records: 'discard' | 'aside' | 'keep'): void {
  startStay(context, cell);
  // The learner serves it as it was handed over.
  if (records === 'discard') context.stops.passed(cell);
  else context.stops.forget(cell);
  resetDigest(cell);
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

function end(context: StoreContext, cell: SlotCell, { to, number, purpose }: HandOff): void {
  const epoch = cell.outgoing?.epoch ?? 0;
  dropHandOff(context, cell);
  cell.restUntilMs = context.deps.clock.monotonicMs() + REST_MS;
  if (purpose !== 'give') context.deps.send(to, { kind: 'end', slot: cell.slot, epoch, number });
  context.changed();
}
