// A row of the benchmark: what is measured, against what, and what it should be.

import type { Bench, Place } from './bench.ts';
import { median, middleMean } from './figures.ts';

export interface Row {
  readonly name: string;
  readonly title: string;
  /** What it shows, and what it does not. */
  readonly shows: string;
  run(bench: Bench): Promise<readonly Line[]>;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Goal {
  /** Of the ratio to the limit where there is one, else of the figure itself. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One figure, with its limit of the same run. */
export interface Line {
  readonly what: string;
  readonly unit: 'µs' | 'ms' | 's' | 'MB/s' | 'MiB' | '/s' | 'slots';
  readonly figure: Spread;
  readonly limit?: Spread;
  readonly against?: string;
  readonly ratio?: number;
  readonly goal?: Goal;
  /** Of a bare part: what the same gave on an idle machine when the parts were chosen. */
  readonly known?: number;
}

export function spreadOf(samples: readonly number[]): Spread {
  return { median: median(samples), least: Math.min(...samples), most: Math.max(...samples) };
}

/** Measures both in turns, so that what else the machine does strikes both. */
export async function inTurns(
  rounds: number,
  measure: { limit(round: number): Promise<number>; figure(round: number): Promise<number> },
): Promise<{ readonly limit: Spread; readonly figure: Spread; readonly ratio: number }> {
  const limits: number[] = [];
  const figures: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    limits.push(await measure.limit(round));
    figures.push(await measure.figure(round));
  }
  const [limit, figure] = [spreadOf(limits), spreadOf(figures)];
  return { limit, figure, ratio: figure.median / limit.median };
}

/** A page's clock tells time in steps of 100 µs. */
export function middle(place: Place, samples: readonly number[]): number {
  return place === 'Node to Node' ? median(samples) : middleMean(samples);
}

export function isMet({ figure, ratio, goal }: Line): boolean | undefined {
  if (goal?.atMost === undefined && goal?.atLeast === undefined) return undefined;
  const value = ratio ?? figure.median;
  return value <= (goal.atMost ?? Infinity) && value >= (goal.atLeast ?? -Infinity);
}

/** A bare part that falls so far behind what it gave before makes every ratio of the run doubtful. */
const LEAST_OF_KNOWN = 0.8;

export function isDoubtful({ unit, figure, known }: Line): boolean {
  if (known === undefined) return false;
  const share = unit === 'µs' ? known / figure.median : figure.median / known;
  return !(share >= LEAST_OF_KNOWN);
}
