import { expect, test } from 'vitest';
import { lackingIn } from './coverage.ts';
import { FAULT_KINDS } from './faults.ts';
import { isBrokenPromise } from './report.ts';
import type { Outcome } from './seed-pool.ts';

const good = (seed: number): Outcome => ({
  seed,
  line: '',
  text: undefined,
  struck: FAULT_KINDS.map((kind) => [kind, 1] as const),
  counts: { ok: 100, failed: 0, unknown: 0 },
  answered: 0.8,
  takeOvers: 1,
  spentMs: 500,
});
const seeds = (count: number, change: (outcome: Outcome, index: number) => Partial<Outcome> = () => ({})): Outcome[] =>
  Array.from({ length: count }, (_, index) => ({ ...good(index + 1), ...change(good(index + 1), index) }));

test('seeds in which everything happens lack nothing', () => {
  expect(lackingIn(seeds(10))).toEqual([]);
});

test('a kind of fault that strikes in fewer than one of five is missed', () => {
  const withTwins = (count: number): Outcome[] =>
    seeds(10, ({ struck }, index) => (index < count ? {} : { struck: struck.filter(([kind]) => kind !== 'twin') }));

  expect(lackingIn(withTwins(2))).toEqual([]);
  expect(lackingIn(withTwins(1))).toEqual(['twin struck in 1 of 10 seeds, which is fewer than 20 %.']);
});

test('take-overs in fewer than four of five are too few', () => {
  expect(lackingIn(seeds(10, (_, index) => ({ takeOvers: index < 8 ? 2 : 0 })))).toEqual([]);
  expect(lackingIn(seeds(10, (_, index) => ({ takeOvers: index < 7 ? 2 : 0 })))).toEqual([
    'Take-overs happened in 7 of 10 seeds, which is fewer than 80 %.',
  ]);
});

test('seeds in which little was answered are not worth much', () => {
  expect(lackingIn(seeds(10, (_, index) => ({ answered: index === 4 ? 0.4 : 0.9 })))).toEqual([]);
  expect(lackingIn(seeds(10, () => ({ answered: 0.79 })))).toEqual([
    '79 % of the operations outside cut-off members were answered, which is less than 80 %.',
  ]);
});

test.each([
  ['k3 is not linearizable\n  …', true],
  ['the copies of slot 3 at ada, ben differ', true],
  ['12.0: ada.1 answers value (k1 to ben.1) of slot 3, which ben.1 owns (epoch 4)', true],
  ['not whole 90 s after the faults: ada is not in', false],
  ['a part threw: Error', false],
  ['nobody handles Error', false],
  ['k3: not decided after 100 states', false],
  ['ada.1 logged listenerThrew: Error', false],
  ['ada has 40 timers in peace', false],
])('"%s" is a broken promise: %s', (finding, isBroken) => {
  expect(isBrokenPromise(finding)).toBe(isBroken);
});
