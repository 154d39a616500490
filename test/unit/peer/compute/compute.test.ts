import { isMeshError, type MeshError, MeshError as MeshErrorClass, requireKey } from '@shoal/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { createTestMesh, idOf, numbered, type TestMesh } from './members.ts';

let mesh: TestMesh;

afterEach(() => mesh.close());

const COUNT = 'export default { init: () => 0, visit: (n) => n + 1, join: (a, b) => a + b };';

function member(index: number) {
  const found = mesh.members[index];
  if (found === undefined) throw new Error('no such member');
  return found;
}

async function errorOf(promise: Promise<unknown>): Promise<MeshError> {
  const [result] = await Promise.allSettled([promise]);
  if (result?.status === 'rejected' && isMeshError(result.reason)) return result.reason;
  throw new Error('it did not end with an error of ours');
}

describe('members come, go and change', () => {
  test('a paused member takes no tasks; others run them over what it serves', async () => {
    mesh = createTestMesh([1, 1, 1]);
    await mesh.load('numbers', numbered(600, 100));
    member(1).change({ state: 'paused' });
    member(1).compute.pause(true);

    const result = await member(0).compute.run(COUNT, { dataset: 'numbers' });

    expect(result.output).toEqual({ kind: 'value', value: 600 });
    expect(new Set(result.tasks.map(({ memberName }) => memberName))).toEqual(new Set(['ada', 'cleo']));
    expect(member(0).fetched.filter((key) => key.startsWith('~chunk/'))).toEqual([]);
  });

  test('a member that paused without the roster knowing yet is passed over', async () => {
    mesh = createTestMesh([1, 1, 1]);
    await mesh.load('numbers', numbered(600, 100));
    member(1).compute.pause(true);

    const result = await member(0).compute.run(COUNT, { dataset: 'numbers' });

    expect(result.output).toEqual({ kind: 'value', value: 600 });
  });

  test('a chunk that moved after it was asked for is asked of its new owner', async () => {
    mesh = createTestMesh([1, 1]);
    await mesh.load('numbers', numbered(400, 100));
    const before = mesh.owner;
    mesh.onAsk = () => {
      // The submitter asked by the table of before; the members know the new one.
      mesh.owner = (key) => (key.startsWith('~chunk/') ? idOf(1) : before(key));
    };

    const result = await member(0).compute.run(COUNT, { dataset: 'numbers' });

    expect(result.output).toEqual({ kind: 'value', value: 400 });
    expect(new Set(result.tasks.map(({ memberName }) => memberName))).toEqual(new Set(['ben']));
  });

  test('an ask whose link is lost is repeated, and no row counts twice', async () => {
    mesh = createTestMesh([1, 1]);
    await mesh.load('numbers', numbered(400, 100));
    let lost = 0;
    mesh.onAsk = (id, service) => {
      if (service !== 'tasks' || id !== idOf(1) || lost >= 2) return;
      lost += 1;
      throw new MeshErrorClass('link-lost', 'The link closed.');
    };

    const result = await member(0).compute.run(COUNT, { dataset: 'numbers' });

    expect(result.output).toEqual({ kind: 'value', value: 400 });
    expect(lost).toBe(2);
  });

  test('a job ends when nobody takes its tasks', async () => {
    mesh = createTestMesh([0, 0]);
    await mesh.load('numbers', numbered(200, 100));

    expect(await errorOf(member(0).compute.run(COUNT, { dataset: 'numbers' }))).toMatchObject({
      code: 'no-workers',
      message: expect.stringContaining('No member takes the 2 tasks'),
    });
  });

  test('a command runs its joins itself, and no tasks', async () => {
    mesh = createTestMesh([0, 1]);
    await mesh.load('numbers', numbered(400, 100));
    member(0).change({ kind: 'command' });

    const result = await member(0).compute.run(COUNT, { dataset: 'numbers' });

    expect(result.output).toEqual({ kind: 'value', value: 400 });
    expect(new Set(result.tasks.map(({ memberName }) => memberName))).toEqual(new Set(['ben']));
  });
});

describe('a call', () => {
  test('runs once, on the owner of a key, on a member, or on the least busy one', async () => {
    mesh = createTestMesh([1, 1, 1]);
    mesh.owner = () => idOf(2);
    const udf = 'export default (a, b, ctx) => [ctx.member.name, new Set([a, b])];';

    expect(await member(0).compute.call(udf, [1, 2n], { key: 'some key' })).toEqual(['cleo', new Set([1, 2n])]);
    expect(await member(0).compute.call(udf, [1, 2], { member: idOf(1) })).toEqual(['ben', new Set([1, 2])]);

    const stop = new AbortController();
    const busy = [0, 2].map((index) =>
      member(0).compute.call('export default () => { for (;;); };', [], { member: idOf(index), signal: stop.signal }),
    );
    await expect
      .poll(() => [0, 2].map((index) => member(index).compute.view().busy), { timeout: 8_000 })
      .toEqual([1, 1]);
    expect(await member(0).compute.call(udf, [1, 2])).toEqual(['ben', new Set([1, 2])]);
    stop.abort();
    for (const one of busy) expect(await errorOf(one)).toMatchObject({ code: 'aborted' });
  });

  test('tells what went wrong, with member and line', async () => {
    mesh = createTestMesh([1]);
    const { compute } = member(0);

    expect(
      await errorOf(
        compute.call({ source: 'export default () => {\n  throw new TypeError("no");\n};', fileName: 'call.ts' }),
      ),
    ).toMatchObject({
      code: 'udf-threw',
      message: 'call.ts, line 2: TypeError: no (on ada)',
      detail: { line: 2, memberName: 'ada' },
    });
    expect(await errorOf(compute.call('export default () => () => 1;'))).toMatchObject({ code: 'bad-result' });
    expect(await errorOf(compute.call('export default () => { for (;;); };', [], { timeoutMs: 200 }))).toMatchObject({
      code: 'udf-timeout',
    });
    expect(await errorOf(compute.call('export default { map: (row) => row };'))).toMatchObject({ code: 'bad-udf' });
    expect(await errorOf(compute.call('export default () => 1;', [() => 1]))).toMatchObject({
      code: 'bad-result',
      message: expect.stringContaining('args[0] is a function'),
    });
    expect(await errorOf(compute.call('export default () => 1;', [], { member: 'f'.repeat(32) }))).toMatchObject({
      code: 'no-member',
    });
  });

  test('keeps the function in the mesh under the hash of its source', async () => {
    mesh = createTestMesh([1]);
    await member(0).compute.call('export default () => 1;');
    const keys = [...mesh.stored.keys()].filter((key) => key.startsWith('~udf/'));

    expect(keys).toEqual([expect.stringMatching(/^~udf\/[0-9a-f]{64}$/)]);
    expect(new TextDecoder().decode(mesh.stored.get(requireKey(keys[0] ?? ''))?.bytes)).toBe('export default () => 1;');
    expect(mesh.stored.get(requireKey(keys[0] ?? ''))?.contentNamed).toBe(true);
  });
});

describe('a dry run', () => {
  const rows = [{ a: 1 }, { a: 2 }, { a: 3 }];

  test('gives rows, or the value of an aggregate whose join is tried too', async () => {
    mesh = createTestMesh([0]);
    const { compute } = member(0);

    expect(
      await compute.dryRun('export default (row, params) => ({ b: row.a * params });', rows, { params: 10 }),
    ).toEqual({ kind: 'rows', rows: [{ b: 10 }, { b: 20 }, { b: 30 }], logs: [] });
    expect(await compute.dryRun('export default { filter: (row) => row.a > 1 };', rows)).toEqual({
      kind: 'rows',
      rows: [{ a: 2 }, { a: 3 }],
      logs: [],
    });
    expect(
      await compute.dryRun(
        'export default { init: () => new Set(), visit: (s, row) => { s.add(row.a); }, join: (a, b) => new Set([...a, ...b, "joined"]) };',
        rows,
      ),
    ).toEqual({
      kind: 'value',
      value: new Set([1, 2, 3, 'joined']),
      logs: [],
    });
  });

  test('tells what the function does wrong, and what it printed before', async () => {
    mesh = createTestMesh([0]);

    expect(
      await member(0).compute.dryRun('export default (row) => {\n  console.log(row.a);\n  return row.b;\n};', rows),
    ).toMatchObject({
      kind: 'failed',
      failure: { message: 'There is no column "b"; there is: a.', rowNumber: 0, row: { a: 1 }, line: 3 },
      logs: [{ level: 'log', values: [1], line: 2 }],
    });
  });

  test('refuses what is wrong before it runs, and ends what runs for more than a second', async () => {
    mesh = createTestMesh([0]);
    const { compute } = member(0);

    expect(await errorOf(compute.dryRun('export default (row) => row.a * rate;', rows))).toMatchObject({
      code: 'bad-udf',
      detail: { line: 1, column: 33, name: 'rate' },
    });
    expect(await errorOf(compute.dryRun('export default () => { for (;;); };', rows))).toMatchObject({
      code: 'udf-timeout',
    });
  });
});
