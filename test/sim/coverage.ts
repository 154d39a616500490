// Whether seeds were worth running: what struck how often, how many take-overs there were, and how much of
// the load was answered.

import { FAULT_KINDS } from './faults.ts';
import type { Outcome } from './seed-pool.ts';

/** Seeds in which each kind of fault strikes, at least. */
const STRUCK_LEAST = 1 / 5;
/** It waits until every member knows that the file is old, and often waits in vain. */
const OLD_FILE_LEAST = 1 / 10;
const TAKEN_OVER_LEAST = 4 / 5;
/** Operations outside cut-off members that are answered, on average of the seeds. */
const ANSWERED_LEAST = 0.8;

/** One sentence for each thing that lacks; none if the seeds are worth something. */
export function lackingIn(outcomes: readonly Outcome[]): readonly string[] {
  const rare = FAULT_KINDS.filter((kind) => seedsWith(outcomes, kind) < leastOf(kind) * outcomes.length);
  const takenOver = outcomes.filter(({ takeOvers }) => takeOvers > 0).length;
  const answeredPart = mean(outcomes.map(({ answered }) => answered));
  return [
    ...rare.map(
      (kind) =>
        `${kind} struck in ${seedsWith(outcomes, kind)} of ${outcomes.length} seeds, which is fewer than ${percent(leastOf(kind))}.`,
    ),
    ...(takenOver < TAKEN_OVER_LEAST * outcomes.length
      ? [
          `Take-overs happened in ${takenOver} of ${outcomes.length} seeds, which is fewer than ${percent(TAKEN_OVER_LEAST)}.`,
        ]
      : []),
    ...(answeredPart < ANSWERED_LEAST
      ? [
          `${percent(answeredPart)} of the operations outside cut-off members were answered, which is less than ${percent(ANSWERED_LEAST)}.`,
        ]
      : []),
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
    `${all} operations, ${percent(ok / all)} of them answered; outside cut-off members ${percent(mean(outcomes.map(({ answered }) => answered)))} on average, ${percent(worst?.answered ?? 0)} at worst (seed ${worst?.seed ?? 'none'})`,
    `take-overs in ${outcomes.filter(({ takeOvers }) => takeOvers > 0).length} seeds, ${sum(({ takeOvers }) => takeOvers)} in all`,
    `seeds by faults: ${faults.map(([kind, count]) => `${kind} in ${count}`).join(', ')}`,
    `${(sum(({ spentMs }) => spentMs) / outcomes.length).toFixed(0)} ms of processor time a seed, ${longest.toFixed(0)} at most`,
  ].join('\n');
}

function leastOf(kind: string): number {
  return kind === 'registrar-old-file' ? OLD_FILE_LEAST : STRUCK_LEAST;
}

function seedsWith(outcomes: readonly Outcome[], kind: string): number {
  return outcomes.filter(({ struck }) => struck.some(([each]) => each === kind)).length;
}

/** Rounded: sums of tenths are none. */
function mean(parts: readonly number[]): number {
  return Math.round((1e6 * parts.reduce((sum, part) => sum + part, 0)) / parts.length) / 1e6;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
}
