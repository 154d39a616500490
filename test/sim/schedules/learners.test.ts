// How a member becomes a copy, and how it becomes the owner.

import { expect, test } from 'vitest';
import { begin } from './script.ts';

const MEMBERS = { ada: 'node', ben: 'node', dora: 'node' } as const;

test('S50 new-lease', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('dora', 'k', 'w1'));
  mesh.isolate('ben');
  await mesh.until(() => mesh.row() === 'ada.1* | ben.1');

  // Ben is added again, and learns it; ada and dora do not.
  const proposals = mesh.hold('ada', 'registrar', 'propose');
  mesh.reunite('ben');
  await mesh.until(() => proposals.messages.length > 0, 20_000);
  const news = ['ada', 'dora'].map((name) => mesh.hold('registrar', name, ['delta', 'propose answered', 'joined']));
  proposals.release();
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  mesh.cut('ada', 'ben');
  mesh.cut('ada', 'registrar');
  const isReplaced = (): boolean => mesh.row() === 'ben.1* | ada.1';
  while (!isReplaced()) {
    mesh.get('dora', 'k', { timeoutMs: 60_000 });
    await mesh.pass(100);
  }
  await mesh.over(mesh.put('ben', 'k', 'w2'));
  for (let time = 0; time < 10; time += 1) {
    mesh.get('dora', 'k', { timeoutMs: 60_000 });
    await mesh.pass(100);
  }
  for (const hold of news) hold.release();
  mesh.heal('ada', 'ben');
  mesh.heal('ada', 'registrar');
  expect(await mesh.over(mesh.get('dora', 'k'), 20_000)).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S51 abandoned', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada'], replicas: 2 });
  await mesh.over(mesh.put('dora', 'other', 'before'));
  let reports = 0;
  const old = mesh.hold('ben', 'ada', 'report', { only: () => (reports += 1) === 1 });
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => old.messages.length === 1);

  // Given up, and `w1` is acknowledged without ben; the second time nothing of his comes but the old report.
  mesh.wish(['ada']);
  await mesh.pass(50);
  expect(await mesh.over(mesh.put('dora', 'k', 'w1'))).toMatchObject({ told: 'done', copies: 1 });
  const again = mesh.hold('ben', 'ada', 'report');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => again.messages.length > 0);
  old.release();
  await mesh.pass(1_500);
  expect(mesh.row()).toBe('ada.1*');

  again.release();
  await mesh.until(() => mesh.row() === 'ada.1* ben.1', 20_000);
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('dora', 'k', { timeoutMs: 20_000 }), 20_000)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S52 gave-up', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada'], replicas: 2 });
  const proposals = mesh.hold('ada', 'registrar', 'propose');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => proposals.messages.length > 0);

  // It may be written at any time: whoever would serve alone now would lose what it acknowledges.
  mesh.wish(['ada']);
  mesh.cut('ada', 'ben');
  const write = mesh.put('dora', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.pass(3_000);
  expect(write.told).toBe('open');
  proposals.release();
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  mesh.isolate('ada');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  await mesh.over(write, 20_000);
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: write.told === 'done' ? 'w1' : 'absent' });
  expect(mesh.judge()).toEqual([]);
});

test('S53 no-seal', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('dora', 'k', 'w1'));
  const news = ['ada', 'dora'].map((name) => mesh.hold('registrar', name, ['delta', 'propose answered', 'joined']));
  mesh.wish(['ben', 'ada']);
  await mesh.until(() => mesh.row() === 'ben.1* ada.1');
  mesh.cut('ada', 'ben');
  mesh.cut('ada', 'registrar');
  while (mesh.row() !== 'ben.1* | ada.1') {
    mesh.get('dora', 'k', { timeoutMs: 60_000 });
    await mesh.pass(100);
  }
  await mesh.over(mesh.put('ben', 'k', 'w2'));
  for (let time = 0; time < 10; time += 1) {
    mesh.get('dora', 'k', { timeoutMs: 60_000 });
    await mesh.pass(100);
  }
  for (const hold of news) hold.release();
  mesh.heal('ada', 'ben');
  mesh.heal('ada', 'registrar');
  expect(await mesh.over(mesh.get('dora', 'k'), 20_000)).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S54 keeps', async () => {
  const mesh = await begin({ members: { ...MEMBERS, cleo: 'node' }, copies: ['ada', 'ben'] });
  const lost = mesh.hold('ada', 'ben', 'replicate');
  mesh.put('dora', 'k', 'w1');
  await mesh.until(() => mesh.contents('ada') !== '');
  // Nobody tries it again.
  mesh.member('dora').kill();
  mesh.isolate('ada');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  lost.lose();
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'absent' });
  mesh.reunite('ada');
  await mesh.until(() => mesh.row() === 'ben.1* ada.1', 20_000);

  expect(mesh.contents('ada')).toBe(mesh.contents('ben'));
  mesh.member('ben').kill();
  expect(await mesh.over(mesh.get('cleo', 'k', { timeoutMs: 20_000 }), 20_000)).toMatchObject({ told: 'absent' });
  expect(mesh.judge()).toEqual([]);
});

test('S54 keeps, when the tombstone has gone', async () => {
  const members = { ...MEMBERS, cleo: 'node' } as const;
  const mesh = await begin({ members, copies: ['ada', 'ben'], memories: { tombstoneMs: 5_000 } });
  await mesh.over(mesh.put('dora', 'k', 'w1'));
  mesh.member('ada').kill();
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  mesh.wish(['ben', 'cleo']);
  await mesh.until(() => mesh.row() === 'ben.1* cleo.1', 20_000);
  await mesh.over(mesh.delete('dora', 'k'));
  await mesh.until(() => mesh.contents('ben') === '' && mesh.contents('cleo') === '', 30_000);

  mesh.member('ada').start();
  await mesh.join('ada');
  expect(mesh.contents('ada')).not.toBe('');
  mesh.wish(['ben', 'ada']);
  await mesh.until(() => mesh.row() === 'ben.1* ada.2', 20_000);
  expect(mesh.contents('ada')).toBe('');
  mesh.member('ben').kill();
  expect(await mesh.over(mesh.get('dora', 'k', { timeoutMs: 20_000 }), 20_000)).toMatchObject({ told: 'absent' });
  expect(mesh.judge()).toEqual([]);
});

test('S55 stream-live', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada'], replicas: 2 });
  for (const key of ['a', 'c', 'e']) await mesh.over(mesh.put('dora', key, 'before'));
  const parts = mesh.hold('ada', 'ben', 'part');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => parts.messages.length > 0);

  // A new key comes live; the part that is on its way does not name it.
  const write = mesh.put('dora', 'd', 'w1');
  await mesh.until(() => mesh.contents('ben') !== '');
  parts.release();
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  expect(await mesh.over(write)).toMatchObject({ told: 'done' });
  expect(mesh.contents('ben')).toBe(mesh.contents('ada'));
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('dora', 'd', { timeoutMs: 20_000 }), 20_000)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});
