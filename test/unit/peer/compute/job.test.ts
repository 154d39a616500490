import { isMeshError, type MeshError } from '@shoal/shared';
import type { JobProgress, LogLine } from '@shoal/peer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestMesh, numbered, type TestMesh } from './members.ts';

let mesh: TestMesh;

beforeAll(async () => {
  mesh = createTestMesh([2, 1, 1]);
  await mesh.load('numbers', numbered(1_000, 100));
}, 30_000);

afterAll(() => mesh.close());

const ada = () => mesh.members[0] ?? fail();

function fail(): never {
  throw new Error('no such member');
}

/** Milliseconds of this process's CPU within 200 ms. */
async function cpuOfWindow(): Promise<number> {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function errorOf(promise: Promise<unknown>): Promise<MeshError> {
  try {
    await promise;
  } catch (error) {
    if (isMeshError(error)) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

describe('a job over a dataset', () => {
  test('maps each row where it lies and leaves the rows there', async () => {
    const progress: JobProgress[] = [];

    const result = await ada().compute.run(
      'export default (row, params) => ({ n: row.n * params.by, label: row.name });',
      {
        dataset: 'numbers',
        params: { by: 2 },
        onProgress: (at) => progress.push(at),
      },
    );

    if (result.output.kind !== 'table') return fail();
    const { table } = result.output;
    expect(table.rowCount).toBe(1_000);
    expect(table.columns).toEqual([
      { name: 'n', type: 'int' },
      { name: 'label', type: 'string' },
    ]);
    expect(await table.rows(99, 3)).toEqual([
      { n: 198, label: 'row 99' },
      { n: 200, label: 'row 100' },
      { n: 202, label: 'row 101' },
    ]);
    expect(await table.rows(999, 10)).toEqual([{ n: 1_998, label: 'row 999' }]);
    expect(result.tasks.map(({ memberName }) => memberName)).toEqual([
      'ada',
      'ben',
      'cleo',
      'ada',
      'ben',
      'cleo',
      'ada',
      'ben',
      'cleo',
      'ada',
    ]);
    expect(progress.at(-1)).toEqual({
      tasks: 10,
      done: 10,
      members: [
        expect.objectContaining({ name: 'ada', tasks: 4, done: 4, rows: 400 }),
        expect.objectContaining({ name: 'ben', tasks: 3, done: 3, rows: 300 }),
        expect.objectContaining({ name: 'cleo', tasks: 3, done: 3, rows: 300 }),
      ],
    });
  });

  test('brings no chunk of the source to the submitter or any other', async () => {
    for (const { fetched } of mesh.members) fetched.length = 0;

    await ada().compute.run('export default { filter: (row) => row.n > 990 };', { dataset: 'numbers' });

    expect(mesh.members.flatMap(({ fetched }) => fetched).filter((key) => key.startsWith('~chunk/'))).toEqual([]);
  });

  test('puts the rows of the result into the slots of their chunks, and deletes them on close', async () => {
    const result = await ada().compute.run('export default { filter: (row) => row.n % 100 === 7 || row.n > 950 };', {
      dataset: 'numbers',
    });
    if (result.output.kind !== 'table') return fail();
    const keys = [...mesh.stored.keys()].filter((key) => key.startsWith(`~result/${result.jobId}/`));

    expect(keys).toHaveLength(10);
    expect(keys.sort()[0]).toMatch(/\/0\/\{~chunk\/0123456789abcdef\/0\/a{64}\}$/);
    expect(result.output.table.rowCount).toBe(10 + 49);
    await result.output.table.close();

    expect(keys.filter((key) => mesh.stored.has(key))).toEqual([]);
    await expect(result.output.table.rows(0, 1)).rejects.toMatchObject({ code: 'closed' });
  });

  test('aggregates with states of any cloneable kind, joined in the order of the chunks', async () => {
    const udf = `export default {
      init: () => ({ order: [], byDigit: new Map(), seen: new Set(), big: 0n }),
      visit(state, row) {
        if (row.n % 100 === 0) state.order.push(row.n);
        const digit = row.n % 10;
        state.byDigit.set(digit, (state.byDigit.get(digit) ?? 0) + 1);
        state.seen.add(digit);
        state.big += BigInt(row.n);
      },
      join(a, b) {
        const byDigit = new Map(a.byDigit);
        for (const [digit, count] of b.byDigit) byDigit.set(digit, (byDigit.get(digit) ?? 0) + count);
        return { order: [...a.order, ...b.order], byDigit, seen: new Set([...a.seen, ...b.seen]), big: a.big + b.big };
      },
      finish: (state, params) => ({ ...state, params }),
    };`;

    const { output } = await ada().compute.run(udf, { dataset: 'numbers', params: [1] });

    expect(output).toEqual({
      kind: 'value',
      value: {
        order: [0, 100, 200, 300, 400, 500, 600, 700, 800, 900],
        byDigit: new Map(Array.from({ length: 10 }, (_, digit) => [digit, 100])),
        seen: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        big: 499_500n,
        params: [1],
      },
    });
  });

  test('gives the same random numbers each time', async () => {
    const udf =
      'export default { init: () => 0, visit: (sum, row, params, ctx) => sum + ctx.random(), join: (a, b) => a + b };';

    const first = await ada().compute.run(udf, { dataset: 'numbers' });
    const second = await mesh.members[1]?.compute.run(udf, { dataset: 'numbers' });

    expect(second?.output).toEqual(first.output);
    expect(first.output).not.toEqual({ kind: 'value', value: 0 });
  });

  test('runs async functions with helpers and constants, and reads the mesh by ctx.get', async () => {
    const { values } = ada();
    const { requireKey } = await import('@shoal/shared');
    await values.put(requireKey('factor'), new TextEncoder().encode('{"by":3}'), { mediaType: 'application/json' });
    const udf = `
      const plus: number = 1;
      async function helper(row: { n: number }, by: number): Promise<number> { return row.n * by + plus; }
      export default { async filter(row: { n: number }, params: null, ctx: any): Promise<boolean> {
        const factor = await ctx.get('factor');
        return (await helper(row, factor.by)) === 31 && ctx.member.name !== '' && ctx.chunk === 0 && (await ctx.get('nothing')) === undefined;
      } };`;

    const { output } = await ada().compute.run(udf, { dataset: 'numbers' });

    expect(output.kind === 'table' && (await output.table.rows(0, 5))).toEqual([{ n: 10, name: 'row 10' }]);
  });

  test('tells no state of one job to the next', async () => {
    const udf =
      'let count = 0; export default { init: () => 0, visit: () => { count += 1; return count; }, join: (a, b) => Math.max(a, b) };';

    const results = [
      await ada().compute.run(udf, { dataset: 'numbers' }),
      await ada().compute.run(udf, { dataset: 'numbers' }),
    ];

    for (const { output } of results) expect(output.kind === 'value' && Number(output.value)).toBeLessThanOrEqual(400);
  });

  test('of no chunks gives no rows, or what an aggregate makes of none', async () => {
    await mesh.load('nothing', []);

    const rows = await ada().compute.run('export default (row) => row;', { dataset: 'nothing' });
    const count = await ada().compute.run(
      'export default { init: () => 0, visit: (n) => n + 1, join: (a, b) => a + b, finish: (n) => ({ n }) };',
      { dataset: 'nothing' },
    );

    expect(rows.output.kind === 'table' && rows.output.table.rowCount).toBe(0);
    expect(count.output).toEqual({ kind: 'value', value: { n: 0 } });
  });

  test('brings home what was printed, as values, with member and line', async () => {
    const lines: LogLine[] = [];
    const udf =
      'export default (row) => {\n  if (row.n === 250) {\n    console.warn("at", new Map([[1, row]]), () => 1);\n  }\n  return row;\n};';

    const result = await ada().compute.run(udf, { dataset: 'numbers', onLog: (line) => lines.push(line) });

    expect(lines).toEqual([
      {
        member: mesh.members[2]?.id,
        memberName: 'cleo',
        level: 'warn',
        chunk: 2,
        line: 3,
        values: ['at', new Map([[1, { n: 250, name: 'row 250' }]]), '() => 1'],
      },
    ]);
    expect(result.logs).toEqual(lines);
  });

  test('keeps a thousand lines of a task and counts the others', async () => {
    const result = await ada().compute.run(
      'export default (row) => { if (row.n === 0) for (let i = 0; i < 1500; i += 1) console.log(i); return row; };',
      { dataset: 'numbers' },
    );

    expect(result.logs).toHaveLength(1_000);
    expect(result.droppedLogLines).toBe(500);
  });
});

describe('a wrong function', () => {
  test('that throws on one row in a thousand ends the job, naming row, member and line', async () => {
    const udf = `interface Row { n: number }

export default {
  async map(row: Row): Promise<number> {
    await null;
    return checked(row);
  },
};

function checked(row: Row): number {
  if (row.n === 421) throw new RangeError('too odd');
  return row.n;
}`;

    const error = await errorOf(ada().compute.run({ source: udf, fileName: 'odd.ts' }, { dataset: 'numbers' }));

    expect(error.code).toBe('udf-threw');
    expect(error.message).toBe('odd.ts, line 11: RangeError: too odd (row 421, on ben)');
    expect(error.detail).toMatchObject({
      rowNumber: 421,
      row: { n: 421, name: 'row 421' },
      memberName: 'ben',
      line: 11,
      column: 28,
      fileName: 'odd.ts',
    });
    expect(error.detail['stack']).toContain('odd.ts:11:28');
  });

  test('that throws on some rows is counted with skipErrors, and the first 20 are shown', async () => {
    const result = await ada().compute.run(
      'export default (row) => { if (row.n % 10 === 3) throw new Error(`not ${row.n}`); return row; };',
      {
        dataset: 'numbers',
        skipErrors: true,
      },
    );

    expect(result.failedRows).toBe(100);
    expect(result.output.kind === 'table' && result.output.table.rowCount).toBe(900);
    expect(result.failures.map(({ rowNumber }) => rowNumber)).toEqual(
      Array.from({ length: 20 }, (_, index) => index * 10 + 3),
    );
    expect(result.failures[0]).toMatchObject({ message: 'not 3', line: 1, memberName: 'ada' });
  });

  test('that reads a column that is not there is told which are', async () => {
    const error = await errorOf(ada().compute.run('export default (row) => row.nmae.length;', { dataset: 'numbers' }));

    expect(error.message).toContain('There is no column "nmae"; there are: n, name.');
  });

  test('may look at a row as at any object', async () => {
    const udf =
      'export default (row) => ({ json: JSON.stringify(row), keys: Object.keys(row).join(), has: "x" in row, text: String(row), copy: { ...row }.n });';

    const { output } = await ada().compute.run(udf, { dataset: 'numbers' });

    expect(output.kind === 'table' && (await output.table.rows(1, 1))).toEqual([
      { json: '{"n":1,"name":"row 1"}', keys: 'n,name', has: false, text: '[object Object]', copy: 1 },
    ]);
  });

  test('that runs without end is ended, its lines come home, and the next job runs', async () => {
    const lines: LogLine[] = [];
    const udf = 'export default (row) => { if (row.n === 0) { console.log("on and on"); for (;;); } return row; };';

    const error = await errorOf(
      ada().compute.run(udf, { dataset: 'numbers', taskTimeoutMs: 400, onLog: (line) => lines.push(line) }),
    );
    const next = await ada().compute.run(
      'export default { init: () => 0, visit: (n) => n + 1, join: (a, b) => a + b };',
      { dataset: 'numbers' },
    );

    expect(error).toMatchObject({ code: 'udf-timeout', message: expect.stringContaining('ada') });
    expect(lines.map(({ values }) => values)).toEqual([['on and on']]);
    expect(next.output).toEqual({ kind: 'value', value: 1_000 });
  });

  test('that runs without end already when it is loaded is ended too', async () => {
    const error = await errorOf(
      ada().compute.run('for (;;); export default (row) => row;', { dataset: 'numbers', taskTimeoutMs: 300 }),
    );

    expect(error.code).toBe('udf-timeout');
  });

  test.each([
    ['export default (row) => ({ n: row.n, f: () => 1 });', 'The column "f" of the result is a function'],
    [
      'export default { init: () => ({}), visit: (s) => { s.later = Promise.resolve(); }, join: (a) => a };',
      'the state.later is a Promise',
    ],
    [
      'export default { init: () => 0, visit: (n) => n, join: (a) => a, finish: () => ({ go() {} }) };',
      'the result.go is a function',
    ],
  ])('that gives what can not be cloned: %s', async (udf, message) => {
    const error = await errorOf(ada().compute.run(udf, { dataset: 'numbers' }));

    expect(error).toMatchObject({ code: 'bad-result', message: expect.stringContaining(message) });
  });

  test('that throws while it joins names the line', async () => {
    const udf = 'export default {\n  init: () => 0,\n  visit: (n) => n,\n  join() { throw new Error("no join"); },\n};';
    const error = await errorOf(ada().compute.run({ source: udf, fileName: 'a.ts' }, { dataset: 'numbers' }));

    expect(error).toMatchObject({ code: 'udf-threw', message: 'a.ts, line 4: no join (on ada)' });
  });

  test('that throws what is no error is shown all the same', async () => {
    expect(
      (await errorOf(ada().compute.run('export default () => { throw { why: 1 }; };', { dataset: 'numbers' }))).message,
    ).toContain('thrown: {"why":1}');
  });

  test('whose default export is only known when it is loaded is refused then', async () => {
    expect(
      await errorOf(ada().compute.run('const make = () => 5; export default make();', { dataset: 'numbers' })),
    ).toMatchObject({ code: 'bad-udf' });
  });

  test('over a dataset that is not there', async () => {
    expect(await errorOf(ada().compute.run('export default (row) => row;', { dataset: 'none' }))).toMatchObject({
      code: 'no-dataset',
    });
  });
});

describe('cancelling', () => {
  test('ends the workers for certain', async () => {
    const stop = new AbortController();
    const running = ada().compute.run('export default (row) => { console.log(1); for (;;); };', {
      dataset: 'numbers',
      signal: stop.signal,
    });
    while (mesh.members.some(({ compute }) => compute.view().busy === 0))
      await new Promise((resolve) => setTimeout(resolve, 20));

    stop.abort();

    expect(await errorOf(running)).toMatchObject({ code: 'aborted' });
    while (mesh.members.some(({ compute }) => compute.view().busy > 0 || compute.view().queued > 0))
      await new Promise((resolve) => setTimeout(resolve, 20));
    // Loops that went on would use every window whole, and more; workers that start in their place are soon done.
    await expect.poll(cpuOfWindow, { timeout: 8_000, interval: 10 }).toBeLessThan(80);
  });

  test('by time says so', async () => {
    expect(
      await errorOf(
        ada().compute.run('export default (row) => { for (;;); };', { dataset: 'numbers', timeoutMs: 300 }),
      ),
    ).toMatchObject({ code: 'deadline' });
  });
});
