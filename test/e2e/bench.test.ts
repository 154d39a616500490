// Every row of the benchmark at its smallest: it must run; what it measures then means nothing.

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ROWS } from '../bench/rows.ts';
import { createStage, root } from './support.ts';

const NAMES = ROWS.map(({ name }) => name);

interface Report {
  readonly results: readonly {
    readonly row: string;
    readonly error?: string;
    readonly lines?: readonly { readonly figure: { readonly median: number | null } }[];
  }[];
}

const stage = createStage();
afterAll(() => stage.close());

async function bench(...args: readonly string[]) {
  const command = ['--conditions=source', '--import', 'tsx', join(root, 'test/bench/main.ts'), ...args];
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += String(part)));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output };
}

test('each row runs, and gives a number for each of its lines', { timeout: 600_000 }, async () => {
  const json = join(await stage.folder(), 'bench.json');
  const { code, output } = await bench('--smallest', '--json', json);
  expect(code, output).toBe(0);

  const { results } = JSON.parse(await readFile(json, 'utf8')) as Report;
  expect(results.map(({ row }) => row)).toEqual(NAMES);
  for (const { row, lines = [] } of results) {
    expect(lines.length, row).toBeGreaterThan(0);
    for (const { figure } of lines) expect(figure.median, row).toEqual(expect.any(Number));
  }
});

test('a name that is none is told with those that are', async () => {
  const { code, output } = await bench('get-nothing');

  expect(code).toBe(2);
  expect(output).toContain(`There is no row get-nothing; there are ${NAMES.join(', ')}.`);
});
