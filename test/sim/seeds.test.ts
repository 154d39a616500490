// Seeds of the simulation, and those that once broke a promise. `SIM_SEEDS` says how many, `SIM_FROM` from which on.

import { expect, test } from 'vitest';
import { formatReport } from './report.ts';
import { simulate } from './simulation.ts';

const COUNT = Number(process.env['SIM_SEEDS'] ?? 20);
const FROM = Number(process.env['SIM_FROM'] ?? 1);

/** Each with what it found. */
const PAST: Readonly<Record<number, string>> = {
  1: 'slots were revived before the older process of their owner had stopped',
  7: 'a timer that fires early must not be asked for again and again',
  105: 'a put on its own member that ran out of time was said not to have happened',
};

test.each(Array.from({ length: COUNT }, (_, number) => FROM + number))('seed %i keeps every promise', async (seed) => {
  const report = await simulate({ seed });

  expect(report.findings, formatReport(report)).toEqual([]);
});

test.each(Object.entries(PAST))('seed %s: %s', async (seed) => {
  const report = await simulate({ seed: Number(seed) });

  expect(report.findings, formatReport(report)).toEqual([]);
});

test('a seed is the same each time', async () => {
  const [first, second] = [await simulate({ seed: 4 }), await simulate({ seed: 4 })];

  expect(second.hash).toBe(first.hash);
  expect(second.delivered).toBe(first.delivered);
});
