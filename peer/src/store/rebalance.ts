// From the registrar's wish to what is to be begun now: a pure plan, bounded for each target and in all.

import type { Configuration, PeerId, Slot } from '@shoal/shared';
import type { HandOff } from './slot-events.ts';

export interface Move {
  readonly slot: Slot;
  readonly to: PeerId;
  readonly purpose: HandOff['purpose'];
}

/** The next thing that brings a slot nearer to its wish; `drop`: a copy that is one too many. */
export type Step = Move | { readonly slot: Slot; readonly drop: PeerId };

/**
 * Never below the wished copies on the way: what is missing is added, then the ownership is given, then the
 * new owner drops what is left over (rule 27). `wished`: owner first. `self` owns the slot.
 */
export function nextStep(
  { slot, copies }: Configuration,
  wished: readonly PeerId[],
  { self, replicas, canTake }: { readonly self: PeerId; readonly replicas: number; canTake(member: PeerId): boolean },
): Step | undefined {
  const has = (member: PeerId): boolean => copies.some((copy) => copy.member === member);
  const missing = wished.find((member) => !has(member) && canTake(member));
  if (missing !== undefined) {
    if (replicas > 1) return { slot, to: missing, purpose: 'add' };
    const other = copies.find(({ member }) => member !== self);
    return other === undefined ? { slot, to: missing, purpose: 'move' } : { slot, drop: other.member };
  }
  const [owner] = wished;
  if (owner !== undefined && owner !== self)
    return has(owner) && canTake(owner) ? { slot, to: owner, purpose: 'give' } : undefined;
  // One that is wished and not well may be gone soon: what is left over is then no longer too many.
  const isWhole = wished.every((member) => has(member) && (member === self || canTake(member)));
  const surplus = copies.find(({ member }) => member !== self && !wished.includes(member));
  return isWhole && surplus !== undefined ? { slot, drop: surplus.member } : undefined;
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
