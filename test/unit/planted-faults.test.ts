import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MUTANTS } from '../sim/mutant-list.ts';

test.each(MUTANTS)('the place of $name is there, once', ({ file, text, replacement }) => {
  const parts = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split(text);

  expect(parts).toHaveLength(2);
  expect(replacement).not.toBe(text);
});

test('each planted fault has a name of its own', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
