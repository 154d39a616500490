// Who answers a read, and with what right.

import { expect, test } from 'vitest';
import { begin } from './script.ts';

const THREE = { ada: 'node', ben: 'node', cleo: 'node' } as const;

test('S31 late-check', async () => {
  const mesh = await begin({ members: THREE, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  // As a new process ben has nothing in his cache: he reads the disk.
  mesh.member('ben').kill();
  mesh.member('ben').start();
  await mesh.until(() => mesh.row() === 'ada.1* ben.2', 20_000);
  mesh.wish(['ben', 'ada']);
  await mesh.until(() => mesh.row() === 'ben.2* ada.1');
  await mesh.pass(1_500);

  // He has looked at his leases, and sleeps while he reads.
  mesh.member('ben').disk.slow(200);
  const read = mesh.get('ben', 'k', { timeoutMs: 60_000 });
  await mesh.pass(20);
  expect(read.told).toBe('open');
  mesh.process('ben').sleep();
  await mesh.until(() => mesh.row() === 'ada.1* | ben.2');
  expect(await mesh.over(mesh.put('ada', 'k', 'w2'))).toMatchObject({ told: 'done' });
  mesh.process('ben').wake();
  await mesh.over(read, 20_000);
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S32 cached', async () => {
  const mesh = await begin({ members: THREE, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w1' });
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
  await mesh.over(mesh.put('ada', 'k', 'w2'));
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w2' });
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w2' });

  // Ben has a copy, and asks all the same.
  mesh.isolate('ada');
  const read = mesh.get('ben', 'k', { timeoutMs: 60_000 });
  await mesh.pass(3_000);
  expect(mesh.row()).toBe('ada.1* ben.1');
  expect(read.told).toBe('open');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  expect(await mesh.over(read)).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S33 put-at-backup', async () => {
  const mesh = await begin({ members: THREE, copies: ['ada', 'ben'] });
  const news = mesh.hold('registrar', 'cleo', 'delta');
  mesh.wish(['ben', 'ada']);
  await mesh.until(() => mesh.row() === 'ben.1* ada.1');

  // Cleo's table still says that ada owns it.
  const asked = mesh.hold('cleo', 'ada', 'put', { twice: true });
  expect(await mesh.over(mesh.put('cleo', 'k', 'w1'))).toMatchObject({ told: 'done', copies: 2 });
  expect(asked.messages.length).toBe(1);
  expect(mesh.contents('ada')).toBe(mesh.contents('ben'));
  expect(mesh.contents('ada')).not.toBe('');
  news.release();
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});
