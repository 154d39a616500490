import { expect, test } from 'vitest';
import { weightOf } from '../../../peer/src/weight.ts';

const MiB = 1024 * 1024;

test.each([
  ['two for each worker', { workers: 1, freeBytes: Number.MAX_SAFE_INTEGER }, 2],
  ['two for each worker, and sixteen at most', { workers: 8, freeBytes: Number.MAX_SAFE_INTEGER }, 16],
  ['one without workers', { workers: 0, freeBytes: Number.MAX_SAFE_INTEGER }, 1],
  ['no more than fits', { workers: 8, freeBytes: 3 * 256 * MiB + 5 }, 3],
  ['one with hardly any room', { workers: 8, freeBytes: 20 * MiB }, 1],
])('gives %s', (_what, gives, weight) => {
  expect(weightOf(gives)).toBe(weight);
});
