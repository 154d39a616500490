// Leases, and clocks that stop, are set, or run apart.

import { expect, test } from 'vitest';
import { begin, type ScriptedMesh } from './script.ts';

const MEMBERS = { ada: 'node', ben: 'node', cleo: 'node' } as const;
const HOUR_MS = 3_600_000;

/** Cleo, whose table stays as it is, reads from ada all the time, until ben has taken over and has put `w2`. */
async function readWhileReplaced(mesh: ScriptedMesh): Promise<void> {
  const news = mesh.hold('registrar', 'cleo', 'delta');
  mesh.cut('ada', 'ben');
  mesh.cut('ada', 'registrar');
  const isReplaced = (): boolean => mesh.row() === 'ben.1* | ada.1';
  for (let time = 0; time < 200 && !isReplaced(); time += 1) {
    mesh.get('cleo', 'k', { timeoutMs: 60_000 });
    await mesh.pass(50);
  }
  expect(isReplaced()).toBe(true);
  await mesh.over(mesh.put('ben', 'k', 'w2'));
  for (let time = 0; time < 20; time += 1) {
    mesh.get('cleo', 'k', { timeoutMs: 60_000 });
    await mesh.pass(50);
  }
  news.release();
  mesh.heal('ada', 'registrar');
  expect(await mesh.over(mesh.get('cleo', 'k'), 20_000)).toMatchObject({ told: 'w2' });
}

test('S38 sleep', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  const news = mesh.hold('registrar', 'cleo', 'delta');
  mesh.process('ada').sleep();
  // What is queued at ada before she wakes.
  for (let time = 0; time < 10; time += 1) {
    mesh.get('cleo', 'k', { timeoutMs: 120_000 });
    await mesh.pass(100);
  }
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  await mesh.over(mesh.put('ben', 'k', 'w2'));
  mesh.process('ada').wake();
  await mesh.pass(2_000);

  news.release();
  expect(await mesh.over(mesh.get('cleo', 'k'), 20_000)).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S39 step: set back where a lease is held, it ends no later', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  await mesh.pass(700);
  mesh.member('ada').stepWall(-HOUR_MS);
  await readWhileReplaced(mesh);
  expect(mesh.judge()).toEqual([]);
});

test('S39 step: set forward where one is given, grace ends no sooner', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  mesh.isolate('ada');
  mesh.member('ben').stepWall(HOUR_MS);
  await mesh.pass(1_800);
  expect(mesh.row()).toBe('ada.1* ben.1');
  mesh.reunite('ada');
  await mesh.pass(3_000);
  expect(mesh.row()).toBe('ada.1* ben.1');
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S39 step: set back where one is given, there is a failover all the same', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  mesh.member('ben').stepWall(-HOUR_MS);
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.put('cleo', 'k', 'w2', { timeoutMs: 20_000 }), 7_000)).toMatchObject({ told: 'done' });
  expect(mesh.row()).toBe('ben.1* | ada.1');
  expect(mesh.judge()).toEqual([]);
});

test('S40 lag', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'], slots: 2 });
  mesh.wish(['ben', 'ada'], 1);
  await mesh.until(() => mesh.row(1) === 'ben.1* ada.1');
  await mesh.pass(1_500);
  const key = ['a', 'b', 'c', 'd'].find((name) => mesh.slotOf(name) === 0) ?? '';
  await mesh.over(mesh.put('cleo', key, 'w1'));

  // Another slot changes, and ada alone does not hear of it.
  mesh.cut('ada', 'registrar');
  mesh.wish(['ben', 'cleo', 'ada'], 1);
  await mesh.until(() => mesh.row(1) === 'ben.1* ada.1 cleo.1');
  await mesh.pass(8_000);
  expect(await mesh.over(mesh.put('cleo', key, 'w2', { timeoutMs: 20_000 }), 2_000)).toMatchObject({ told: 'done' });
  expect(await mesh.over(mesh.get('cleo', key))).toMatchObject({ told: 'w2' });
  mesh.heal('ada', 'registrar');
  await mesh.until(() => mesh.row(0).split(' ').length === 2, 20_000);
  expect(mesh.judge()).toEqual([]);
});

// From the best to the worst instant between two heartbeats.
test.each([0, 300, 600, 900])('S41 grace-short, cut %i ms later', async (laterMs) => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'], rates: { ada: 0.95, ben: 1.05 } });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  await mesh.pass(laterMs);
  await readWhileReplaced(mesh);
  expect(mesh.judge()).toEqual([]);
});

test('S42 older-table', async () => {
  const mesh = await begin({ members: { ...MEMBERS, dora: 'node' }, copies: ['ada', 'ben'], slots: 2 });
  const key = ['a', 'b', 'c', 'd'].find((name) => mesh.slotOf(name) === 0) ?? '';
  await mesh.over(mesh.put('dora', key, 'w1'));

  // Ben, who hears nothing of ada while she hears him, asks for both slots, and gets one: the other has just
  // changed by ada's own proposal.
  const adding = mesh.hold('ada', 'registrar', 'propose');
  mesh.wish(['ada', 'ben', 'cleo'], 1);
  await mesh.until(() => adding.messages.length > 0);
  const claims = mesh.hold('ben', 'registrar', 'propose');
  mesh.paths.cut('ada', 'ben');
  await mesh.until(() => claims.messages.length > 0);
  for (const name of ['ada', 'dora']) mesh.hold('registrar', name, ['delta', 'propose answered', 'table answered']);
  adding.release();
  await mesh.until(() => mesh.row(1) === 'ada.1* ben.1 cleo.1');
  mesh.cut('ada', 'registrar');
  claims.release();
  await mesh.until(() => mesh.row(0) === 'ben.1* | ada.1');
  expect(mesh.row(1)).toBe('ada.1* ben.1 cleo.1');

  // Now he gives her leases for what is still hers, and she has not learned what is not.
  mesh.paths.heal('ada', 'ben');
  for (let time = 0; time < 30; time += 1) {
    mesh.get('dora', key, { timeoutMs: 1_000 });
    await mesh.pass(100);
  }
  await mesh.over(mesh.put('ben', key, 'w2'));
  const read = mesh.get('dora', key, { timeoutMs: 5_000 });
  await mesh.pass(3_000);
  expect(read.told).toBe('open');
  expect(mesh.judge()).toEqual([]);
});

test('S43 bulk', async () => {
  // A way of 2 MB/s.
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  const before = mesh.configuration().epoch;
  const large = 'x'.repeat(4 * 1024 * 1024);
  const puts = [1, 2, 3, 4].map((number) => mesh.put('cleo', `large ${number}`, large + number, { timeoutMs: 60_000 }));
  await mesh.until(() => puts.every(({ isOver }) => isOver), 60_000);

  expect(puts.map(({ told }) => told)).toEqual(['done', 'done', 'done', 'done']);
  expect(mesh.row()).toBe('ada.1* ben.1');
  expect(mesh.configuration().epoch).toBe(before);
});

test('S44 stuck: a disk that hangs', async () => {
  const mesh = await begin();
  mesh.member('ben').disk.slow(1e9);
  expect(await mesh.over(mesh.put('ada', 'k', 'w1', { timeoutMs: 20_000 }), 10_000)).toMatchObject({
    told: 'done',
    copies: 1,
  });
  expect(mesh.row()).toBe('ada.1* | ben.1');
  expect(mesh.judge()).toEqual([]);
});

test('S44 stuck: a table that can not be fetched', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'], replicas: 3 });
  mesh.cut('ben', 'registrar');
  mesh.wish(['ada', 'ben', 'cleo']);
  await mesh.until(() => mesh.row() === 'ada.1* ben.1 cleo.1');
  expect(await mesh.over(mesh.put('ada', 'k', 'w1', { timeoutMs: 20_000 }), 10_000)).toMatchObject({
    told: 'done',
    copies: 2,
  });
  expect(mesh.row()).toBe('ada.1* cleo.1 | ben.1');
  expect(mesh.judge()).toEqual([]);
});

test.each([0, 2, 10, 30])('S45 last-words, %i ms later', async (ms) => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  const queued = mesh.hold('cleo', 'ada', ['get', 'put']);
  const read = mesh.get('cleo', 'k', { timeoutMs: 60_000 });
  const write = mesh.put('cleo', 'k', 'w2', { timeoutMs: 60_000 });
  await mesh.until(() => queued.messages.length > 0);
  const goodbyes = mesh.hold('ada', 'cleo', 'goodbye');
  mesh.member('ada').leave(false);
  await mesh.pass(ms);
  queued.release();
  goodbyes.release();

  await mesh.until(() => mesh.row() === 'ben.1* | ada.1', 2_000);
  await mesh.over(read);
  await mesh.over(write);
  expect(write.told).toBe('done');
  expect(mesh.judge()).toEqual([]);
});
