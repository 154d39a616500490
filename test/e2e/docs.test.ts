// The README's examples as a reader runs them: the commands in their order, each function through
// `shoal run`, the program in Node. Results equal loops over the file that share no code with Shoal.

import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStage, freePort, root, until } from './support.ts';

const stage = createStage();
const text = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language = '', source = '']) => ({
  language,
  source,
}));
const functions = blocks.filter(({ language, source }) => language === 'ts' && source.includes('export default {'));
const programs = blocks.filter(({ language, source }) => language === 'ts' && source.includes('import { join }'));
const lines = blocks.filter(({ language }) => language === 'sh').flatMap(({ source }) => source.trim().split('\n'));
const birdsFile = join(root, 'node_modules/vega-datasets/data/birdstrikes.csv');

interface Strike {
  readonly state: string;
  readonly cost: number;
}

let url: string;
let folder: string;

beforeAll(async () => {
  folder = await stage.folder();
  await copyFile(birdsFile, join(folder, 'birdstrikes.csv'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  ({ url } = await stage.startServer({ peer: true }));
});
afterAll(() => stage.close());

test('the commands run in their order, and say what the README says', async () => {
  const commands = lines.filter((line) => line.startsWith('npx shoal '));
  const verbs = commands.map((line) => line.split(' ')[2]);
  expect(verbs).toEqual(['peer', 'load', 'run', 'put', 'get', 'ls', 'status']);
  await writeFile(join(folder, 'by-state.ts'), functionWith('map'));
  const said: string[] = [];

  for (const line of commands) {
    const args = argumentsOf(line);
    if (args[0] === 'peer') await stage.start(args, { cwd: folder }).line(/ joined /);
    else {
      const done = await stage.shoal(args, { cwd: folder });
      expect(done, line).toMatchObject({ code: 0 });
      said.push(done.stdout);
    }
  }

  const [, , , got, listed, status] = said;
  expect(got).toBe('hello');
  expect(listed).toBe('greeting\n');
  expect(status).toMatch(/node/);
});

test('--help names the verbs that the README names', async () => {
  const [, verbs = ''] = /names all verbs: `([^`]+)`/.exec(text) ?? [];
  const { stdout } = await promisify(execFile)('npx', ['shoal', '--help'], { cwd: root });

  const shown = [...stdout.matchAll(/^ {2}(\w+) .*\S/gm)].map(([, verb = '']) => verb);
  expect(shown.toSorted()).toEqual(verbs.split(' ').toSorted());
});

describe('each form of a function gives what a loop over the file gives', () => {
  beforeAll(async () => {
    const done = await stage.shoal(['load', '--join', url, birdsFile, '--name', 'strikes']);
    expect(done.code).toBe(0);
  });

  test('map', async () => {
    expect(await rowsOf('map')).toEqual((await strikes()).map(({ state, cost }) => ({ state, cost })));
  });

  test('filter', async () => {
    const expected = (await strikes()).filter(({ cost }) => cost > 10_000);
    const rows = (await rowsOf('filter')) as readonly Record<string, unknown>[];

    expect(expected.length).toBeGreaterThan(0);
    expect(rows.map((row) => ({ state: row['Origin State'], cost: row['Cost Total $'] }))).toEqual(expected);
  });

  test('aggregate', async () => {
    const sums: Record<string, number> = {};
    for (const { state, cost } of await strikes()) sums[state] = (sums[state] ?? 0) + cost;

    expect(await rowsOf('finish')).toEqual(Object.entries(sums).map(([state, cost]) => ({ state, cost })));
  });

  test('and there are no others', () => {
    expect(functions).toHaveLength(3);
  });
});

test('the program runs, and computes next to its value', async () => {
  expect(programs).toHaveLength(1);
  const shown = '\nconsole.log(JSON.stringify({ name, sum }));\n';
  await writeFile(join(folder, 'program.mjs'), withUrl(programs[0]?.source ?? '') + shown);

  const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder, timeout: 60_000 });

  expect(JSON.parse(stdout)).toEqual({ name: 'Ada', sum: 5 });
});

test('npm start is ready at the port and with the folder that the settings name, and ends with Ctrl-C', async () => {
  expect(lines).toContain('npm ci && npm start');
  const port = await freePort();
  const env = { ...process.env, PORT: `${port}`, SHOAL_DATA: join(folder, 'start') };
  const program = spawn('npm', ['start'], { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  program.stdout.on('data', (part: Buffer) => (out += part.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => {
    program.once('close', resolve);
  });
  try {
    await until(
      () => out.includes(`Shoal is ready: http://127.0.0.1:${port}/`),
      () => `npm start: ${out}`,
    );
  } finally {
    // As a terminal does: to all processes of the group.
    process.kill(-(program.pid ?? 0), 'SIGINT');
  }

  expect(await ended).toBe(0);
});

/** What `shoal run` gives with the README's function of that form. */
async function rowsOf(form: string): Promise<unknown> {
  const file = join(folder, `${form}.ts`);
  await writeFile(file, functionWith(form));
  const done = await stage.shoal(['run', '--join', url, file, '--dataset', 'strikes', '--json']);
  expect(done).toMatchObject({ code: 0 });
  const { output } = JSON.parse(done.stdout) as { output: { kind: string; rows?: unknown; value?: unknown } };
  return output.kind === 'table' ? output.rows : output.value;
}

function functionWith(form: string): string {
  return functions.find(({ source }) => source.includes(`  ${form}: (`))?.source ?? '';
}

function withUrl(source: string): string {
  return source.replaceAll('http://127.0.0.1:8080', url.replace(/\/$/, ''));
}

/** Of a line in a shell; quotes are single ones around a whole word. */
function argumentsOf(line: string): readonly string[] {
  const words = withUrl(line.replace('npx shoal ', '')).match(/'[^']*'|\S+/g) ?? [];
  return words.map((word) => word.replaceAll("'", ''));
}

/** The file has no quotes. */
async function strikes(): Promise<readonly Strike[]> {
  const [header = '', ...rows] = (await readFile(birdsFile, 'utf8')).split(/\r?\n/).filter((row) => row !== '');
  const names = header.split(',');
  const [state, cost] = [names.indexOf('Origin State'), names.indexOf('Cost Total $')];
  return rows.map((row) => {
    const cells = row.split(',');
    return { state: cells[state] ?? '', cost: Number(cells[cost]) };
  });
}
