// A write whose answer was lost is tried again by who asked for it, and takes effect once.

import { expect, test } from 'vitest';
import type { Call } from './calls.ts';
import { begin, type ScriptedMesh } from './script.ts';

const MEMBERS = { ada: 'node', ben: 'node', cleo: 'node' } as const;

/** Ada has carried out what cleo asks for, and dies with the answer. Cleo's next try has not come to ben, who owns it now. */
async function loseAnswer(
  mesh: ScriptedMesh,
  ask: () => Call,
): Promise<{ readonly call: Call; readonly tries: { release(): void } }> {
  const answers = mesh.hold('ada', 'cleo', 'data');
  const tries = mesh.hold('cleo', 'ben', 'put');
  const call = ask();
  await mesh.until(() => answers.messages.length === 1);
  mesh.member('ada').kill();
  answers.lose();
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  await mesh.until(() => tries.messages.length > 0);
  expect(call.told).toBe('open');
  return { call, tries };
}

test('S34 twice', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  const { call, tries } = await loseAnswer(mesh, () => mesh.put('cleo', 'k', '1', { timeoutMs: 60_000 }));
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: '1' });
  await mesh.over(mesh.put('ben', 'k', '2'));
  tries.release();

  expect(await mesh.over(call)).toMatchObject({ told: 'done' });
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: '2' });
  expect(mesh.judge()).toEqual([]);
});

test('S35 lock', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  const { version } = await mesh.over(mesh.put('cleo', 'lock', 'free'));
  const { call, tries } = await loseAnswer(mesh, () =>
    mesh.cas('cleo', 'lock', 'mine', { was: 'free', expected: version ?? null, timeoutMs: 60_000 }),
  );
  tries.release();

  expect(await mesh.over(call)).toMatchObject({ told: 'done' });
  expect(await mesh.over(mesh.get('cleo', 'lock'))).toMatchObject({ told: 'mine' });
  expect(mesh.judge()).toEqual([]);
});

test('S36 remade', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'first'));
  const { call, tries } = await loseAnswer(mesh, () => mesh.delete('cleo', 'k', { timeoutMs: 60_000 }));
  await mesh.over(mesh.put('ben', 'k', 'again'));
  tries.release();

  expect(await mesh.over(call)).toMatchObject({ told: 'done' });
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'again' });
  expect(mesh.judge()).toEqual([]);
});

test('S36 remade, after a revival, which remembers nothing', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('cleo', 'k', 'first'));
  const answers = mesh.hold('ada', 'cleo', 'data');
  const tries = ['ada', 'ben'].map((name) => mesh.hold('cleo', name, 'put'));
  tries[0]?.release();
  const call = mesh.delete('cleo', 'k', { timeoutMs: 60_000 });
  await mesh.until(() => answers.messages.length === 1);
  const later = mesh.hold('cleo', 'ada', 'put');
  for (const name of ['ada', 'ben']) mesh.member(name).kill();
  answers.lose();
  await mesh.pass(1_000);
  for (const name of ['ada', 'ben']) mesh.member(name).start();
  await mesh.until(() => ['ada.2* ben.2', 'ben.2* ada.2'].includes(mesh.row()), 30_000);
  const owner = mesh.row().slice(0, 3);
  await mesh.over(mesh.put(owner, 'k', 'again'));
  later.release();
  tries[1]?.release();

  await mesh.over(call, 60_000);
  expect(call.told).toBe('unknown-outcome');
  expect(await mesh.over(mesh.get(owner, 'k'))).toMatchObject({ told: 'again' });
  expect(mesh.judge()).toEqual([]);
});

test('S37 late-refusal', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  await mesh.over(mesh.put('ben', 'k', 'there'));

  // One try is refused; an earlier one of the same request still hangs on a slow way.
  const slow = mesh.hold('cleo', 'ada', 'put', { twice: true });
  const create = mesh.cas('cleo', 'k', 'new', { was: undefined, expected: null });
  expect(await mesh.over(create)).toMatchObject({ told: 'version' });
  expect(await mesh.over(mesh.delete('ben', 'k'))).toMatchObject({ told: 'done' });
  slow.release();
  await mesh.pass(1_000);

  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });
  expect(mesh.judge()).toEqual([]);
});

test('who waits for a link to the owner of before asks the new one as soon as it is known', async () => {
  const mesh = await begin({ members: MEMBERS, copies: ['ada', 'ben'] });
  const news = mesh.hold('registrar', 'cleo', 'delta');
  mesh.process('ada').freeze();
  const write = mesh.put('cleo', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  // By now cleo has given up her link to ada, and dials anew.
  await mesh.pass(2_000);
  expect(write.told).toBe('open');
  news.release();

  expect(await mesh.over(write, 500)).toMatchObject({ told: 'done' });
  expect(mesh.judge()).toEqual([]);
});
