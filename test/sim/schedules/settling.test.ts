// What a new owner does before it serves, with three copies: with two nothing could show that it is missing.

import { expect, test } from 'vitest';
import { begin, type ScriptedMesh } from './script.ts';

const MEMBERS = { ada: 'node', ben: 'node', cleo: 'node', dora: 'node', erin: 'node' } as const;
const COPIES = ['ada', 'ben', 'cleo'];

/** Ada has opened `w1`, which nobody else has, and is cut off; ben is to take over, not cleo. */
async function openWrite(mesh: ScriptedMesh) {
  await mesh.over(mesh.put('dora', 'other', 'before'));
  const toBen = mesh.hold('ada', 'ben', 'replicate');
  const toCleo = mesh.hold('ada', 'cleo', 'replicate');
  mesh.put('dora', 'k', 'w1');
  await mesh.until(() => toBen.messages.length === 1 && toCleo.messages.length === 1);
  // Nobody tries it again.
  mesh.member('dora').kill();
  const claims = mesh.hold('cleo', 'registrar', 'propose');
  mesh.isolate('ada');
  return { toBen, toCleo, claims };
}

/** What ben serves, cleo serves after him. */
async function compareAfterDeath(mesh: ScriptedMesh, claims: { release(): void }): Promise<void> {
  const read = await mesh.over(mesh.get('erin', 'k'), 20_000);
  expect(mesh.contents('cleo')).toBe(mesh.contents('ben'));
  claims.release();
  mesh.member('ben').kill();
  expect((await mesh.over(mesh.get('erin', 'k', { timeoutMs: 20_000 }), 20_000)).told).toBe(read.told);
  expect(mesh.row()).toMatch(/^cleo\.1\* \| /);
  expect(mesh.judge()).toEqual([]);
}

test('S46 no-settle', async () => {
  const mesh = await begin({ members: MEMBERS, copies: COPIES });
  const news = mesh.hold('registrar', 'ben', ['delta', 'propose answered']);
  const { toBen, claims } = await openWrite(mesh);
  await mesh.until(() => mesh.row() === 'ben.1* cleo.1 | ada.1');

  // Ben, who does not know yet that he is the owner, stores it.
  toBen.release();
  await mesh.until(() => mesh.contents('ben') !== mesh.contents('cleo'));
  news.release();
  await compareAfterDeath(mesh, claims);
});

test('S47 unfenced', async () => {
  const mesh = await begin({ members: MEMBERS, copies: COPIES });
  const news = mesh.hold('registrar', 'cleo', ['delta', 'table answered']);
  const { toCleo, claims } = await openWrite(mesh);
  await mesh.until(() => mesh.row() === 'ben.1* cleo.1 | ada.1');
  await mesh.pass(200);

  // Cleo, who has not learned of the new epoch, stores what comes under the old one.
  toCleo.release();
  await mesh.pass(200);
  news.release();
  await compareAfterDeath(mesh, claims);
});

test('S48 unfinished', async () => {
  const mesh = await begin({ members: MEMBERS, copies: COPIES });
  const { toCleo, claims } = await openWrite(mesh);
  await mesh.pass(3_000);

  // Cleo accepts it while her disk is slow: it is not there yet when ben asks what she has.
  mesh.member('cleo').disk.slow(5_000);
  toCleo.release();
  await mesh.until(() => mesh.row() === 'ben.1* cleo.1 | ada.1');
  mesh.member('cleo').disk.slow(0);
  await compareAfterDeath(mesh, claims);
});

test('S49 torn', async () => {
  const mesh = await begin({ members: MEMBERS, copies: COPIES, second: { of: 'k', key: 'k2', value: 'w1+' } });
  const { toCleo } = await openWrite(mesh);
  await mesh.pass(1_000);
  toCleo.release();
  await mesh.until(() => mesh.contents('cleo').includes('k2 '));

  // Of what she gives to ben the first frame comes, and then nothing.
  let frames = 0;
  const rest = mesh.hold('cleo', 'ben', 'settle-records', { only: () => (frames += 1) > 1 });
  await mesh.until(() => frames > 0, 10_000);
  mesh.isolate('cleo');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1 cleo.1', 20_000);
  rest.lose();
  const [first, second] = [
    await mesh.over(mesh.get('ben', 'k', { timeoutMs: 20_000 }), 20_000),
    await mesh.over(mesh.get('ben', 'k2', { timeoutMs: 20_000 }), 20_000),
  ];
  expect([first.told, second.told]).toBeOneOf([
    ['w1', 'w1+'],
    ['absent', 'absent'],
  ]);
});
