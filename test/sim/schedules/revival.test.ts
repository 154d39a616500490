// All copies are gone, and some disks come back with less than they had.

import { expect, test } from 'vitest';
import { begin, type ScriptedMesh } from './script.ts';

/** Two tabs acknowledge `w1`; ben is dropped, and then ada loses power, and with it what she wrote last. */
async function loseTail(): Promise<ScriptedMesh> {
  const mesh = await begin({ members: { ada: 'tab', ben: 'tab', dora: 'node' }, copies: ['ada', 'ben'] });
  expect(await mesh.over(mesh.put('dora', 'k', 'w1'))).toMatchObject({ told: 'done', copies: 2 });
  mesh.isolate('ben');
  await mesh.until(() => mesh.row() === 'ada.1* | ben.1');
  for (const name of ['ada', 'ben']) mesh.member(name).kill();
  mesh.member('ada').disk.loseTail(3_000);
  expect(mesh.contents('ada')).toBe('');
  expect(mesh.contents('ben')).not.toBe('');
  mesh.reunite('ben');
  // Until the registrar knows that nobody is left.
  await mesh.pass(10_000);
  return mesh;
}

test('S60 smaller', async () => {
  const mesh = await loseTail();
  mesh.member('ada').start();
  await mesh.join('ada');
  const read = mesh.get('dora', 'k', { timeoutMs: 120_000 });
  await mesh.pass(20_000);
  expect(read.told).toBe('open');

  mesh.member('ben').start();
  expect(await mesh.over(read, 30_000)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('S61 revived-early', async () => {
  const mesh = await loseTail();
  for (const name of ['ada', 'ben']) mesh.member(name).start();
  const read = mesh.get('dora', 'k', { timeoutMs: 120_000 });
  // Revived on both, and then the one that lacks it is alone, before they are equal.
  const settling = [
    mesh.hold('ada', 'ben', ['take-epoch', 'settle-keys']),
    mesh.hold('ben', 'ada', ['take-epoch', 'taken']),
  ];
  await mesh.until(() => mesh.row() === 'ada.2* ben.2 unsettled', 30_000);
  mesh.isolate('ben');
  await mesh.pass(15_000);
  expect(mesh.row()).toMatch(/ unsettled$/);
  expect(mesh.row()).toContain('ben.2');
  expect(read.told).toBe('open');

  for (const hold of settling) hold.lose();
  mesh.reunite('ben');
  expect(await mesh.over(read, 60_000)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});
