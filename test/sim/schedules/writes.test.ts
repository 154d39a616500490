// Versions, writes that stay open, and writes that fail.

import { MeshError } from '@shoal/shared';
import { expect, test } from 'vitest';
import { createGroupCommit } from '../../../peer/src/adapters/group-commit.ts';
import { begin } from './script.ts';

test('S24 no-epoch', async () => {
  const mesh = await begin();
  const writes = mesh.hold('ada', 'ben', 'replicate');
  const w1 = mesh.put('ada', 'k', 'w1', { timeoutMs: 2_000 });
  await mesh.until(() => writes.messages.length === 1);
  mesh.isolate('ada');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  const w2 = await mesh.over(mesh.put('ben', 'k', 'w2'));
  expect([w1.told, w2.told]).toEqual(['deadline', 'done']);
  writes.lose();

  // Each gave its write the first counter of the slot.
  mesh.wish(['ben', 'ada']);
  mesh.reunite('ada');
  await mesh.until(() => mesh.row() === 'ben.1* ada.1', 20_000);
  expect(mesh.contents('ada')).toBe(mesh.contents('ben'));
  mesh.member('ben').kill();
  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: 'w2', version: w2.version });
  expect(mesh.judge()).toEqual([]);
});

test('S25 aba', async () => {
  const mesh = await begin({ memories: { tombstoneMs: 5_000, retryMemoryMs: 4_000 } });
  const first = await mesh.over(mesh.put('ada', 'k', 'w1'));
  await mesh.over(mesh.delete('ada', 'k'));
  await mesh.until(() => mesh.contents('ada') === '' && mesh.contents('ben') === '', 60_000);
  const second = await mesh.over(mesh.put('ada', 'k', 'w2'));

  expect(second.version).not.toEqual(first.version);
  const cas = mesh.cas('ada', 'k', 'w3', { was: 'w1', ...(first.version && { expected: first.version }) });
  expect(await mesh.over(cas)).toMatchObject({ told: 'version' });
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w2' });
  expect(mesh.judge()).toEqual([]);
});

test('S26 last-arrival', async () => {
  const mesh = await begin();
  const written: string[] = [];
  const late = mesh.hold('ada', 'ben', 'replicate', { only: () => written.length === 0 });
  const w1 = mesh.put('ada', 'k', 'w1');
  await mesh.until(() => late.messages.length === 1);
  written.push('w1');
  // Ben hears ada and owes her the acknowledgement: he is dropped.
  await mesh.until(() => mesh.row() === 'ada.1* | ben.1');
  mesh.wish(['ada']);
  expect(await mesh.over(w1)).toMatchObject({ told: 'done', copies: 1 });
  await mesh.over(mesh.put('ada', 'k', 'w2'));
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  await mesh.pass(100);

  // Another one that comes twice, once more after what followed it.
  const again = mesh.hold('ada', 'ben', 'replicate', { twice: true, only: () => !written.includes('w3') });
  await mesh.over(mesh.put('ada', 'k', 'w3'));
  written.push('w3');
  await mesh.over(mesh.put('ada', 'k', 'w4'));
  for (const hold of [late, again]) {
    expect(hold.messages.length).toBe(1);
    hold.release();
    await mesh.pass(100);
    expect(mesh.contents('ben')).toBe(mesh.contents('ada'));
  }
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w4' });
  expect(mesh.judge()).toEqual([]);
});

test('S27 dirty', async () => {
  const mesh = await begin();
  const writes = mesh.hold('ada', 'ben', 'replicate');
  const w1 = mesh.put('ada', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.until(() => mesh.contents('ada') !== '');
  const read = mesh.get('ada', 'k', { timeoutMs: 60_000 });
  await mesh.pass(500);
  expect(read.told).toBe('open');

  mesh.isolate('ada');
  writes.lose();
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });
  mesh.reunite('ada');
  await mesh.over(read);
  await mesh.over(w1);
  expect(mesh.judge()).toEqual([]);
});

test('S28 cancelled', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node', cleo: 'node' } });
  const writes = mesh.hold('ada', 'cleo', 'replicate');
  const controller = new AbortController();
  const w1 = mesh.put('ada', 'k', 'w1', { signal: controller.signal });
  await mesh.until(() => mesh.contents('ben') !== '' && writes.messages.length === 1);
  controller.abort();
  expect(await mesh.over(w1, 100)).toMatchObject({ told: 'aborted' });

  // What was on its way to cleo is lost with the link.
  writes.lose();
  mesh.network.lose(mesh.process('ada'), mesh.process('cleo'), 10);
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.row()).toBe('ada.1* ben.1 cleo.1');
  expect(mesh.contents('cleo')).toBe(mesh.contents('ada'));
  expect(mesh.contents('ben')).toBe(mesh.contents('ada'));
  expect(mesh.judge()).toEqual([]);
});

test('S29 quota', async () => {
  const stored: number[] = [];
  const group = createGroupCommit<number>({
    async commit(sizes) {
      await Promise.resolve();
      if (sizes.some((bytes) => bytes > 1_000)) throw new MeshError('storage-full', 'This disk is full.');
      stored.push(...sizes);
    },
  });
  // The first is being written while the 64 collect.
  const first = group.write(0, { bytes: 0 });
  const writes = Array.from({ length: 64 }, (_, number) => (number === 40 ? 2_000 : number + 1));
  const outcomes = await Promise.allSettled(writes.map((bytes) => group.write(bytes, { bytes })));
  await first;

  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(outcomes[40]).toMatchObject({ reason: { code: 'storage-full' } });
  expect(stored).toEqual([0, ...writes.filter((bytes) => bytes <= 1_000)]);
});

test('S30 failed-appears', async () => {
  const mesh = await begin();
  mesh.member('ada').disk.failing(1);
  expect(await mesh.over(mesh.put('ada', 'k', 'w1'))).toMatchObject({ told: 'done' });

  expect(mesh.row()).toMatch(/^ben\.1\*/);
  mesh.member('ada').kill();
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});

test('an owner that fails while its learner may become a copy gives the slot away', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node', cleo: 'node' }, copies: ['ada'], replicas: 2 });
  await mesh.over(mesh.put('cleo', 'k', 'w1'));
  const proposals = mesh.hold('ada', 'registrar', 'propose');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => proposals.messages.length > 0);
  mesh.member('ada').disk.failing(1);
  const write = mesh.put('cleo', 'k', 'w2', { timeoutMs: 60_000 });
  await mesh.until(() => mesh.contents('ben') !== mesh.contents('ada'));
  await mesh.pass(1_000);
  proposals.release();
  await mesh.until(() => mesh.row().startsWith('ben.1*'), 20_000);
  mesh.member('ada').disk.failing(0);

  await mesh.over(write, 20_000);
  await mesh.until(() => mesh.row() === 'ben.1* ada.1', 20_000);
  expect(mesh.contents('ada')).toBe(mesh.contents('ben'));
  expect(mesh.judge()).toEqual([]);
});
