// Who may change a slot's configuration, and what the registrar asks before one shrinks.

import { expect, test } from 'vitest';
import { begin } from './script.ts';

test('S7 one-process', async () => {
  // Ada is the member beside the registrar: it has a copy of every slot.
  const mesh = await begin({ members: { ada: 'node', ben: 'node' }, slots: 4 });
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  for (const key of keys) await mesh.over(mesh.put('ben', key, 'before'));

  mesh.registrar.kill();
  for (const key of keys) {
    await mesh.over(mesh.put('ben', key, 'without the registrar'), 500);
    await mesh.pass(1_000);
  }

  mesh.registrar.start('newest');
  await mesh.pass(3_000);
  mesh.member('ada').kill();
  const puts = keys.map((key) => mesh.put('ben', key, 'without ada'));
  await mesh.until(() => puts.every(({ told }) => told === 'done'), 5_000);
  expect(mesh.judge()).toEqual([]);
});

test('S8 by-itself', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node' }, copies: ['ada'], replicas: 2, slots: 4 });
  const proposals = mesh.hold('ada', 'registrar', 'propose');
  const news = mesh.hold('registrar', 'ada', 'delta');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => proposals.messages.length > 0);

  // Ben has the stream, and by the registrar's own wish half of the slots should be his.
  await mesh.pass(5_000);
  for (let slot = 0; slot < 4; slot += 1) expect(mesh.row(slot)).toBe('ada.1*');
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await mesh.over(mesh.put('ada', key, 'w1'));
    expect(await mesh.over(mesh.get('ben', key))).toMatchObject({ told: 'w1' });
  }

  proposals.release();
  news.release();
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  expect(mesh.judge()).toEqual([]);
});

test('S9 adds-itself', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node' }, copies: ['ada'], replicas: 2 });
  const reports = mesh.hold('ben', 'ada', 'report');
  const ends = mesh.hold('ada', 'ben', 'end');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => reports.messages.length > 0);

  // Ada gives ben up, who does not hear of it; and w1 is acknowledged without him.
  mesh.wish(['ada']);
  await mesh.pass(100);
  expect(ends.messages.length).toBe(1);
  expect(await mesh.over(mesh.put('ada', 'k', 'w1'))).toMatchObject({ told: 'done', copies: 1 });
  reports.release();
  const { slot, epoch } = mesh.configuration();
  const ben = mesh
    .handle('ben')
    .status()
    .members.find(({ self }) => self);
  const change = { kind: 'add', member: ben?.id, incarnation: ben?.incarnation };
  await mesh.run(mesh.forge('ben', 'propose', { proposalId: 1_000, changes: [{ slot, epoch, change }] }));

  expect(mesh.row()).toBe('ada.1*');
  mesh.member('ada').kill();
  const read = mesh.get('ben', 'k');
  await mesh.pass(10_000);
  expect(read.told).toBe('open');
  mesh.member('ada').start();
  expect(await mesh.over(read)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S10 socket', async () => {
  const mesh = await begin();
  mesh.cut('ada', 'registrar');
  for (let second = 0; second < 12; second += 1) {
    await mesh.over(mesh.put('ada', 'k', `w${second}`), 100);
    expect(await mesh.over(mesh.get('ben', 'k'), 100)).toMatchObject({ told: `w${second}` });
    expect(mesh.row()).toBe('ada.1* ben.1');
    await mesh.pass(1_000);
  }
  expect(mesh.judge()).toEqual([]);
});

test('S11 overwrite', async () => {
  const mesh = await begin();
  const proposals = ['ada', 'ben'].map((name) => mesh.hold(name, 'registrar', 'propose'));
  mesh.cut('ada', 'ben');
  await mesh.until(() => proposals.every(({ messages }) => messages.length > 0));

  // Each is there in time as the one who asks, and too late as the one who is accused.
  const [ada, ben] = ['ada', 'ben'].map((name) => mesh.hold(name, 'registrar', 'here'));
  for (const proposal of proposals) proposal.release();
  await mesh.pass(1_000);
  ada?.release();
  await mesh.until(() => mesh.row() === 'ada.1* | ben.1');
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  ben?.release();
  await mesh.pass(5_000);

  expect(mesh.row()).toBe('ada.1* | ben.1');
  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: 'w1' });
  mesh.heal('ada', 'ben');
  await mesh.until(() => mesh.row() === 'ada.1* ben.1', 20_000);
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S12 wrong-survivor', async () => {
  const mesh = await begin({ members: { ada: 'tab', ben: 'node' } });
  await mesh.over(mesh.put('ada', 'k', 'w1'));

  // Ada stands still, and her timers run before her inbox: she accuses nobody.
  const proposals = mesh.hold('ada', 'registrar', 'propose', { twice: true });
  mesh.process('ada').freeze();
  await mesh.pass(2_500);
  mesh.process('ada').wake();
  await mesh.pass(3_000);
  expect(proposals.messages).toEqual([]);
  expect(mesh.row()).toBe('ada.1* ben.1');

  // She can't hear ben, and accuses him; he is there, and is strict.
  mesh.cut('ada', 'ben');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S13 died-asking', async () => {
  const mesh = await begin();
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  const proposals = mesh.hold('ada', 'registrar', 'propose');
  mesh.process('ben').freeze();
  await mesh.until(() => proposals.messages.length > 0);
  mesh.member('ada').kill();
  proposals.release();
  await mesh.pass(2_500);
  mesh.process('ben').wake();

  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S14 forget', async () => {
  const mesh = await begin();
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  mesh.isolate('ben');
  mesh.wish(['ada']);
  await mesh.until(() => mesh.row() === 'ada.1* | ben.1');
  await mesh.over(mesh.put('ada', 'k', 'w2'));
  const forget = (): Promise<unknown> => mesh.handle('ben').forget('ada');

  mesh.reunite('ben');
  await mesh.over(mesh.get('ben', 'k'), 20_000);
  await expect(mesh.run(forget())).rejects.toMatchObject({ code: 'forbidden' });

  mesh.member('ada').kill();
  mesh.member('ada').disk.lose();
  await mesh.pass(10_000);
  await expect(mesh.run(forget())).rejects.toThrow(/use recover/);

  await mesh.run(mesh.handle('ben').recover());
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
});
