// Slot epochs: what is of another one, and who has not learned of it.

import { requireKey, slotOfKey, type Configuration, type Incarnation, type PeerId, type Slot } from '@shoal/shared';
import { expect, test } from 'vitest';
import { stepSlot } from '../../../peer/src/store/slot-state.ts';
import { begin } from './script.ts';

function keyOf(slot: number, slots: number): string {
  for (let number = 0; ; number += 1) {
    const key = `k${number}`;
    if (slotOfKey(requireKey(key), slots) === slot) return key;
  }
}

test('S15 one-number', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node', cleo: 'node' }, copies: ['ada', 'ben'], slots: 2 });
  const key = keyOf(1, 2);
  // Ada hears of each change of slot 0 a second later than ben does, and owns slot 1.
  mesh.wish(['ben', 'cleo'], 0);
  await mesh.until(() => mesh.row(0) === 'ben.1* cleo.1');
  mesh.paths.slow('registrar', 'ada', 1_000);
  for (let round = 0; round < 10; round += 1) {
    mesh.wish(round % 2 === 0 ? ['cleo', 'ben'] : ['ben', 'cleo'], 0);
    await mesh.until(() => mesh.row(0) === (round % 2 === 0 ? 'cleo.1* ben.1' : 'ben.1* cleo.1'));
    expect(await mesh.over(mesh.put('ada', key, `w${round}`), 1_500)).toMatchObject({ told: 'done', copies: 2 });
  }
  expect(mesh.row(1)).toBe('ada.1* ben.1');
  expect(mesh.judge()).toEqual([]);
});

test('S16 old-epoch', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node', cleo: 'node' } });
  const writes = ['ben', 'cleo'].map((name) => mesh.hold('ada', name, 'replicate'));
  const w1 = mesh.put('ada', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.until(() => writes.every(({ messages }) => messages.length === 1));

  // Ada's requests for leases don't reach ben, and she has no registrar; all else still comes.
  const beats = mesh.hold('ada', 'ben', 'heartbeat');
  mesh.cut('ada', 'registrar');
  await mesh.until(() => mesh.row() === 'ben.1* cleo.1 | ada.1');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });
  for (const write of writes) write.release();
  await mesh.pass(500);
  expect(mesh.contents('cleo')).toBe(mesh.contents('ben'));
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });

  mesh.member('ben').kill();
  await mesh.until(() => mesh.row() === 'cleo.1* | ada.1 ben.1');
  expect(await mesh.over(mesh.get('cleo', 'k'))).toMatchObject({ told: 'absent' });
  beats.release();
  mesh.heal('ada', 'registrar');
  await mesh.over(w1, 20_000);
  await mesh.over(mesh.get('cleo', 'k'));
  expect(mesh.judge()).toEqual([]);
});

test('S17 missed', async () => {
  const mesh = await begin();
  const writes = mesh.hold('ada', 'ben', 'replicate');
  const w1 = mesh.put('ada', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.until(() => writes.messages.length === 1);
  mesh.isolate('ada');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  writes.lose();

  // Ada comes back, is emptied and added and made the owner again: of that she learns the end alone.
  const repeats = mesh.hold('ada', 'ben', 'put');
  mesh.wish(['ben', 'ada']);
  const learned = mesh.hold('registrar', 'ada', 'delta', { only: () => mesh.row() !== 'ben.1* | ada.1' });
  mesh.reunite('ada');
  await mesh.until(() => mesh.row() === 'ben.1* ada.1', 20_000);
  learned.lose();
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  mesh.member('ben').kill();
  repeats.lose();
  await mesh.over(w1, 20_000);
  if (w1.told === 'done') expect(mesh.contents('ada')).not.toBe('');
  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: w1.told === 'done' ? 'w1' : 'absent' });
  expect(mesh.judge()).toEqual([]);

  // To learn nothing in between an owner would have to be made one by others: its machine then begins anew.
  const copies = ['ada', 'ben'].map((name) => ({
    member: name as PeerId,
    incarnation: name as Incarnation,
    durability: 'strict' as const,
  }));
  const row: Configuration = {
    slot: 0 as Slot,
    epoch: 4,
    owner: 'ada' as PeerId,
    copies,
    dropped: [],
    settled: true,
    emptyBefore: 1,
  };
  const serving = { role: 'serving', epoch: 1, counter: 1, open: 1 } as const;
  const { state, effects } = stepSlot(serving, { kind: 'row', row, meaning: 'mine' });
  expect(state).toMatchObject({ role: 'settling', epoch: 4 });
  expect(effects).toContainEqual({ kind: 'deactivate', records: 'keep' });
});

test('S18 circles', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node', cleo: 'node' }, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  const news = ['ben', 'cleo'].map((name) => mesh.hold('registrar', name, 'delta'));
  mesh.wish(['ben', 'ada']);
  await mesh.until(() => mesh.row() === 'ben.1* ada.1');

  const asked = ['ada', 'ben'].map((name) => mesh.hold('cleo', name, 'get', { twice: true }));
  const read = mesh.get('cleo', 'k');
  await mesh.pass(3_000);
  expect(asked.map(({ messages }) => messages.length)).toEqual([1, 1]);
  expect(read.told).toBe('open');
  for (const each of news) each.release();
  expect(await mesh.over(read, 1_000)).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});
