// Processes that come back: with all of their storage, without its last moments, twice, or with nothing.

import { expect, test } from 'vitest';
import { begin } from './script.ts';

const TAIL_MS = 2_000;

test('S19 resumes-strict', async () => {
  const mesh = await begin();
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  const proposals = mesh.hold('ben', 'registrar', 'propose');
  mesh.isolate('ada');
  await mesh.until(() => proposals.messages.length > 0);

  // Ben's request is on its way when he crashes; he is back, and hears ada, when it is decided. She has no say.
  const said = mesh.hold('ada', 'registrar', ['here', 'propose']);
  mesh.member('ben').kill();
  proposals.release();
  mesh.reunite('ada');
  mesh.member('ben').start();
  await mesh.pass(3_000);
  expect(mesh.row()).toBe('ada.1* ben.1');
  said.release();

  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: 'w1' });
  await mesh.over(mesh.put('ada', 'k', 'w2'));
  await mesh.until(() => mesh.row() === 'ada.1* ben.2');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S20 resumes-relaxed', async () => {
  const mesh = await begin({ members: { ada: 'tab', ben: 'tab' } });
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  const loseTail = async (name: string): Promise<void> => {
    mesh.member(name).kill();
    mesh.member(name).disk.loseTail(TAIL_MS);
    mesh.member(name).start();
    await mesh.join(name);
  };

  // As owner.
  await loseTail('ada');
  expect(mesh.contents('ada')).toBe('');
  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: 'w1' });
  mesh.wish(['ben', 'ada']);
  await mesh.until(() => mesh.row() === 'ben.1* ada.2');
  await mesh.pass(5_000);

  // As backup, and the owner dies before it has dropped the one of before.
  await mesh.over(mesh.put('ada', 'k', 'w2'));
  await loseTail('ada');
  expect(mesh.contents('ada')).not.toBe(mesh.contents('ben'));
  mesh.member('ben').kill();
  expect(mesh.row()).toBe('ben.1* ada.2');
  const read = mesh.get('ada', 'k', { timeoutMs: 60_000 });
  await mesh.pass(15_000);
  expect(read.told).toBe('open');
  mesh.member('ben').start();
  expect(await mesh.over(read)).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S21 twin', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node' } });
  // Ben's folder is copied to the machine bea while his process runs.
  mesh.add('bea', 'node', 'ben');
  await mesh.pass(500);
  await mesh.over(mesh.put('ada', 'k', 'w1'), 20_000);
  await mesh.until(() => mesh.row() === 'ada.1* bea.1', 20_000);
  expect(mesh.member('ben').run?.isOver).toBe(true);
  const w2 = await mesh.over(mesh.put('ada', 'k', 'w2'));

  expect(w2).toMatchObject({ told: 'done', copies: 2 });
  expect(mesh.contents('bea')).toBe(mesh.contents('ada'));
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('bea', 'k'))).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S22 evicted', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'tab', cleo: 'tab' }, copies: ['ada', 'ben'] });
  mesh.member('ben').disk.remove();
  const w1 = await mesh.over(mesh.put('ada', 'k', 'w1'));

  // Nothing that ben's old process could say counts for its storage.
  const holders = ['ada', 'ben', 'cleo'].filter((name) => mesh.contents(name) !== '');
  expect(w1.told).toBe('done');
  expect(holders.length).toBeGreaterThanOrEqual(w1.copies ?? Infinity);
  mesh.wish(['ada', 'cleo']);
  await mesh.until(() => mesh.row() === 'ada.1* cleo.1');
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S23 revive-any', async () => {
  const mesh = await begin({ members: { ada: 'tab', ben: 'tab' } });
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  mesh.member('ada').kill();
  mesh.member('ben').kill();
  mesh.member('ada').disk.loseTail(TAIL_MS);
  expect(mesh.contents('ada')).toBe('');
  mesh.member('ada').start();
  await mesh.join('ada');

  const read = mesh.get('ada', 'k', { timeoutMs: 60_000 });
  await mesh.pass(15_000);
  expect(read.told).toBe('open');
  mesh.member('ben').start();
  expect(await mesh.over(read)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});
