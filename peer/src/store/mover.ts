// Carries out the registrar's wish: begins hand-offs as far as their bounds allow, gives slots to backups,
// drops copies that are left over, and gives up what is not wished any more, or whose learner is stuck or
// gone (rules 4, 22, 26, 27).

import { limits, type Copy, type PeerId, type Slot, type Wish, type WishedSlot } from '@shoal/shared';
import { nextStep, planHandOffs, type Move } from './rebalance.ts';
import { proposeDrop } from './watch.ts';
import { otherCopies, type SlotCell, type StoreContext } from './store-context.ts';

export interface Mover {
  setWish(wish: Wish): void;
  /** A backup of it should own the slot, whatever the wish says (rule 7). */
  give(slot: Slot, to: PeerId): void;
  /** Looks again, soon: a slot, a link or a hand-off has changed. */
  plan(): void;
  linkClosed(member: PeerId): void;
  stop(): void;
}

export function createMover(context: StoreContext, cells: ReadonlyMap<Slot, SlotCell>): Mover {
  const { clock, incarnationOf, self } = context.deps;
  let wish: readonly WishedSlot[] = [];
  let isPlanned = false;
  let isStopped = false;

  const isReady = (slot: Slot): boolean => {
    const cell = cells.get(slot);
    if (cell === undefined || cell.state.role !== 'serving' || cell.isProposing) return false;
    if (cell.state.handOff !== undefined || cell.row?.settled !== true) return false;
    return cell.outgoing === undefined && cell.sweeping === 0 && cell.restUntilMs <= clock.monotonicMs();
  };

  const begin = ({ slot, to, purpose }: Move): void => {
    const cell = cells.get(slot);
    const copy = cell === undefined ? undefined : otherCopies(cell, self).find(({ member }) => member === to);
    const incarnation = purpose === 'give' ? copy?.incarnation : incarnationOf(to);
    if (incarnation === undefined || cell === undefined) return;
    context.dispatch(cell, { kind: 'offer', handOff: { to, incarnation, number: context.nextNumber(), purpose } });
  };

  /** What is a copy already must be heard of; who is to be one must be linked. */
  const canTake = (cell: SlotCell, member: PeerId): boolean => {
    const copy = otherCopies(cell, self).find((each) => each.member === member);
    return copy === undefined ? incarnationOf(member) !== undefined : isWell(copy);
  };

  const isWell = (copy: Copy): boolean => context.leases.holds(copy) && !context.leases.isGone(copy);

  const open = (): ReadonlyMap<PeerId, number> => {
    const openTo = new Map<PeerId, number>();
    for (const { slot } of wish) {
      const state = cells.get(slot)?.state;
      const handOff = state?.role === 'serving' || state?.role === 'sealed' ? state.handOff : undefined;
      if (handOff !== undefined) openTo.set(handOff.to, (openTo.get(handOff.to) ?? 0) + 1);
    }
    return openTo;
  };

  const carryOut = (): void => {
    isPlanned = false;
    if (isStopped || wish.length === 0) return;
    const moves: Move[] = [];
    for (const { slot, copies } of wish) {
      const cell = cells.get(slot);
      if (cell?.row === undefined || !isReady(slot)) continue;
      const step = nextStep(cell.row, copies, {
        self,
        replicas: context.replicas,
        canTake: (member) => canTake(cell, member),
      });
      if (step === undefined) continue;
      // Nothing is sealed for a registrar that is away.
      const isSealing = !('drop' in step) && step.purpose === 'give';
      if (isSealing && !(context.deps.isConnected() && context.proposals.isFlowing())) continue;
      if (!('drop' in step)) moves.push(step);
      else proposeDrop(context, cell, { member: step.drop, why: 'wished' });
    }
    const plan = planHandOffs({
      wish: moves,
      openTo: open(),
      isReady,
      isLinked: (member) => incarnationOf(member) !== undefined,
      mostForEach: limits.handOffsAtOnce,
      mostInAll: limits.handOffsInAll,
    });
    for (const move of plan) begin(move);
  };

  const plan = (): void => {
    if (isPlanned || isStopped) return;
    isPlanned = true;
    queueMicrotask(carryOut);
  };

  const tick = (): void => {
    const now = clock.monotonicMs();
    for (const { outgoing } of [...context.handOffs])
      if (outgoing?.isStuck(now) === true) outgoing.giveUp('the learner is silent');
    plan();
    stopTick = clock.setTimer(tick, limits.heartbeatMs);
  };
  let stopTick = clock.setTimer(tick, limits.heartbeatMs);

  return {
    setWish({ replicas, slots }) {
      context.replicas = replicas;
      wish = slots;
      const wished = new Map(slots.map(({ slot, copies }) => [slot, copies]));
      for (const cell of [...context.handOffs]) {
        // A sealed one is a round trip from its end: finishing is the shorter stop.
        const { outgoing } = cell;
        if (
          cell.state.role === 'serving' &&
          outgoing !== undefined &&
          wished.get(cell.slot)?.includes(outgoing.to) !== true
        )
          outgoing.giveUp('not wished any more');
      }
      plan();
    },
    give(slot, to) {
      const cell = cells.get(slot);
      const copy = cell === undefined ? undefined : otherCopies(cell, self).find(({ member }) => member === to);
      if (isStopped || cell === undefined || copy === undefined || !isReady(slot)) return;
      if (isWell(copy)) return begin({ slot, to, purpose: 'give' });
      // It can't be reached: open writes are not waited for, and never acknowledged here (rule 27).
      const handOff = { to, incarnation: copy.incarnation, number: context.nextNumber(), purpose: 'give' } as const;
      context.dispatch(cell, { kind: 'failed', to: handOff });
    },
    plan,
    linkClosed(member) {
      for (const cell of cells.values()) {
        if (cell.outgoing?.to === member) cell.outgoing.giveUp('its link closed');
        const { state } = cell;
        if (state.role === 'learner' && state.from === member)
          context.dispatch(cell, { kind: 'unlearn', number: state.number });
      }
    },
    stop() {
      isStopped = true;
      stopTick();
    },
  };
}
