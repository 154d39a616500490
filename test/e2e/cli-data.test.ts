import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStage, cpuMsOf, type Done, type PeerRunning, root } from './support.ts';

const stage = createStage();
const flightsFile = join(root, 'node_modules/vega-datasets/data/flights-200k.json');
const ROWS_OF_CHUNK = 8_192;
let url: string;
let folder: string;
let peers: readonly PeerRunning[] = [];

interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

beforeAll(async () => {
  ({ url } = await stage.startServer());
  folder = await stage.folder();
  peers = await stage.startPeers(url, ['ada', 'ben', 'cleo'], { args: ['--workers', '2'] });
  expect(await shoal('load', flightsFile, '--name', 'flights')).toMatchObject({ code: 0, stdout: '' });
});
afterAll(() => stage.close());

const shoal = (verb: string, ...args: string[]): Promise<Done> => stage.shoal([verb, '--join', url, ...args]);

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function flights(): Promise<readonly Flight[]> {
  return JSON.parse(await readFile(flightsFile, 'utf8')) as Flight[];
}

describe('load, datasets, drop', () => {
  test('show what was loaded', async () => {
    const datasets = JSON.parse((await shoal('datasets', '--json')).stdout) as unknown;

    expect(datasets).toMatchObject([
      {
        name: 'flights',
        rowCount: 200_000,
        chunkCount: 25,
        columns: [
          { name: 'delay', type: 'int' },
          { name: 'distance', type: 'int' },
          { name: 'time', type: 'float' },
        ],
      },
    ]);
    expect((await shoal('datasets')).stdout).toMatch(/^flights +200000 +3 +25 /m);
  });

  test('refuse a name that is there unless --replace', async () => {
    const small = await file('small.csv', 'a,b\n1,x\n2,y\n');
    expect((await shoal('load', small, '--name', 'small')).code).toBe(0);

    const again = await shoal('load', small, '--name', 'small');
    const replaced = await shoal('load', small, '--name', 'small', '--replace');

    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^[^\n]*small[^\n]*\n$/);
    expect(replaced.code).toBe(0);
  });

  test('drop removes the dataset with its chunks', async () => {
    const chunks = async (): Promise<number> =>
      (await shoal('ls', '~chunk/*')).stdout.split('\n').filter((line) => line !== '').length;
    const before = await chunks();
    await shoal('load', await file('gone.csv', 'a\n1\n'), '--name', 'gone');
    expect(await chunks()).toBe(before + 1);

    expect((await shoal('drop', 'gone')).code).toBe(0);

    expect(await chunks()).toBe(before);
    expect(await shoal('drop', 'gone')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^[^\n]*gone[^\n]*\n$/),
    });
  });

  test('a value that does not fit is counted with its line, and --text-column keeps it', async () => {
    // More than the samples at start, middle and end see: the types are told without that line.
    const lines = ['n', ...Array.from({ length: 600_000 }, (_, index) => `${index}`)];
    lines[450_000] = 'many';
    const path = await file('unfit.csv', `${lines.join('\n')}\n`);

    const loaded = await shoal('load', path, '--name', 'unfit');
    const asText = await shoal('load', path, '--name', 'unfit', '--replace', '--text-column', 'n', '--json');

    expect(loaded.code).toBe(0);
    expect(loaded.stderr).toMatch(/^1 value of "n" did not fit int and became missing, the first in line 450001;/m);
    expect(JSON.parse(asText.stdout)).toMatchObject({ columns: [{ name: 'n', type: 'string', unfit: 0 }] });
  });

  test('a broken line of NDJSON is counted and shown; the rest is loaded', async () => {
    const path = await file('broken.ndjson', '{"a":1}\n{"a":\n{"a":3}\n');

    const done = await shoal('load', path, '--name', 'broken');

    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/1 line could not be read, the first is line 2/);
  });

  test('a file that is not there, and one that is empty, are one sentence each', async () => {
    const missing = await shoal('load', '/no/such.csv', '--name', 'x');
    const empty = await shoal('load', await file('empty.csv', ''), '--name', 'x');

    expect(missing).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^[^\n]*\/no\/such\.csv[^\n]*\n$/),
    });
    expect(empty).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^[^\n]*empty[^\n]*\n$/) });
  });

  test('a load that is cancelled leaves nothing', async () => {
    const rows = Array.from({ length: 2_000_000 }, (_, index) => `${index},${index * 7}`).join('\n');
    const path = await file('long.csv', `a,b\n${rows}\n`);
    const before = (await shoal('ls', '~*')).stdout;
    const loading = stage.start(['load', '--join', url, path, '--name', 'long']);
    await expect
      .poll(async () => (await shoal('ls', '~chunk/*')).stdout.length, { timeout: 30_000 })
      .toBeGreaterThan(before.length);

    expect((await loading.stop('SIGINT')).code).toBe(1);

    expect((await shoal('ls', '~*')).stdout).toBe(before);
    expect((await shoal('datasets')).stdout).not.toContain('long');
  });
});

describe('run', () => {
  test('a filter gives the rows that a loop over the file gives, in their order', async () => {
    const udf = await file(
      'late.ts',
      'export default { filter: (row: { delay: number }, params: { over: number }) => row.delay > params.over };\n',
    );
    const out = join(folder, 'late.ndjson');

    const done = await shoal('run', udf, '--dataset', 'flights', '--params', '{"over":120}', '--out', out);

    expect(done).toMatchObject({ code: 0, stdout: '' });
    const expected = (await flights()).filter((flight) => flight.delay > 120);
    const rows = (await readFile(out, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Flight);
    expect(rows).toHaveLength(expected.length);
    expect(rows).toEqual(expected);
  });

  test('a filter to a pipe prints the same rows, and to .csv a table', async () => {
    const udf = await file('latest.js', 'export default { filter: (row) => row.delay > 900 };\n');
    const out = join(folder, 'latest.csv');
    const expected = (await flights()).filter((flight) => flight.delay > 900);

    const piped = await shoal('run', udf, '--dataset', 'flights');
    await shoal('run', udf, '--dataset', 'flights', '--out', out);

    expect(
      piped.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(expected);
    const lines = (await readFile(out, 'utf8')).trimEnd().split('\n');
    expect(lines).toEqual([
      'delay,distance,time',
      ...expected.map(({ delay, distance, time }) => `${delay},${distance},${time}`),
    ]);
  });

  test('an aggregate equals a loop: counts and extremes exactly, sums over the same chunks', async () => {
    const udf = await file(
      'sums.ts',
      `interface Sums { count: number; longest: number; shortest: number; time: number }
export default {
  init: (): Sums => ({ count: 0, longest: -Infinity, shortest: Infinity, time: 0 }),
  visit(sums: Sums, row: { delay: number; distance: number; time: number }) {
    sums.count += 1;
    sums.longest = Math.max(sums.longest, row.distance);
    sums.shortest = Math.min(sums.shortest, row.distance);
    sums.time += row.time;
  },
  join: (a: Sums, b: Sums): Sums => ({
    count: a.count + b.count,
    longest: Math.max(a.longest, b.longest),
    shortest: Math.min(a.shortest, b.shortest),
    time: a.time + b.time,
  }),
};
`,
    );

    const done = await shoal('run', udf, '--dataset', 'flights', '--json');
    const result = JSON.parse(done.stdout) as { output: unknown; tasks: readonly { member: string }[] };

    const all = await flights();
    let time = 0;
    for (let first = 0; first < all.length; first += ROWS_OF_CHUNK) {
      let sum = 0;
      for (const flight of all.slice(first, first + ROWS_OF_CHUNK)) sum += flight.time;
      time = first === 0 ? sum : time + sum;
    }
    const distances = all.map((flight) => flight.distance);
    expect(result.output).toEqual({
      kind: 'value',
      value: {
        count: all.length,
        longest: distances.reduce((a, b) => Math.max(a, b)),
        shortest: distances.reduce((a, b) => Math.min(a, b)),
        time,
      },
    });
    expect(result.tasks).toHaveLength(25);
    expect(new Set(result.tasks.map((task) => task.member)).size).toBe(3);
  });

  test('what a function prints comes home with member and line', async () => {
    const udf = await file(
      'prints.ts',
      `type Row = { delay: number };

export default {
  filter(row: Row) {
    if (row.delay === 1444) console.log('late', row);
    return false;
  },
};
`,
    );

    const done = await shoal('run', udf, '--dataset', 'flights', '--json');

    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^\[(ada|ben|cleo), line 5\] late \{ delay: 1444, distance: 1671, time: 23\.98/m);
    expect(JSON.parse(done.stdout)).toMatchObject({ output: { rowCount: 0, rows: [] }, logs: [{ line: 5 }] });
  });

  test('a row that throws ends the job, naming row number, row, member and line', async () => {
    const udf = await file(
      'throws.ts',
      `interface Row { delay: number }
function check(row: Row): void {
  if (row.delay > 500) throw new Error('too late');
}
export default { filter(row: Row) { check(row); return true; } };
`,
    );

    const done = await shoal('run', udf, '--dataset', 'flights');

    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(/too late/);
    expect(done.stderr).toMatch(/line 3/);
    expect(done.stderr).toMatch(/ada|ben|cleo/);
    const [, rowNumber] = /row (\d+)/i.exec(done.stderr) ?? [];
    expect((await flights())[Number(rowNumber)]?.delay).toBeGreaterThan(500);
    expect(done.stderr).not.toMatch(/node_modules|\n\s+at /);
  });

  test('--skip-errors counts them and shows the first twenty', async () => {
    const udf = await file(
      'one-in-a-thousand.js',
      "export default { filter(row) { if (row.delay % 1000 === 7) throw new Error('seven'); return false; } };\n",
    );
    const expected = (await flights()).filter((flight) => flight.delay % 1_000 === 7).length;

    const done = await shoal('run', udf, '--dataset', 'flights', '--skip-errors', '--json');
    const result = JSON.parse(done.stdout) as {
      failedRows: number;
      failures: readonly { rowNumber: number; message: string }[];
    };

    expect(done.code).toBe(0);
    expect(expected).toBeGreaterThan(20);
    expect(result.failedRows).toBe(expected);
    expect(result.failures).toHaveLength(20);
    const firstRows = (await flights())
      .flatMap((flight, index) => (flight.delay % 1_000 === 7 ? [index] : []))
      .slice(0, 20);
    expect(result.failures.map(({ rowNumber }) => rowNumber)).toEqual(firstRows);
  });

  test.each([
    ['a syntax error', 'export default (row) => {\n  return row..delay;\n};\n', /line 2|2:/],
    ['no default export', 'export const f = 1;\n', /default/],
    ['an outside variable', 'export default (row) => row.delay * factor;\n', /factor/],
    ['what only Node has', 'export default (row) => process.env;\n', /process/],
    ['an import', "import fs from 'node:fs';\nexport default (row) => row;\n", /import|node:fs/],
    ['a result that can not be cloned', 'export default (row) => ({ f: () => row });\n', /clone|function/i],
  ])('a function with %s is one sentence', async (_what, source, sentence) => {
    const done = await shoal('run', await file('bad.ts', source), '--dataset', 'flights');

    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(sentence);
    expect(done.stderr).not.toMatch(/node_modules|\n\s+at /);
  });

  test('after all these the same members answer', async () => {
    expect((await shoal('get', 'nobody')).stderr).toBe('The key "nobody" has no value.\n');
  });

  test('a dataset that is not there is named', async () => {
    const done = await shoal('run', await file('any.js', 'export default (row) => row;\n'), '--dataset', 'birds');

    expect(done).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^[^\n]*birds[^\n]*\n$/) });
  });

  test('Ctrl-C ends running code for certain, and the members go on', async () => {
    const udf = await file('endless.js', 'export default (row) => { for (;;); };\n');
    const running = stage.start(['run', '--join', url, udf, '--dataset', 'flights']);
    await new Promise((resolve) => setTimeout(resolve, 4_000));

    expect((await running.stop('SIGINT')).code).toBe(1);
    expect(running.stderr()).toContain('Cancelled.');
    // Six endless loops would take all of two cores; members that only beat take next to nothing.
    const cpuMs = (): number => peers.reduce((sum, peer) => sum + cpuMsOf(peer.pid), 0);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = cpuMs();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(cpuMs() - before).toBeLessThan(600);

    const counts = await file(
      'count.js',
      'export default { init: () => 0, visit: (n) => n + 1, join: (a, b) => a + b };\n',
    );
    expect((await shoal('run', counts, '--dataset', 'flights')).stdout).toBe('200000\n');
  });
});
