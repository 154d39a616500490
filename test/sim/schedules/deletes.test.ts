// Deletes and expiry: what was answered absent does not come back.

import { expect, test } from 'vitest';
import { begin } from './script.ts';

const MEMBERS = { ada: 'node', ben: 'node', cleo: 'node', dora: 'node' } as const;
const MEMORIES = { tombstoneMs: 2_000 };

test('S56 tomb-early', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben', 'cleo'], memories: MEMORIES });
  await mesh.over(mesh.put('dora', 'k', 'w1'));
  const late = mesh.hold('ada', 'cleo', 'replicate');
  const removal = mesh.delete('dora', 'k', { timeoutMs: 60_000 });
  await mesh.until(() => late.messages.length > 0);
  await mesh.pass(3_500);
  expect(removal.told).toBe('open');

  // Old enough, but cleo does not have it: it stays with the others.
  for (const name of ['ada', 'ben']) expect(mesh.contents(name)).not.toBe('');
  late.release();
  expect(await mesh.over(removal)).toMatchObject({ told: 'done' });
  for (const name of ['ada', 'ben']) mesh.member(name).kill();
  mesh.member('ada').start();
  expect(await mesh.over(mesh.get('dora', 'k', { timeoutMs: 60_000 }), 30_000)).toMatchObject({ told: 'absent' });
  await mesh.until(() => mesh.contents('cleo') === '' || mesh.row().includes('|'), 30_000);
  expect(mesh.judge()).toEqual([]);
});

test('S57 tomb-handoff', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada'], replicas: 2, memories: MEMORIES });
  for (const key of ['a', 'k', 'z']) await mesh.over(mesh.put('dora', key, 'before'));
  const slow = mesh.hold('ada', 'ben', ['part', 'records']);
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => slow.messages.length > 0);

  // The record of k is listed, k is deleted, and its tombstone grows old while the list is on its way.
  expect(await mesh.over(mesh.delete('dora', 'k', { timeoutMs: 20_000 }))).toMatchObject({ told: 'done' });
  await mesh.pass(3_500);
  slow.release();
  await mesh.until(() => mesh.row() === 'ada.1* ben.1', 20_000);
  expect(mesh.contents('ben')).toBe(mesh.contents('ada'));
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('dora', 'k', { timeoutMs: 20_000 }), 20_000)).toMatchObject({ told: 'absent' });
  expect(mesh.judge()).toEqual([]);
});

test('S58 expiry', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('dora', 'k', 'w1', { ttlMs: 2_000 }));
  mesh.member('ben').stepWall(-3_600_000);
  await mesh.pass(2_500);
  const read = await mesh.over(mesh.get('dora', 'k'));
  expect(read.told).toBe('absent');

  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('dora', 'k', { timeoutMs: 20_000 }), 20_000)).toMatchObject({ told: 'absent' });
  expect(mesh.row()).toBe('ben.1* | ada.1');
});

test('S59 driver', async () => {
  // Ada is frozen with work of her slots at hand: a write that she has not begun, and a reader that waits.
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  const reader = mesh.get('cleo', 'k', { wait: true, timeoutMs: 60_000 });
  await mesh.pass(200);
  mesh.process('ada').freeze();
  const write = mesh.put('dora', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  expect(await mesh.over(write)).toMatchObject({ told: 'done' });
  await mesh.over(mesh.put('ben', 'k', 'w2'));
  const late = mesh.hold('ada', 'ben', 'replicate', { twice: true });
  const accepted = mesh.hold('ben', 'ada', 'stored', { twice: true });
  mesh.process('ada').wake();
  await mesh.until(() => mesh.row() === 'ben.1* ada.1', 20_000);

  // Nothing of what she sent for her old epoch was taken.
  expect(accepted.messages).toEqual([]);
  late.release();
  await mesh.over(reader, 20_000);
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w2' });
  expect(mesh.contents('ada')).toBe(mesh.contents('ben'));
  expect(mesh.judge()).toEqual([]);
});
