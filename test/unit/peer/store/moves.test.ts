// Slots move between members while readers and writers are at work on every key.

import { describe, expect, test } from 'vitest';
import {
  createDeferred,
  limits,
  MeshError,
  NO_PAYLOAD,
  requireKey,
  slotOfKey,
  type PutFrame,
  type Slot,
  type Version,
} from '@shoal/shared';
import {
  createHarness,
  compareVersions,
  getOf,
  LATENCY_MS,
  nextId,
  putOf,
  textOf,
  until,
  versionOfAnswer,
  SLOTS,
  slotOf,
  type Harness,
} from './store-harness.ts';

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
    for (let n = 0; n < 200; n += 1)
      expect(textOf(await until(mesh.clock, mesh.ask(getOf(`key ${n}`))))).toBe(`value ${n}`);
    expect(await mesh.member('ada').storage.slots()).toEqual([]);
    await mesh.close();
  });

  test('20 moves with readers and writers on every key lose nothing and fail nothing', async () => {
    const mesh = await founded('ada', 'ben', 'cleo');
    const keys = Array.from({ length: 6 }, (_, n) => `hot ${n}`);
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
      await mesh.clock.advance(200);
      expect(
        mesh.rows.every(({ slot, owner }) => owner === mesh.member(names[(move + (move % 2) * slot) % 3] ?? 'ada').id),
      ).toBe(true);
    }
    isOver = true;
    await until(mesh.clock, work);

    expect(operations).toBeGreaterThan(1_000);
    for (const key of keys) expect(textOf(await until(mesh.clock, mesh.ask(getOf(key))))).toBe(acked.get(key)?.text);
    await mesh.close();
  }, 60_000);

  test('a move stops a slot while its hand-over is proposed, and no longer', async () => {
    const mesh = await founded('ada', 'ben');
    for (let n = 0; n < 200; n += 1) await until(mesh.clock, mesh.ask(putOf(`key ${n}`, `value ${n}`)));

    mesh.wish(() => 'ben');
    await mesh.clock.advance(2_000);

    const { stops } = mesh.member('ada').store.view();
    expect(stops).toMatchObject({ moves: SLOTS, forced: 0 });
    expect(stops.longestMs).toBeGreaterThan(0);
    // There and back, and as long again for the row.
    expect(stops.longestMs).toBeLessThanOrEqual(4 * LATENCY_MS);
    expect(stops.p99Ms).toBe(stops.longestMs);
    await mesh.close();
  });

  test('writes that never rest wait a second after the stream, for one round trip', async () => {
    const mesh = await founded('ada', 'ben');
    const slot = slotOf('{t}0');
    let isOver = false;
    let longestMs = 0;
    let startedMs = 0;
    const writer = async (n: number): Promise<void> => {
      for (let count = 0; !isOver; count += 1) {
        const beganMs = mesh.clock.monotonicMs();
        expect((await mesh.ask(putOf(`{t}${n}`, `${count}`))).result.kind).toBe('done');
        longestMs = Math.max(longestMs, mesh.clock.monotonicMs() - beganMs);
      }
    };
    const work = Array.from({ length: 8 }, (_, n) => n).map((n) =>
      new Promise<void>((resolve) => mesh.clock.setTimer(resolve, n)).then(() => writer(n)),
    );
    await mesh.clock.advance(100);
    mesh.wish((each) => (each === slot ? 'ben' : 'ada'));
    startedMs = mesh.clock.monotonicMs();
    while (mesh.ownerOf(slot).name === 'ada' && mesh.clock.monotonicMs() - startedMs < 3_000)
      await mesh.clock.advance(10);
    isOver = true;
    await until(mesh.clock, Promise.all(work));

    expect(mesh.ownerOf(slot).name).toBe('ben');
    expect(mesh.clock.monotonicMs() - startedMs).toBeGreaterThan(limits.handOffQuietMs);
    expect(mesh.member('ada').store.view().stops).toMatchObject({ moves: 1, forced: 1 });
    expect(mesh.member('ada').store.view().stops.longestMs).toBeLessThanOrEqual(10 * LATENCY_MS);
    expect(longestMs).toBeLessThan(20 * LATENCY_MS);
    await mesh.close();
  });

  test('a third of 4,096 slots with a key in every other moves within three seconds', async () => {
    const mesh = createHarness({ slots: 4_096 });
    mesh.add('ada');
    const ben = mesh.add('ben');
    mesh.found('ada');
    await mesh.clock.advance(10);
    const ada = mesh.member('ada').store;
    const signal = new AbortController().signal;
    await until(
      mesh.clock,
      Promise.all(
        Array.from({ length: 2_000 }, (_, n) => {
          const put = putOf(`key ${n}`, `${n}`);
          return ada.put({ ...put, slot: slotOfKey(requireKey(`key ${n}`), 4_096) }, { signal });
        }),
      ),
    );

    mesh.wish((slot) => (slot < 1_365 ? 'ben' : 'ada'));
    await mesh.clock.advance(3_000);

    expect(ben.store.view()).toMatchObject({ owned: 1_365, moving: 0 });
    await mesh.close();
  }, 60_000);

  test('large values move in bounded messages, the largest alone', async () => {
    const mesh = await founded('ada', 'ben');
    const sizes = [limits.valueBytes, 3_000_000, 700_000, 700_000, 10];
    for (const [n, size] of sizes.entries()) await until(mesh.clock, mesh.ask(largePut(`{t}${n}`, size)));

    mesh.wish(() => 'ben');
    await mesh.clock.advance(1_000);

    expect(mesh.ownerOf(slotOf('{t}0')).name).toBe('ben');
    for (const [n, size] of sizes.entries()) {
      const { payload } = await until(mesh.clock, mesh.ask(getOf(`{t}${n}`)));
      expect(payload.byteLength).toBe(size);
      expect(payload.at(-1)).toBe(7);
    }
    expect(mesh.member('ada').sent.get('records')).toBe(4);
    await mesh.close();
  }, 30_000);

  test('a write done at the old owner is remembered at the new one', async () => {
    const mesh = await founded('ada', 'ben');
    const put = putOf('a', 'one');
    const first = await until(mesh.clock, mesh.ask(put));
    await until(mesh.clock, mesh.ask(putOf('a', 'two')));
    mesh.wish(() => 'ben');
    await mesh.clock.advance(500);

    const again = await until(mesh.clock, mesh.ask({ ...put, ageMs: 600 }));

    expect(again.result).toEqual(first.result);
    expect(textOf(await until(mesh.clock, mesh.ask(getOf('a'))))).toBe('two');
    await mesh.close();
  });

  test('deletes move along: what is absent stays absent', async () => {
    const mesh = await founded('ada', 'ben');
    await until(mesh.clock, mesh.ask(putOf('a', 'one')));
    const deleted = await until(mesh.clock, mesh.ask(putOf('a', undefined)));
    mesh.wish(() => 'ben');
    await mesh.clock.advance(500);

    expect(await until(mesh.clock, mesh.ask(getOf('a')))).toMatchObject({
      result: { kind: 'absent', version: versionOfAnswer(deleted) },
    });
    await mesh.close();
  });

  test('a learner loses what the owner lacks, and only what differs is sent again', async () => {
    const mesh = await founded('ada', 'ben');
    for (let n = 0; n < 20; n += 1) await until(mesh.clock, mesh.ask(putOf(`{t}${n}`, `${n}`)));
    // The first hand-off copies everything, and is refused at its end.
    mesh.refuse = () => 'away';
    mesh.wish(() => 'ben');
    await mesh.clock.advance(300);
    mesh.wish(() => 'ada');
    const ben = mesh.member('ben');
    const slot = slotOf('{t}0');
    expect(await ben.storage.slots()).toContain(slot);
    const head = await ben.storage.getHead(slot, requireKey('{t}3'));
    if (head === undefined) throw new Error('nothing was copied');
    // A key that the owner never had, as a lost tail may leave it.
    await ben.storage.write([
      { kind: 'put', slot, key: requireKey('{t}ghost'), record: { head, value: new Uint8Array(1) } },
    ]);
    await until(mesh.clock, mesh.ask(putOf('{t}3', 'news')));
    const recordsBefore = mesh.member('ada').sent.get('records') ?? 0;

    mesh.refuse = undefined;
    await mesh.clock.advance(2_000);
    mesh.wish(() => 'ben');
    await mesh.clock.advance(3_000);

    expect(mesh.ownerOf(slot).name).toBe('ben');
    expect((await until(mesh.clock, mesh.ask(getOf('{t}ghost')))).result.kind).toBe('absent');
    expect(textOf(await until(mesh.clock, mesh.ask(getOf('{t}3'))))).toBe('news');
    expect((mesh.member('ada').sent.get('records') ?? 0) - recordsBefore).toBe(1);
    await mesh.close();
  });

  test('equal digests need no stream', async () => {
    const mesh = await founded('ada', 'ben');
    for (let n = 0; n < 20; n += 1) await until(mesh.clock, mesh.ask(putOf(`{t}${n}`, `${n}`)));
    mesh.refuse = () => 'away';
    mesh.wish(() => 'ben');
    await mesh.clock.advance(300);
    mesh.refuse = undefined;
    const partsBefore = mesh.member('ada').sent.get('part');

    await mesh.clock.advance(3_000);

    expect(mesh.ownerOf(slotOf('{t}0')).name).toBe('ben');
    expect(mesh.member('ada').sent.get('part')).toBe(partsBefore);
    await mesh.close();
  });
});

describe('hand-offs that come to nothing', () => {
  test('refused: the owner goes on serving', async () => {
    const mesh = await founded('ada', 'ben');
    await until(mesh.clock, mesh.ask(putOf('a', 'one')));
    mesh.refuse = () => 'incarnation';
    mesh.wish(() => 'ben');
    await mesh.clock.advance(100);

    expect(textOf(await until(mesh.clock, mesh.ask(getOf('a'))))).toBe('one');
    expect((await until(mesh.clock, mesh.ask(putOf('a', 'two')))).result.kind).toBe('done');
    expect(mesh.member('ada').store.view().owned).toBe(SLOTS);
    await mesh.close();
  });

  test('a learner whose link closes is given up; the slot moves when it is back', async () => {
    const mesh = await founded('ada', 'ben');
    for (let n = 0; n < 50; n += 1) await until(mesh.clock, mesh.ask(putOf(`key ${n}`, `${n}`)));
    mesh.wish(() => 'ben');
    await mesh.clock.advance(5);
    mesh.cut('ada', 'ben');
    expect(mesh.member('ada').store.view().moving).toBe(0);
    expect((await until(mesh.clock, mesh.ask(putOf('key 7', 'new')))).result.kind).toBe('done');

    mesh.mend('ada', 'ben');
    await mesh.clock.advance(5_000);

    expect(mesh.member('ben').store.view().owned).toBe(SLOTS);
    expect(textOf(await until(mesh.clock, mesh.ask(getOf('key 7'))))).toBe('new');
    await mesh.close();
  });

  test('a learner that is silent is given up after 4 s, and open writes are acknowledged then', async () => {
    const mesh = await founded('ada', 'ben');
    mesh.lose = (frame) => frame.kind === 'stored' || frame.kind === 'begun';
    mesh.wish(() => 'ben');
    await mesh.clock.advance(10);
    let isDone = false;
    const put = mesh.ask(putOf('a', 'one')).then((answer) => {
      isDone = true;
      return answer;
    });
    await mesh.clock.advance(3_000);
    expect(isDone).toBe(false);
    // Silent for good: each further hand-off would wait again.
    mesh.wish(() => 'ada');

    expect((await until(mesh.clock, put, 4_000)).result.kind).toBe('done');
    await mesh.close();
  });

  test('a learner that can not store resigns, and nobody loses anything', async () => {
    const mesh = createHarness();
    mesh.add('ada');
    let isBroken = true;
    mesh.add('ben', {
      beforeWrite: () => {
        if (isBroken) throw new MeshError('storage', 'broken');
      },
    });
    mesh.found('ada');
    await mesh.clock.advance(50);
    await until(mesh.clock, mesh.ask(putOf('a', 'one')));
    mesh.wish(() => 'ben');
    await mesh.clock.advance(500);
    expect(mesh.ownerOf(slotOf('a')).name).toBe('ada');
    expect((await until(mesh.clock, mesh.ask(putOf('a', 'two')))).result.kind).toBe('done');

    isBroken = false;
    await mesh.clock.advance(5_000);

    expect(mesh.ownerOf(slotOf('a')).name).toBe('ben');
    expect(textOf(await until(mesh.clock, mesh.ask(getOf('a'))))).toBe('two');
    await mesh.close();
  });

  test('while the registrar is away slots go on serving; at most what was sealed before waits', async () => {
    const mesh = await founded('ada', 'ben');
    const back = createDeferred<void>();
    mesh.registrarAway = back.promise;
    mesh.wish((slot) => (slot === slotOf('sealed') ? 'ben' : 'ada'));
    await mesh.clock.advance(3_000);
    mesh.wish(() => 'ben');
    await mesh.clock.advance(3_000);
    const others = ['a', 'b', 'c', 'd', 'e'].filter((key) => slotOf(key) !== slotOf('sealed'));

    for (const key of others) expect((await until(mesh.clock, mesh.ask(putOf(key, 'x')))).result.kind).toBe('done');

    const waiting = mesh.ask(putOf('sealed', 'x'));
    back.resolve();
    mesh.registrarAway = undefined;
    expect((await until(mesh.clock, waiting)).result.kind).toBe('done');
    await mesh.clock.advance(5_000);
    expect(mesh.member('ben').store.view().owned).toBe(SLOTS);
    await mesh.close();
  });

  test('a learner serves nothing', async () => {
    const mesh = await founded('ada', 'ben');
    await until(mesh.clock, mesh.ask(putOf('a', 'one')));
    mesh.lose = (frame) => frame.kind === 'check';
    mesh.wish(() => 'ben');
    await mesh.clock.advance(100);
    expect(mesh.member('ben').store.view().moving).toBeGreaterThan(0);

    const answer = await mesh.member('ben').store.get(getOf('a'), { signal: new AbortController().signal });

    expect(answer.result).toMatchObject({ kind: 'moved', row: { owner: mesh.member('ada').id } });
    await mesh.close();
  });

  test('a failed write at the owner ends the hand-off, and the next one copies what is true', async () => {
    const mesh = createHarness();
    let failing = '';
    mesh.add('ada', {
      beforeWrite: (batch) => {
        if (batch.some(({ key }) => key === failing)) throw new MeshError('storage', 'broken');
      },
    });
    mesh.add('ben');
    mesh.found('ada');
    await mesh.clock.advance(50);
    await until(mesh.clock, mesh.ask(putOf('a', 'one')));
    mesh.lose = (frame) => frame.kind === 'check';
    mesh.wish(() => 'ben');
    await mesh.clock.advance(4);
    failing = 'a';
    const answer = await until(mesh.clock, mesh.ask(putOf('a', 'two')));
    failing = '';
    mesh.lose = undefined;
    await mesh.clock.advance(10_000);

    expect(['unknown-outcome', 'done']).toContain(
      answer.result.kind === 'refused' ? answer.result.error.code : answer.result.kind,
    );
    expect(mesh.ownerOf(slotOf('a')).name).toBe('ben');
    const text = textOf(await until(mesh.clock, mesh.ask(getOf('a'))));
    expect(text).toBe(answer.result.kind === 'done' ? 'two' : 'one');
    await mesh.close();
  });
});

function largePut(key: string, size: number): PutFrame {
  const payload = size === 0 ? NO_PAYLOAD : new Uint8Array(size).fill(7);
  const put = putOf(key, 'x');
  return {
    ...put,
    id: nextId(),
    slot: slotOf(key) as Slot,
    writes: put.writes.map((write) => ({ ...write, sizeBytes: size })),
    payload,
  };
}
