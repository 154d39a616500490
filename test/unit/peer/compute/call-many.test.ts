import { MeshError, type PeerId } from '@shoal/shared';
import { afterEach, expect, test } from 'vitest';
import { createTestMesh, idOf, type TestMesh } from './members.ts';

let mesh: TestMesh;

afterEach(() => mesh.close());

const call = (...[udf, args, target]: Parameters<TestMesh['members'][0]['compute']['callMany']>) =>
  mesh.members[0]!.compute.callMany(udf, args, target);

const numbers = (count: number): readonly [number][] => Array.from({ length: count }, (_, number) => [number]);

/** What is told of each: its value, or its code. */
const told = (results: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as MeshError).code));

test('each call has its own result, in its place, and fails alone', async () => {
  mesh = createTestMesh([1, 1]);
  const results = await call(
    'export default (n) => { if (n % 100 === 7) throw new Error(`no ${n}`); return n * 2; }',
    numbers(300),
  );

  expect(told(results)).toEqual(numbers(300).map(([n]) => (n % 100 === 7 ? 'udf-threw' : n * 2)));
  expect(results[107]).toMatchObject({ reason: { message: expect.stringContaining('no 107') } });
  expect(await call('export default () => 1', [])).toEqual([]);
});

test('all members that take tasks run some of it, and only the target if there is one', async () => {
  mesh = createTestMesh([1, 1, 0]);
  mesh.owner = () => idOf(1);
  const where = 'export default (n, ctx) => ctx.member.name';

  expect(new Set(told(await call(where, numbers(500))))).toEqual(new Set(['ada', 'ben']));
  expect(new Set(told(await call(where, numbers(50), { member: idOf(1) })))).toEqual(new Set(['ben']));
  expect(new Set(told(await call(where, numbers(50), { key: 'of ben' })))).toEqual(new Set(['ben']));
  expect(told(await call(where, numbers(2), { member: idOf(2) }))).toEqual(['no-workers', 'no-workers']);
});

test('arguments and results that can not be sent are the failure of their call', async () => {
  mesh = createTestMesh([1]);
  const results = await call('export default (n) => (n === 1 ? () => n : n)', [[0], [1], [() => 2], [3]]);

  expect(told(results)).toEqual([0, 'bad-result', 'bad-result', 3]);
});

test('a call that never ends takes only itself along, and is begun twice at most', async () => {
  mesh = createTestMesh([1, 0]);
  mesh.owner = () => idOf(1);
  const udf = 'export default async (n, ctx) => { await ctx.get(`n ${n}`); while (n === 5) continue; return n; }';
  const results = await call(udf, numbers(40), { timeoutMs: 500, member: idOf(0) });

  expect(told(results)).toEqual(numbers(40).map(([n]) => (n === 5 ? 'udf-timeout' : n)));
  const begun = mesh.members[0]!.fetched.filter((key) => key === 'n 5');
  expect(begun.length).toBeLessThanOrEqual(2);
});

test('calls that take longer than a slice are shared out again', async () => {
  mesh = createTestMesh([1, 1]);
  const slow = 'export default async (n) => { await new Promise((done) => setTimeout(done, 15)); return n; }';
  let most = 0;
  mesh.onAsk = (_, service) => {
    if (service === 'calls') most += 1;
  };

  expect(told(await call(slow, numbers(30)))).toEqual(numbers(30).map(([n]) => n));
  // Each ask comes to one call, so that there are about as many asks.
  expect(most).toBeGreaterThan(20);
});

test('random numbers differ from call to call, and are the same in every run', async () => {
  mesh = createTestMesh([1]);
  const random = 'export default (n, ctx) => ctx.random()';
  const first = told(await call(random, numbers(20)));

  expect(new Set(first).size).toBe(20);
  expect(told(await call(random, numbers(20)))).toEqual(first);
});

test('calls of a member that is lost go to another, and not from one to the next for ever', async () => {
  mesh = createTestMesh([1, 1, 1]);
  const lost: PeerId[] = [];
  mesh.onAsk = (member, service) => {
    if (service !== 'calls' || member !== idOf(1)) return;
    lost.push(member);
    throw new MeshError('link-lost', 'The link closed.');
  };
  expect(told(await call('export default (n) => n', numbers(40)))).toEqual(numbers(40).map(([n]) => n));
  expect(lost.length).toBeGreaterThan(0);

  const asked = new Set<PeerId>();
  mesh.onAsk = (member, service) => {
    if (service !== 'calls') return;
    asked.add(member);
    throw new MeshError('link-lost', 'The link closed.');
  };
  expect(told(await call('export default (n) => n', numbers(1)))).toEqual(['link-lost']);
  expect(asked.size).toBe(2);
});

test('cancelled, it ends at once with all its asks', async () => {
  mesh = createTestMesh([1]);
  const stop = new AbortController();
  const calling = call('export default () => { for (;;); }', numbers(20), { signal: stop.signal });
  calling.catch(() => undefined);
  await expect.poll(() => mesh.members[0]?.compute.view().busy, { timeout: 8_000 }).toBe(1);
  stop.abort();

  await expect(calling).rejects.toMatchObject({ code: 'aborted' });
  await expect.poll(() => mesh.members[0]?.compute.view(), { timeout: 8_000 }).toMatchObject({ busy: 0, queued: 0 });
});

test('what can not be called at all rejects', async () => {
  mesh = createTestMesh([0]);

  await expect(call('export default { map: (row) => row }', numbers(2))).rejects.toMatchObject({ code: 'bad-udf' });
  await expect(call('export default () => 1', numbers(2))).rejects.toMatchObject({ code: 'no-workers' });
});
