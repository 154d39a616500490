// How each kind of fault strikes a mesh, and how it ends.

import type { Fault, FaultKind } from './faults.ts';
import { forget } from './operator.ts';
import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';

export interface Striker {
  strike(fault: Fault): void;
  /** Ends everything that still lasts; members and registrar are started again. */
  end(): void;
  /** How often each kind struck. */
  readonly struck: ReadonlyMap<FaultKind, number>;
  /** Members whose slots no operator has given up yet. */
  readonly unforgotten: ReadonlySet<SimMember>;
}

/** More would make a seed long. */
const MEMBERS_MOST = 10;
const MEMBERS_LEAST = 2;
/** A new process of an identity needs so long until the old one is out. */
const TWIN_MS = 5_000;

type Strike = (stage: Stage, fault: Fault, state: StrikeState) => (() => void) | 'missed';

interface StrikeState {
  isEnded: boolean;
  /** A fault of the registrar lasts. */
  registrarBusy: boolean;
  registrarFile: 'newest' | 'old' | 'none';
  /** Since when it runs undisturbed. */
  registrarSinceMs: number;
  readonly twinsUntilMs: Map<string, number>;
  readonly unforgotten: Set<SimMember>;
}

export function createStriker(stage: Stage): Striker {
  const struck = new Map<FaultKind, number>();
  const lasting = new Set<() => void>();
  const state: StrikeState = {
    isEnded: false,
    registrarBusy: false,
    registrarFile: 'newest',
    registrarSinceMs: -Infinity,
    twinsUntilMs: new Map(),
    unforgotten: new Set(),
  };
  return {
    struck,
    unforgotten: state.unforgotten,
    strike(fault) {
      if (state.isEnded) return;
      const end = STRIKES[fault.kind](stage, fault, state);
      if (end === 'missed') return;
      stage.world.deliver(`fault ${fault.kind}`);
      struck.set(fault.kind, (struck.get(fault.kind) ?? 0) + 1);
      const endOnce = (): void => {
        if (lasting.delete(endOnce)) end();
      };
      lasting.add(endOnce);
      stage.world.after(fault.forMs, endOnce);
    },
    end() {
      state.isEnded = true;
      for (const end of [...lasting]) end();
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

const up = ({ membersUp }: Stage): readonly SimMember[] => membersUp();

function pickUp(stage: Stage, at: number): SimMember | undefined {
  const members = up(stage);
  return members[Math.floor(at * members.length)];
}

function pairUp(stage: Stage, { first, second }: Fault): readonly [SimMember, SimMember] | undefined {
  const members = up(stage);
  const place = Math.floor(first * members.length);
  const a = members[place];
  const b = members.filter((member) => member !== a)[Math.floor(second * (members.length - 1))];
  return a === undefined || b === undefined ? undefined : [a, b];
}

const nothing = (): void => undefined;

function cutBoth(stage: Stage, pairs: readonly (readonly [string, string])[]): () => void {
  for (const [a, b] of pairs) {
    stage.paths.cut(a, b);
    stage.paths.cut(b, a);
  }
  return () => {
    for (const [a, b] of pairs) {
      stage.paths.heal(a, b);
      stage.paths.heal(b, a);
    }
  };
}

/** While an identity has two processes on one machine, that machine keeps its registrar: else they are outside the promise. */
const hasTwins = (stage: Stage, state: StrikeState, name: string): boolean =>
  (state.twinsUntilMs.get(name) ?? 0) > stage.world.nowMs();

const hasAnyTwins = (stage: Stage, state: StrikeState): boolean =>
  stage.members.some(({ name }) => hasTwins(stage, state, name));

const still: (how: 'freeze' | 'sleep') => Strike =
  (how) =>
  (stage, { first }, state) => {
    const member = pickUp(stage, first);
    const process = member?.run?.process;
    if (member === undefined || process?.state !== 'running' || hasTwins(stage, state, member.name)) return 'missed';
    process[how]();
    return () => process.wake();
  };

const disk: (begin: (member: SimMember, how: number) => () => void) => Strike =
  (begin) =>
  (stage, { first, second }) => {
    const member = pickUp(stage, first);
    return member === undefined ? 'missed' : begin(member, second);
  };

/** Whether it has obeyed the newest table. */
function isUpToDate({ registrar }: Stage, { run, disk: { isLost } }: SimMember): boolean {
  if (isLost) return true;
  const status = run?.isOver === false ? run.mesh?.status() : undefined;
  return status?.term === registrar.newest.term && status.epoch === registrar.newest.epoch;
}

const otherFile: (kind: 'newest' | 'old' | 'none') => Strike = (kind) => (stage, _fault, state) => {
  const { registrar } = stage;
  if (state.registrarBusy || registrar.running === undefined || stage.watch.moves === 0) return 'missed';
  if (hasAnyTwins(stage, state)) return 'missed';
  if (kind === 'old' && !registrar.hasOldCopy) return 'missed';
  // Who does not know that a file is old would be believed if it came first (DECISIONS.md).
  if (kind === 'old' && !stage.members.every((member) => isUpToDate(stage, member))) return 'missed';
  state.registrarBusy = true;
  registrar.kill();
  if (kind !== 'newest') {
    registrar.start(kind);
    state.registrarFile = kind;
    stage.setStarting(kind !== 'old');
  }
  return () => {
    registrar.kill();
    registrar.start('newest');
    state.registrarBusy = false;
    state.registrarFile = 'newest';
    stage.setStarting(true);
    state.registrarSinceMs = stage.world.nowMs();
  };
};

/** Whether only this member has the newest of a slot of which others have older copies: to lose it is outside the promise. */
function isNeeded(stage: Stage, { id }: SimMember): boolean {
  const isThere = (member: string): boolean => up(stage).some((other) => other.id === member);
  return stage.registrar.rows().some(({ copies, dropped }) => {
    if (!copies.some(({ member }) => member === id)) return false;
    return dropped.length > 0 && !copies.some(({ member }) => member !== id && isThere(member));
  });
}

const STRIKES: Readonly<Record<FaultKind, Strike>> = {
  crash(stage, { first }) {
    const member = pickUp(stage, first);
    if (member === undefined) return 'missed';
    member.kill();
    return () => member.start();
  },
  'lost-disk'(stage, { first, second }, state) {
    const member = pickUp(stage, first);
    if (member === undefined || up(stage).length <= MEMBERS_LEAST || isNeeded(stage, member)) return 'missed';
    state.unforgotten.add(member);
    if (second < 0.5) member.kill();
    member.disk.lose();
    return () => {
      member.kill();
      forget(stage, member, () => state.unforgotten.delete(member));
    };
  },
  'power-loss'(stage, { first, second }) {
    const member = pickUp(stage, first);
    if (member === undefined || member.kind === 'node') return 'missed';
    // What a relaxed disk alone holds may be lost with its power.
    const isAlone = stage.registrar
      .rows()
      .some(({ copies }) => copies.length < 2 && copies.some((copy) => copy.member === member.id));
    if (isAlone) return 'missed';
    member.kill();
    member.disk.loseTail(second * 2_000);
    return () => member.start();
  },
  freeze: still('freeze'),
  sleep: still('sleep'),
  cut(stage, fault) {
    const pair = pairUp(stage, fault);
    return pair === undefined ? 'missed' : cutBoth(stage, [[pair[0].name, pair[1].name]]);
  },
  'cut-one-way'(stage, fault) {
    const pair = pairUp(stage, fault);
    if (pair === undefined) return 'missed';
    const [{ name: from }, { name: to }] = pair;
    stage.paths.cut(from, to);
    return () => stage.paths.heal(from, to);
  },
  partition(stage, { first, second }, state) {
    if (hasAnyTwins(stage, state)) return 'missed';
    const all = [...stage.members.map(({ name }) => name), 'registrar'];
    const isThere = (index: number): boolean => (first + index * 0.618 + second * index) % 1 < 0.5;
    const here = all.filter((_, index) => !isThere(index));
    const there = all.filter((_, index) => isThere(index));
    return cutBoth(
      stage,
      here.flatMap((a) => there.map((b) => [a, b] as const)),
    );
  },
  'cut-registrar'(stage, { first, second }, state) {
    const member = pickUp(stage, first);
    if (member === undefined || hasTwins(stage, state, member.name)) return 'missed';
    if (second < 0.7) return cutBoth(stage, [[member.name, 'registrar']]);
    const [from, to] = second < 0.85 ? [member.name, 'registrar'] : ['registrar', member.name];
    stage.paths.cut(from, to);
    return () => stage.paths.heal(from, to);
  },
  'lost-links'(stage, fault) {
    const pair = pairUp(stage, fault);
    const [a, b] = pair ?? [];
    if (a?.run === undefined || b?.run === undefined) return 'missed';
    if (fault.second < 0.5) stage.network.lose(a.run.process, b.run.process, fault.forMs);
    else stage.network.loseAll(a.run.process, fault.forMs);
    return nothing;
  },
  flaky(stage, { first, second }) {
    let isOver = false;
    const draw = stage.world.random(`flaky ${first}`);
    const again = (): void => {
      if (isOver) return;
      const run = pickUp(stage, draw.next())?.run;
      if (run !== undefined) stage.network.loseAll(run.process, 100);
      stage.world.after(draw.between(50, 200 + second * 1_500), again);
    };
    again();
    return () => {
      isOver = true;
    };
  },
  'slow-link'(stage, fault) {
    const pair = pairUp(stage, fault);
    if (pair === undefined) return 'missed';
    const [{ name: from }, { name: to }] = pair;
    stage.paths.slow(from, to, fault.second * 1_500);
    return () => stage.paths.slow(from, to, 0);
  },
  'registrar-restart': otherFile('newest'),
  'registrar-old-file': otherFile('old'),
  'registrar-no-file': otherFile('none'),
  'registrar-freeze'(stage, _fault, state) {
    const { running } = stage.registrar;
    if (running === undefined || state.registrarBusy || hasAnyTwins(stage, state)) return 'missed';
    state.registrarBusy = true;
    running.process.freeze();
    return () => {
      running.process.wake();
      state.registrarBusy = false;
      state.registrarSinceMs = stage.world.nowMs();
    };
  },
  join(stage, _fault, state) {
    const present = stage.members.filter(({ disk: { isLost } }) => !isLost);
    // A member that knows no mesh makes a new one where there is no table: no business of the old one.
    if (present.length >= MEMBERS_MOST || state.registrarFile === 'none') return 'missed';
    stage.newMember().start();
    return nothing;
  },
  leave(stage, { first, second }) {
    const member = pickUp(stage, first);
    if (member === undefined || up(stage).length <= MEMBERS_LEAST) return 'missed';
    member.leave(second < 0.7);
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
  'wall-step'(stage, { first, second }) {
    const member = pickUp(stage, first);
    const sign = second < 0.5 ? -1 : 1;
    member?.stepWall(sign * second * 10_800_000);
    return member === undefined ? 'missed' : nothing;
  },
  twin(stage, { first }, state) {
    const member = pickUp(stage, first);
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
};
