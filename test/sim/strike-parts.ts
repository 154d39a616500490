// What the kinds of faults have in common: whom they strike, and what is going on already.

import type { Fault } from './faults.ts';
import type { Losses } from './losses.ts';
import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';

export interface AimedFault extends Fault {
  /** Whom it should strike, in this order, if they are up. */
  readonly targets: readonly SimMember[];
}

/** Begins a fault; the way to end it, or `missed` if it can't strike now. */
export type Strike = (stage: Stage, fault: AimedFault, state: StrikeState) => (() => void) | 'missed';

export interface StrikeState {
  isEnded: boolean;
  /** A fault of the registrar lasts. */
  registrarBusy: boolean;
  registrarFile: 'newest' | 'old' | 'none';
  /** Since when it runs undisturbed. */
  registrarSinceMs: number;
  readonly twinsUntilMs: Map<string, number>;
  readonly unforgotten: Set<SimMember>;
  readonly losses: Losses;
}

/** More would make a seed long. */
export const MEMBERS_MOST = 10;
export const MEMBERS_LEAST = 2;

export const up = ({ membersUp }: Stage): readonly SimMember[] => membersUp();

/** `suits`: whom it may be. */
export function pickUp(
  stage: Stage,
  { first, targets }: AimedFault,
  suits: (member: SimMember) => boolean = () => true,
): SimMember | undefined {
  const members = up(stage).filter(suits);
  return targets.find((target) => members.includes(target)) ?? members[placeOf(stage, first, members.length)];
}

/** In some seeds a few members have all the bad luck: faults that meet break more than faults that don't. */
function placeOf({ isFocused }: Stage, at: number, count: number): number {
  return Math.floor((isFocused ? at * at : at) * count);
}

export function pairUp(
  stage: Stage,
  { first, second, targets }: AimedFault,
): readonly [SimMember, SimMember] | undefined {
  const members = up(stage);
  const [target, other] = targets.filter((each) => members.includes(each));
  const a = target ?? members[placeOf(stage, first, members.length)];
  const b = other ?? members.filter((member) => member !== a)[Math.floor(second * (members.length - 1))];
  return a === undefined || b === undefined ? undefined : [a, b];
}

export const nothing = (): void => undefined;

/** While an identity has two processes on one machine, that machine keeps its registrar: else they are outside the promise. */
export const hasTwins = (stage: Stage, state: StrikeState, name: string): boolean =>
  (state.twinsUntilMs.get(name) ?? 0) > stage.world.nowMs();

export const hasAnyTwins = (stage: Stage, state: StrikeState): boolean =>
  stage.members.some(({ name }) => hasTwins(stage, state, name));
