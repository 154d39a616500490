// Whether seeds were worth running: what struck how often, how many take-overs there were, and how much of
// the load was answered.

import { FAULT_KINDS } from './faults.ts';
import type { Outcome } from './seed-pool.ts';

/** Seeds in which each kind of fault strikes, at least. */
const STRUCK_LEAST = 1 / 5;
const TAKEN_OVER_LEAST = 4 / 5;
/** Operations outside cut-off members that are answered, in each seed. */
const ANSWERED_LEAST = 0.8;

/** One sentence for each thing that lacks; none if the seeds are worth something. */
export function lackingIn(outcomes: readonly Outcome[]): readonly string[] {
  const rare = FAULT_KINDS.filter((kind) => seedsWith(outcomes, kind) < STRUCK_LEAST * outcomes.length);
  const takenOver = outcomes.filter(({ takeOvers }) => takeOvers > 0).length;
  const unanswered = outcomes.filter(({ answered }) => answered < ANSWERED_LEAST);
  return [
    ...rare.map(
      (kind) =>
        `${kind} struck in ${seedsWith(outcomes, kind)} of ${outcomes.length} seeds, which is fewer than ${percent(STRUCK_LEAST)}.`,
    ),
    ...(takenOver < TAKEN_OVER_LEAST * outcomes.length
      ? [
          `Take-overs happened in ${takenOver} of ${outcomes.length} seeds, which is fewer than ${percent(TAKEN_OVER_LEAST)}.`,
        ]
      : []),
    ...unanswered.map(
      ({ seed, answered }) =>
        `In seed ${seed} ${percent(answered)} of the operations outside cut-off members were answered, which is fewer than ${percent(ANSWERED_LEAST)}.`,
    ),
  ];
}

export function summarize(outcomes: readonly Outcome[]): string {
  const failed = outcomes.flatMap(({ seed, text }) => (text === undefined ? [] : [seed])).toSorted((a, b) => a - b);
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const ok = sum(({ counts }) => counts.ok);
  const all = ok + sum(({ counts }) => counts.failed + counts.unknown);
  const longest = Math.max(...outcomes.map(({ spentMs }) => spentMs));
  const [worst] = outcomes.toSorted((a, b) => a.answered - b.answered);
  const faults = FAULT_KINDS.map((kind) => [kind, seedsWith(outcomes, kind)] as const).toSorted((a, b) => b[1] - a[1]);
  return [
    `${outcomes.length - failed.length} of ${outcomes.length} seeds passed${failed.length === 0 ? '' : `; failed: ${failed.join(' ')}`}`,
    `${all} operations, ${percent(ok / all)} of them answered; outside cut-off members at least ${percent(worst?.answered ?? 0)} in each seed (${worst?.seed ?? 'none'})`,
    `take-overs in ${outcomes.filter(({ takeOvers }) => takeOvers > 0).length} seeds, ${sum(({ takeOvers }) => takeOvers)} in all`,
    `seeds by faults: ${faults.map(([kind, count]) => `${kind} in ${count}`).join(', ')}`,
    `${(sum(({ spentMs }) => spentMs) / outcomes.length).toFixed(0)} ms of processor time a seed, ${longest.toFixed(0)} at most`,
  ].join('\n');
}

function seedsWith(outcomes: readonly Outcome[], kind: string): number {
  return outcomes.filter(({ struck }) => struck.some(([each]) => each === kind)).length;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
}
