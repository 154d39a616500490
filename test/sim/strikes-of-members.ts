// Faults of members: processes that die, stand still, come and go, and disks that are slow, full or lost.

import { forget } from './operator.ts';
import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';
import { hasTwins, MEMBERS_LEAST, MEMBERS_MOST, nothing, pickUp, type Strike, up } from './strike-parts.ts';

/** A new process of an identity needs so long until the old one is out. */
const TWIN_MS = 5_000;

/** A machine both of whose clocks are wrong between two readings is outside the promise. */
const BOTH_CLOCKS_MS = 2_000;

const still: (how: 'freeze' | 'sleep') => Strike = (how) => (stage, fault, state) => {
  const member = pickUp(stage, fault);
  const process = member?.run?.process;
  if (member === undefined || process?.state !== 'running' || hasTwins(stage, state, member.name)) return 'missed';
  if (how === 'sleep' && stage.world.nowMs() - member.wallSteppedMs < BOTH_CLOCKS_MS) return 'missed';
  process[how]();
  return () => process.wake();
};

const disk: (begin: (member: SimMember, how: number) => () => void) => Strike = (begin) => (stage, fault) => {
  const member = pickUp(stage, fault);
  return member === undefined ? 'missed' : begin(member, fault.second);
};

/** Whether only this member has the newest of a slot of which others have older copies: to lose it is outside the promise. */
function isNeeded(stage: Stage, { id }: SimMember): boolean {
  const isThere = (member: string): boolean => up(stage).some((other) => other.id === member);
  return stage.registrar.rows().some(({ copies, dropped }) => {
    if (!copies.some(({ member }) => member === id)) return false;
    return dropped.length > 0 && !copies.some(({ member }) => member !== id && isThere(member));
  });
}

export const memberStrikes = {
  crash(stage, fault) {
    const member = pickUp(stage, fault);
    if (member === undefined) return 'missed';
    member.kill();
    return () => member.start();
  },
  'lost-disk'(stage, fault, state) {
    const member = pickUp(stage, fault);
    if (member === undefined || up(stage).length <= MEMBERS_LEAST || isNeeded(stage, member)) return 'missed';
    if (!state.losses.mayLose(member, 'disk')) return 'missed';
    state.losses.lost(member);
    state.unforgotten.add(member);
    if (fault.second < 0.5) member.kill();
    member.disk.lose();
    return () => {
      member.kill();
      forget(stage, member, () => state.unforgotten.delete(member));
    };
  },
  'power-loss'(stage, fault, state) {
    const member = pickUp(stage, fault, ({ kind }) => kind === 'tab');
    if (member === undefined || !state.losses.mayLose(member, 'tail')) return 'missed';
    state.losses.lost(member);
    member.kill();
    member.disk.loseTail(fault.second * 2_000);
    return () => member.start();
  },
  freeze: still('freeze'),
  sleep: still('sleep'),
  join(stage, _fault, state) {
    const present = stage.members.filter(({ disk: { isLost } }) => !isLost);
    // A member that knows no mesh makes a new one where there is no table: no business of the old one.
    if (present.length >= MEMBERS_MOST || state.registrarFile === 'none') return 'missed';
    stage.newMember().start();
    return nothing;
  },
  leave(stage, fault) {
    const member = pickUp(stage, fault);
    if (member === undefined || up(stage).length <= MEMBERS_LEAST) return 'missed';
    member.leave(fault.second < 0.7);
    return () => {
      if (!member.isWanted) member.start();
    };
  },
  'slow-disk': disk((member, how) => {
    member.disk.slow(20 + how * 800);
    return () => member.disk.slow(0);
  }),
  'disk-errors': disk((member, how) => {
    member.disk.failing(0.05 + how * 0.5);
    return () => member.disk.failing(0);
  }),
  'disk-full': disk((member) => {
    member.disk.full(true);
    return () => member.disk.full(false);
  }),
  'wall-step'(stage, fault) {
    const member = pickUp(stage, fault);
    if (member?.run?.process.state !== 'running') return 'missed';
    const sign = fault.second < 0.5 ? -1 : 1;
    member.stepWall(sign * fault.second * 10_800_000);
    return nothing;
  },
  twin(stage, fault, state) {
    const member = pickUp(stage, fault);
    const isCut = (name: string): boolean =>
      stage.paths.path(name, 'registrar').isCut || stage.paths.path('registrar', name).isCut;
    if (member?.run?.process.state !== 'running' || state.registrarBusy || isCut(member.name)) return 'missed';
    // The first process must have its registrar, to be told by it.
    if (member.run.mesh?.status().registrar !== 'connected') return 'missed';
    if (stage.world.nowMs() - state.registrarSinceMs < TWIN_MS + 1_000) return 'missed';
    state.twinsUntilMs.set(member.name, stage.world.nowMs() + TWIN_MS);
    member.startTwin();
    return nothing;
  },
} satisfies Readonly<Record<string, Strike>>;
