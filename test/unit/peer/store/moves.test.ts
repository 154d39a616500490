// Slots move between members while readers and writers are at work on every key.

import { describe, expect, test } from 'vitest';
import { createHarness, compareVersions, getOf, putOf, textOf, until, versionOfAnswer, SLOTS, slotOf, type Harness } from './store-harness.ts';
import type { Version } from '@shoal/shared';

async function founded(...names: string[]): Promise<Harness> {
  const harness = createHarness();
  for (const name of names) harness.add(name);
  harness.found(names[0] ?? '');
  await harness.clock.advance(100);
  return harness;
}

describe('moving slots', () => {
  test('an empty slot moves by the wish and is served at its new owner', async () => {
    const mesh = await founded('ada', 'ben');

    mesh.wish(() => 'ben');
    await mesh.clock.advance(500);

    expect(mesh.rows.every(({ owner }) => owner === mesh.member('ben').id)).toBe(true);
    expect(mesh.member('ben').store.view()).toMatchObject({ owned: SLOTS, moving: 0 });
    expect(mesh.member('ada').store.view()).toMatchObject({ owned: 0, moving: 0 });
    await until(mesh.clock, mesh.ask(putOf('a', 'one')));
    expect(textOf(await until(mesh.clock, mesh.ask(getOf('a'))))).toBe('one');
    await mesh.close();
  });

  test('what was stored moves along, and the old owner keeps nothing', async () => {
    const mesh = await founded('ada', 'ben');
    for (let n = 0; n < 200; n += 1) await until(mesh.clock, mesh.ask(putOf(`key ${n}`, `value ${n}`)));

    mesh.wish(() => 'ben');
    await mesh.clock.advance(2_000);

    expect(mesh.member('ben').store.view().owned).toBe(SLOTS);
    for (let n = 0; n < 200; n += 1) expect(textOf(await until(mesh.clock, mesh.ask(getOf(`key ${n}`))))).toBe(`value ${n}`);
    expect(await mesh.member('ada').storage.slots()).toEqual([]);
    await mesh.close();
  });

  test('20 moves with readers and writers on every key lose nothing and fail nothing', async () => {
    const mesh = await founded('ada', 'ben', 'cleo');
    const keys = Array.from({ length: 12 }, (_, n) => `hot ${n}`);
    let isOver = false;
    let operations = 0;
    const acked = new Map<string, { version: Version; text: string }>();

    const writer = async (key: string): Promise<void> => {
      for (let n = 0; !isOver; n += 1) {
        const text = `${key} = ${n}`;
        const answer = await mesh.ask(putOf(key, text));
        expect(answer.result.kind).toBe('done');
        const version = versionOfAnswer(answer);
        const last = acked.get(key);
        if (last !== undefined) expect(compareVersions(version, last.version)).toBeGreaterThan(0);
        acked.set(key, { version, text });
        operations += 1;
      }
    };
    const reader = async (key: string): Promise<void> => {
      let seen: Version | undefined;
      while (!isOver) {
        const before = acked.get(key);
        const answer = await mesh.ask(getOf(key));
        if (before === undefined && answer.result.kind === 'absent') continue;
        expect(answer.result.kind).toBe('value');
        const version = versionOfAnswer(answer);
        if (before !== undefined) expect(compareVersions(version, before.version)).toBeGreaterThanOrEqual(0);
        if (seen !== undefined) expect(compareVersions(version, seen)).toBeGreaterThanOrEqual(0);
        seen = version;
        operations += 1;
      }
    };
    const work = Promise.all(keys.flatMap((key) => [writer(key), reader(key)]));
    const names = ['ben', 'cleo', 'ada'];
    for (let move = 0; move < 20; move += 1) {
      mesh.wish((slot) => names[(move + (move % 2) * slot) % 3] ?? 'ada');
      await mesh.clock.advance(400);
      expect(mesh.rows.every(({ slot, owner }) => owner === mesh.member(names[(move + (move % 2) * slot) % 3] ?? 'ada').id)).toBe(true);
    }
    isOver = true;
    await until(mesh.clock, work);

    expect(operations).toBeGreaterThan(1_000);
    for (const key of keys) expect(textOf(await until(mesh.clock, mesh.ask(getOf(key))))).toBe(acked.get(key)?.text);
    expect(slotOf('hot 1')).toBeLessThan(SLOTS);
    await mesh.close();
  });
});
