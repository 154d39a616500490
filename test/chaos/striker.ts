// Which fault strikes when: one every few seconds, in rounds of all kinds in an order by the seed. One that
// can't strike yet waits, and meanwhile only stops of a moment strike, which nobody may notice.

import { createSeededRandom } from '../sim/seeded-random.ts';
import type { Cast } from './cast.ts';
import { type Failover, type FaultKind, FAULTS, type Strike } from './faults.ts';
import { nowMs, pause } from './load.ts';
import { readTable } from './table.ts';

export interface StrikerOptions {
  readonly cast: Cast;
  readonly seed: number;
  /** It goes on for so long at least, */
  readonly minutes: number;
  /** and until each kind has struck so often, unless that takes a quarter longer. */
  readonly strikesEach: number;
  readonly everyMs: number;
  readonly kinds: readonly FaultKind[];
  /** Not in an order by the seed. */
  readonly inOrder: boolean;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface Strikes {
  readonly struck: ReadonlyMap<FaultKind, number>;
  readonly failovers: readonly Failover[];
  readonly longestGapMs: number;
}

const LOOK_MS = 100;
const ENDED_REST_MS = 1_000;
const OF_A_MOMENT: readonly FaultKind[] = ['member stopped for a moment', 'tab stopped for a moment'];

/** Resolves when all that was struck is back. */
export async function strikeOn(options: StrikerOptions): Promise<Strikes> {
  const { cast, kinds, everyMs, signal, log } = options;
  const { next } = createSeededRandom(options.seed);
  const struck = new Map<FaultKind, number>();
  const failovers: Failover[] = [];
  const open = new Set<Promise<void>>();
  const failed: unknown[] = [];
  const beganMs = nowMs();
  let round = options.inOrder ? [...kinds] : shuffled(kinds, next);
  let lastMs = beganMs;
  let longestGapMs = 0;

  const strike: Strike = {
    cast,
    next,
    signal,
    onFailover: (failover) => {
      const { answered, slots, halfMs, lastMs: last } = failover;
      failovers.push(failover);
      log(
        `    ${answered} of ${slots} slots acknowledge again: half by ${halfMs.toFixed(0)} ms, all by ${last.toFixed(0)}`,
      );
    },
  };
  const carryOut = async (kind: FaultKind): Promise<void> => {
    try {
      if (await FAULTS[kind].strike(strike)) struck.set(kind, (struck.get(kind) ?? 0) + 1);
      else round.push(kind);
    } catch (error) {
      failed.push(error);
    }
  };
  const isEnough = (): boolean => {
    const minutes = (nowMs() - beganMs) / 60_000;
    const hasEach = kinds.every((kind) => (struck.get(kind) ?? 0) >= options.strikesEach);
    return minutes >= options.minutes && (hasEach || (options.minutes > 0 && minutes >= options.minutes * 1.25));
  };

  while (!signal.aborted && failed.length === 0 && !isEnough()) {
    await pause(LOOK_MS, signal);
    await restartEnded(cast);
    if (nowMs() - lastMs < everyMs) continue;
    const file = await readTable(cast.registrar.data);
    const may = (kind: FaultKind): boolean => FAULTS[kind].may(cast, file);
    const kind = round.find(may) ?? OF_A_MOMENT.find((each) => kinds.length > 1 && may(each));
    if (kind === undefined) continue;
    round = round.filter((each) => each !== kind);
    longestGapMs = Math.max(longestGapMs, nowMs() - lastMs);
    lastMs = nowMs();
    const lacking = cast.slotsNotWhole(file);
    log(`${seconds(lastMs - beganMs)} s  ${kind}${lacking > 0 ? ` (${lacking} slots not whole)` : ''}`);
    const work = carryOut(kind).finally(() => open.delete(work));
    open.add(work);
    if (round.length === 0 && !options.inOrder) round = shuffled(kinds, next);
  }
  await Promise.all(open);
  await restartEnded(cast);
  if (failed.length > 0) throw new AggregateError(failed, 'A fault could not be carried out.');
  return { struck, failovers, longestGapMs };
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1).padStart(6);
}

/** As whoever supervises them would. */
async function restartEnded(cast: Cast): Promise<void> {
  const ended = cast.nodes.filter(({ hasEnded }) => hasEnded);
  if (ended.length === 0 || !cast.registrar.isUp) return;
  await pause(ENDED_REST_MS);
  await Promise.all(ended.map((member) => member.start(cast.registrar.url)));
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  return items
    .map((item) => ({ item, place: next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
