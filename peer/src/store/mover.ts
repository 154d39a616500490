// Carries out the registrar's wish: begins hand-offs as far as their bounds allow, gives up those that are
// not wished any more, whose learner is stuck or gone (rules 4, 22).

import { limits, type PeerId, type Slot } from '@shoal/shared';
import { planHandOffs, type Move } from './rebalance.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

export interface Mover {
  setWish(moves: readonly Move[]): void;
  /** Looks again, soon: a slot, a link or a hand-off has changed. */
  plan(): void;
  linkClosed(member: PeerId): void;
  stop(): void;
}

export function createMover(context: StoreContext, cells: ReadonlyMap<Slot, SlotCell>): Mover {
  const { clock, incarnationOf } = context.deps;
  let wish: readonly Move[] = [];
  let isPlanned = false;
  let isStopped = false;
  let numbers = 0;

  const isReady = (slot: Slot): boolean => {
    const cell = cells.get(slot);
    if (cell === undefined || cell.state.role !== 'serving') return false;
    return cell.outgoing === undefined && cell.sweeping === 0 && cell.restUntilMs <= clock.monotonicMs();
  };

  const begin = ({ slot, to }: Move): void => {
    const incarnation = incarnationOf(to);
    const cell = cells.get(slot);
    if (incarnation === undefined || cell === undefined) return;
    numbers += 1;
    context.dispatch(cell, { kind: 'offer', handOff: { to, incarnation, number: numbers } });
  };

  const carryOut = (): void => {
    isPlanned = false;
    if (isStopped || wish.length === 0) return;
    const openTo = new Map<PeerId, number>();
    for (const { outgoing } of context.handOffs)
      if (outgoing !== undefined) openTo.set(outgoing.to, (openTo.get(outgoing.to) ?? 0) + 1);
    const moves = planHandOffs({
      wish,
      openTo,
      isReady,
      isLinked: (member) => incarnationOf(member) !== undefined,
      mostForEach: limits.handOffsAtOnce,
      mostInAll: limits.handOffsInAll,
    });
    for (const move of moves) begin(move);
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
    setWish(moves) {
      wish = moves;
      const wished = new Map(moves.map(({ slot, to }) => [slot, to]));
      for (const cell of [...context.handOffs]) {
        // A sealed one is a round trip from its end: finishing is the shorter stop.
        if (cell.state.role === 'serving' && wished.get(cell.slot) !== cell.outgoing?.to)
          cell.outgoing?.giveUp('not wished any more');
      }
      plan();
    },
    plan,
    linkClosed(member) {
      for (const cell of cells.values()) {
        if (cell.outgoing?.to === member) cell.outgoing.giveUp('its link closed');
        const { state } = cell;
        if (state.role === 'learner' && state.to === member)
          context.dispatch(cell, { kind: 'unlearn', number: state.number });
      }
    },
    stop() {
      isStopped = true;
      stopTick();
    },
  };
}
