// A seed is the same in every process, and one that fails says all that it takes to look for the bug. (The
// seeds themselves: `npm run soak` and `npm run sim:share`.)

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

/** A crude one: no value is ever found. */
const NOTHING_FOUND = {
  file: 'peer/src/store/reads.ts',
  text: 'if (record?.value !== undefined) {',
  replacement: 'if (record?.value !== undefined && frame.id.length === 0) {',
};

test('a seed is the same in two processes', async () => {
  const soak = ['soak.ts', '--from', '4', '--seeds', '3', '--processes', '1', '--lines'];
  const [first, second] = await Promise.all([runProgram(soak), runProgram(soak)]);

  const seeds = ({ printed }: Ended): readonly string[] => printed.split('\n').filter((line) => /^seed \d/.test(line));
  expect(seeds(first)).toHaveLength(3);
  expect(seeds(first).every((line) => /events, [0-9a-f]{16};/.test(line))).toBe(true);
  expect(seeds(second)).toEqual(seeds(first));
});

test('a seed that fails is told with its number, the fewest faults and the history of the key', async () => {
  const { code, printed } = await runProgram(['run.ts', '--seed', '1'], NOTHING_FOUND);

  expect(code).toBe(1);
  expect(printed).toMatch(/^seed 1 FAILED/);
  // None is needed for this one.
  expect(printed).toMatch(/Faults:\nk\d+ is not linearizable\n/);
  expect(printed).toMatch(/\n +[\d.]+ to +[\d.]+ .* put .* done\n/);
  expect(printed).toMatch(/nothing explains one of\n +[\d.]+ to .* get +read absent/);
});

test('a fault whose place is not found ends the process', async () => {
  const { code, complaint } = await runProgram(['run.ts', '--seed', '1'], { ...NOTHING_FOUND, text: 'no such text' });

  expect(code).not.toBe(0);
  expect(complaint).toContain('peer/src/store/reads.ts has 0 times: no such text');
});

interface Ended {
  readonly code: number;
  readonly printed: string;
  readonly complaint: string;
}

function runProgram([program = '', ...args]: readonly string[], planted?: typeof NOTHING_FOUND): Promise<Ended> {
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const plant = planted === undefined ? [] : ['--import', here('plant.mjs')];
  const env = { ...process.env, ...(planted === undefined ? {} : { SHOAL_PLANT: JSON.stringify(planted) }) };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=source', ...plant, '--import', 'tsx', here(program), ...args],
      { env },
      (error, printed, complaint) => resolve({ code: error === null ? 0 : Number(error.code), printed, complaint }),
    );
  });
}
