// How the faults of a plan strike a mesh, and how they end.

import type { Fault, FaultKind } from './faults.ts';
import type { Moment } from './moments.ts';
import { createLosses } from './losses.ts';
import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';
import type { AimedFault, Strike, StrikeState } from './strike-parts.ts';
import { memberStrikes } from './strikes-of-members.ts';
import { networkStrikes } from './strikes-of-network.ts';
import { registrarStrikes } from './strikes-of-registrar.ts';

export interface Striker {
  strike(fault: Fault): void;
  /** Ends everything that still lasts; members and registrar are started again. */
  end(): void;
  /** How often each kind struck. */
  readonly struck: ReadonlyMap<FaultKind, number>;
  /** Members whose slots no operator has given up yet. */
  readonly unforgotten: ReadonlySet<SimMember>;
  /** Kinds that have struck and not ended. */
  readonly lasting: ReadonlySet<FaultKind>;
}

const STRIKES: Readonly<Record<FaultKind, Strike>> = { ...memberStrikes, ...networkStrikes, ...registrarStrikes };

/** A fault that can't strike now may a little later. */
const TRIES = 10;
const TRY_AGAIN_MS = 700;
/** A moment that does not come is not waited for. */
const MOMENT_WITHIN_MS = 5_000;
const AFTER_MOMENT_MS = 300;

export function createStriker(stage: Stage): Striker {
  const struck = new Map<FaultKind, number>();
  const lasting = new Map<() => void, FaultKind>();
  const state: StrikeState = {
    isEnded: false,
    registrarBusy: false,
    registrarFile: 'newest',
    registrarSinceMs: -Infinity,
    twinsUntilMs: new Map(),
    unforgotten: new Set(),
    losses: createLosses(() => stage.registrar.rows()),
  };
  const strike = (fault: AimedFault, tries = TRIES): void => {
    if (state.isEnded) return;
    const end = STRIKES[fault.kind](stage, fault, state);
    if (end === 'missed') {
      if (tries > 1) stage.world.after(TRY_AGAIN_MS, () => strike(fault, tries - 1));
      return;
    }
    stage.world.deliver(`fault ${fault.kind}`);
    struck.set(fault.kind, (struck.get(fault.kind) ?? 0) + 1);
    const endOnce = (): void => {
      if (lasting.delete(endOnce)) end();
    };
    lasting.set(endOnce, fault.kind);
    stage.world.after(fault.forMs, endOnce);
  };
  const strikeAt = (fault: Fault, moment: Moment): void => {
    let isAwaited = true;
    stage.moments.next(moment, (concerned) => {
      if (!isAwaited) return;
      isAwaited = false;
      const targets = fault.first < 0.6 ? concerned : concerned.toReversed();
      // Soon after, most often at once.
      stage.world.after(AFTER_MOMENT_MS * ((fault.first * 10) % 1) ** 3, () => strike({ ...fault, targets }));
    });
    stage.world.after(MOMENT_WITHIN_MS, () => {
      if (isAwaited) strike({ ...fault, targets: [] });
      isAwaited = false;
    });
  };
  return {
    struck,
    unforgotten: state.unforgotten,
    get lasting() {
      return new Set(lasting.values());
    },
    strike(fault) {
      if (fault.aim === undefined) strike({ ...fault, targets: [] });
      else strikeAt(fault, fault.aim);
    },
    end() {
      state.isEnded = true;
      for (const end of [...lasting.keys()]) end();
      stage.paths.healAll();
      for (const { run, disk } of stage.members) {
        run?.process.wake();
        disk.slow(0);
        disk.failing(0);
        disk.full(false);
      }
      stage.registrar.running?.process.wake();
      for (const member of stage.members) if (!member.disk.isLost) member.start();
    },
  };
}
