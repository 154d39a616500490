// Faults of the network: paths that are cut, slow or lose their channels.

import type { Strike } from './strike-parts.ts';
import { hasAnyTwins, hasTwins, nothing, pairUp, pickUp } from './strike-parts.ts';
import type { Stage } from './stage.ts';

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

export const networkStrikes = {
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
  'cut-registrar'(stage, fault, state) {
    const member = pickUp(stage, fault);
    if (member === undefined || hasTwins(stage, state, member.name)) return 'missed';
    if (fault.second < 0.5) return cutBoth(stage, [[member.name, 'registrar']]);
    const [from, to] = fault.second < 0.65 ? [member.name, 'registrar'] : ['registrar', member.name];
    stage.paths.cut(from, to);
    return () => stage.paths.heal(from, to);
  },
  /** From everybody; members and registrar come back one after the other. */
  isolate(stage, fault, state) {
    const member = pickUp(stage, fault);
    if (member === undefined || hasTwins(stage, state, member.name)) return 'missed';
    const { name } = member;
    const others = stage.members.flatMap((other) => (other === member ? [] : [[name, other.name] as const]));
    const healMembers = cutBoth(stage, others);
    const healRegistrar = cutBoth(stage, [[name, 'registrar']]);
    const [sooner, later] = fault.second < 0.7 ? [healMembers, healRegistrar] : [healRegistrar, healMembers];
    return () => {
      sooner();
      stage.world.after(fault.second * 8_000, later);
    };
  },
  /** From the registrar and some of the others. */
  'half-cut'(stage, fault, state) {
    const member = pickUp(stage, fault);
    if (member === undefined || hasTwins(stage, state, member.name)) return 'missed';
    const others = stage.members.filter((other, index) => other !== member && (index * 0.618 + fault.second) % 1 < 0.5);
    return cutBoth(
      stage,
      ['registrar', ...others.map(({ name }) => name)].map((name) => [member.name, name] as const),
    );
  },
  'lost-links'(stage, fault) {
    const pair = pairUp(stage, fault);
    const [a, b] = pair ?? [];
    if (a?.run === undefined || b?.run === undefined) return 'missed';
    if (fault.second < 0.5) stage.network.lose(a.run.process, b.run.process, fault.forMs);
    else stage.network.loseAll(a.run.process, fault.forMs);
    return nothing;
  },
  flaky(stage, fault) {
    let isOver = false;
    const draw = stage.world.random(`flaky ${fault.first}`);
    const again = (): void => {
      if (isOver) return;
      const run = pickUp(stage, { ...fault, first: draw.next() })?.run;
      if (run !== undefined) stage.network.loseAll(run.process, 100);
      stage.world.after(draw.between(50, 200 + fault.second * 1_500), again);
    };
    again();
    return () => {
      isOver = true;
    };
  },
  'slow-link'(stage, fault) {
    const pair = pairUp(stage, fault);
    if (pair === undefined) return 'missed';
    const [{ name }, other] = pair;
    const isRegistrar = (fault.second * 10) % 1 < 0.4;
    const to = isRegistrar ? 'registrar' : other.name;
    stage.paths.slow(name, to, fault.second * 1_500);
    if (isRegistrar) stage.paths.slow(to, name, fault.second * 1_500);
    return () => {
      stage.paths.slow(name, to, 0);
      stage.paths.slow(to, name, 0);
    };
  },
} satisfies Readonly<Record<string, Strike>>;
