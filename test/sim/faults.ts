// What goes wrong: a plan drawn from the seed before anything runs, so that a failing run can be tried
// again with some of it left out. Each fault strikes at its time, if it can, and ends by itself.

import type { Moment } from './moments.ts';
import type { Draw } from './world.ts';

export const FAULT_KINDS = [
  'crash',
  'lost-disk',
  'power-loss',
  'freeze',
  'sleep',
  'cut',
  'cut-one-way',
  'partition',
  'cut-registrar',
  'isolate',
  'half-cut',
  'lost-links',
  'flaky',
  'slow-link',
  'registrar-restart',
  'registrar-old-file',
  'registrar-no-file',
  'registrar-freeze',
  'join',
  'leave',
  'slow-disk',
  'disk-errors',
  'disk-full',
  'wall-step',
  'twin',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** Drawn beforehand, for whatever the kind needs: 0 to 1. */
  readonly first: number;
  readonly second: number;
  /** It waits for such a moment after its time, and strikes who is concerned. */
  readonly aim?: Moment;
}

/** How often a kind is drawn, and for how long it lasts. */
const PLAN: Readonly<
  Record<FaultKind, { readonly weight: number; readonly leastMs: number; readonly mostMs: number }>
> = {
  crash: { weight: 6, leastMs: 50, mostMs: 8_000 },
  'power-loss': { weight: 4, leastMs: 50, mostMs: 8_000 },
  'lost-disk': { weight: 4, leastMs: 1_000, mostMs: 8_000 },
  freeze: { weight: 5, leastMs: 100, mostMs: 14_000 },
  sleep: { weight: 4, leastMs: 500, mostMs: 20_000 },
  cut: { weight: 4, leastMs: 100, mostMs: 20_000 },
  'cut-one-way': { weight: 4, leastMs: 100, mostMs: 12_000 },
  partition: { weight: 3, leastMs: 500, mostMs: 12_000 },
  isolate: { weight: 6, leastMs: 500, mostMs: 9_000 },
  'half-cut': { weight: 4, leastMs: 500, mostMs: 15_000 },
  'cut-registrar': { weight: 4, leastMs: 500, mostMs: 15_000 },
  flaky: { weight: 3, leastMs: 2_000, mostMs: 12_000 },
  'lost-links': { weight: 4, leastMs: 0, mostMs: 4_000 },
  'slow-link': { weight: 3, leastMs: 1_000, mostMs: 15_000 },
  'registrar-restart': { weight: 4, leastMs: 50, mostMs: 8_000 },
  'registrar-old-file': { weight: 1, leastMs: 1_000, mostMs: 5_000 },
  'registrar-no-file': { weight: 1, leastMs: 1_000, mostMs: 5_000 },
  'registrar-freeze': { weight: 2, leastMs: 500, mostMs: 8_000 },
  join: { weight: 4, leastMs: 0, mostMs: 0 },
  leave: { weight: 5, leastMs: 100, mostMs: 6_000 },
  'slow-disk': { weight: 3, leastMs: 1_000, mostMs: 10_000 },
  'disk-errors': { weight: 3, leastMs: 200, mostMs: 3_000 },
  'disk-full': { weight: 3, leastMs: 1_000, mostMs: 8_000 },
  'wall-step': { weight: 3, leastMs: 0, mostMs: 0 },
  twin: { weight: 2, leastMs: 0, mostMs: 0 },
};

/**
 * About half of all kinds in that time, each once, and more of some; some seeds have a storm of joins and
 * leaves, or of crashes, as well.
 */
export function drawPlan(draw: Draw, fromMs: number, toMs: number): readonly Fault[] {
  const often = FAULT_KINDS.flatMap((kind) => Array.from({ length: PLAN[kind].weight }, () => kind));
  const faultOf = (kind: FaultKind, atMs: number): Fault => ({
    kind,
    atMs,
    forMs: drawLength(draw, kind),
    first: draw.next(),
    second: draw.next(),
    ...(draw.chance(0.4) ? { aim: draw.pick(['proposal', 'row'] as const) } : {}),
  });
  const once = shuffled(draw, FAULT_KINDS).slice(0, draw.whole(8, 14));
  const more = Array.from({ length: draw.whole(0, draw.pick([4, 12, 18])) }, () => draw.pick(often));
  const faults = [...once, ...more].map((kind) => faultOf(kind, draw.between(fromMs, toMs)));
  // A death or a stop that others notice, early, while there is somebody to take over.
  const { aim: _, ...end } = faultOf(draw.pick(['crash', 'crash', 'freeze'] as const), fromMs + draw.between(0, 1_000));
  faults.push({ ...end, forMs: draw.between(6_000, 9_000) });
  // These need a mesh that is whole.
  if (draw.chance(0.3))
    faults.push(
      faultOf(
        draw.pick(['twin', 'registrar-old-file', 'registrar-old-file'] as const),
        fromMs + draw.between(0, 3_000),
      ),
    );
  if (draw.chance(0.3)) {
    const atMs = draw.between(fromMs, toMs);
    const storm = draw.pick([['join', 'leave'], ['crash'], ['lost-links', 'freeze']] as const);
    for (let number = 0; number < 6; number += 1) faults.push(faultOf(draw.pick(storm), atMs + draw.between(0, 1_500)));
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

function shuffled<T>(draw: Draw, from: readonly T[]): readonly T[] {
  return from
    .map((each) => ({ each, place: draw.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ each }) => each);
}

/** Any time that suits the kind, and often one about as long as the protocol waits for anything. */
function drawLength(draw: Draw, kind: FaultKind): number {
  const { leastMs, mostMs } = PLAN[kind];
  const any = draw.between(leastMs, mostMs);
  const telling = draw.between(2_000, 6_500);
  return mostMs > 6_500 && draw.chance(0.5) ? telling : any;
}

export function formatFault({ kind, atMs, forMs, first, second, aim }: Fault): string {
  return `${atMs.toFixed(1).padStart(9)} ${kind} for ${forMs.toFixed(0)} ms (${first.toFixed(3)}, ${second.toFixed(3)})${aim === undefined ? '' : ` at a ${aim}`}`;
}
