// Jobs over chunks whose owner is away.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestMesh, idOf, numbered, type TestMesh } from './members.ts';

const COUNT = 'export default { init: () => 0, visit: (n) => n + 1, join: (a, b) => a + b };';
const [ADA, BEN, CLEO] = [idOf(0), idOf(1), idOf(2)];

let mesh: TestMesh;
let asked: string[];

beforeAll(async () => {
  mesh = createTestMesh([1, 1, 1]);
  await mesh.load('numbers', numbered(1_000, 100));
  mesh.members[1]?.change({ state: 'away' });
}, 30_000);
beforeEach(() => {
  asked = [];
  mesh.onAsk = (member) => void asked.push(member);
});
afterAll(() => mesh.close());

test('who is away is not asked, and the job goes on as soon as another has its chunks', async () => {
  const before = mesh.owner;
  mesh.onAsk = (member) => {
    asked.push(member);
    mesh.owner = (key) => (before(key) === BEN ? CLEO : before(key));
  };

  const done = await mesh.members[0]?.compute.run(COUNT, { dataset: 'numbers' });
  mesh.owner = before;

  expect(done?.output).toEqual({ kind: 'value', value: 1_000 });
  expect(new Set(asked)).toEqual(new Set([ADA, CLEO]));
});

test('a job that runs out of time over a chunk that is lost says so', async () => {
  const run = () => mesh.members[0]?.compute.run(COUNT, { dataset: 'numbers', timeoutMs: 1_500 });

  await expect(run()).rejects.toMatchObject({ code: 'deadline' });
  mesh.isLost = (key) => mesh.owner(key) === BEN;
  await expect(run()).rejects.toMatchObject({
    code: 'lost',
    message: expect.stringMatching(/^"~chunk\/.* is lost\.$/),
  });
});
