// From the registrar's wish to the hand-offs to begin now: a pure plan, bounded for each target and in all.

import type { PeerId, Slot } from '@shoal/shared';

export interface Move {
  readonly slot: Slot;
  readonly to: PeerId;
}

export interface RebalanceView {
  readonly wish: readonly Move[];
  /** Open hand-offs to each member. */
  readonly openTo: ReadonlyMap<PeerId, number>;
  /** Whether the slot is served here and has no hand-off open. */
  isReady(slot: Slot): boolean;
  isLinked(member: PeerId): boolean;
  readonly mostForEach: number;
  readonly mostInAll: number;
}

/** In the order of the wish. */
export function planHandOffs(view: RebalanceView): readonly Move[] {
  const openTo = new Map(view.openTo);
  let inAll = 0;
  for (const count of openTo.values()) inAll += count;
  const plan: Move[] = [];
  for (const move of view.wish) {
    if (inAll >= view.mostInAll) break;
    const open = openTo.get(move.to) ?? 0;
    if (open >= view.mostForEach || !view.isReady(move.slot) || !view.isLinked(move.to)) continue;
    openTo.set(move.to, open + 1);
    inAll += 1;
    plan.push(move);
  }
  return plan;
}
