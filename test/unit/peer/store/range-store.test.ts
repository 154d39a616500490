import { createDeferred, limits, MeshError, requireKey, slotOfKey, type Slot } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createHarness,
  getOf,
  putOf,
  slotOf,
  SLOTS,
  textOf,
  until,
  versionOfAnswer,
  type Harness,
  type Member,
} from './store-harness.ts';
import type { StoreAnswer } from '../../../../peer/src/store/range-store.ts';

const signal = new AbortController().signal;

describe('range store', () => {
  let mesh: Harness;
  let ada: Member;
  let failing: string | undefined;
  let hold: Promise<void> | undefined;
  let free = Infinity;

  beforeEach(async () => {
    mesh = createHarness();
    failing = undefined;
    hold = undefined;
    free = Infinity;
    ada = mesh.add('ada', {
      freeBytes: () => free,
      beforeWrite: async (batch) => {
        await hold;
        if (batch.some(({ key }) => key === failing)) throw new MeshError('storage', 'The disk is broken here.');
      },
    });
    mesh.found('ada');
    await mesh.clock.advance(50);
  });
  afterEach(() => mesh.close());

  const ask = (frame: ReturnType<typeof getOf> | ReturnType<typeof putOf>): Promise<StoreAnswer> =>
    until(mesh.clock, mesh.ask(frame));
  const refusalOf = ({ result }: StoreAnswer): string => (result.kind === 'refused' ? result.error.code : result.kind);

  test('gets what was put, with version and media type', async () => {
    const put = await ask(putOf('a', 'one'));
    const got = await ask(getOf('a'));

    expect(put.result).toMatchObject({ kind: 'done', copies: 1 });
    expect(got.result).toEqual({
      kind: 'value',
      version: versionOfAnswer(put),
      mediaType: 'text/plain',
      contentNamed: false,
      sizeBytes: 3,
    });
    expect(textOf(got)).toBe('one');
  });

  test('says absent of a key that was never put, and of one that was deleted', async () => {
    expect((await ask(getOf('a'))).result).toEqual({ kind: 'absent' });
    await ask(putOf('a', 'one'));
    const deleted = await ask(putOf('a', undefined));

    expect((await ask(getOf('a'))).result).toEqual({ kind: 'absent', version: versionOfAnswer(deleted) });
  });

  test('a delete of what is not there is answered absent and writes nothing', async () => {
    expect((await ask(putOf('a', undefined))).result).toEqual({ kind: 'absent' });
    expect(await ada.storage.slots()).toEqual([]);
  });

  test('gets a range, and `unchanged` unless there is something newer', async () => {
    const put = await ask(putOf('a', 'hello world'));

    expect(textOf(await ask(getOf('a', { range: { offset: 6, length: 3 } })))).toBe('wor');
    expect((await ask(getOf('a', { range: { offset: 6, length: 3 } }))).result).toMatchObject({ sizeBytes: 11 });
    expect((await ask(getOf('a', { newerThan: versionOfAnswer(put) }))).result.kind).toBe('unchanged');
    await ask(putOf('a', 'news'));
    expect(textOf(await ask(getOf('a', { newerThan: versionOfAnswer(put) })))).toBe('news');
  });

  test('compare-and-set: the right version wins, a wrong one is told the present', async () => {
    const first = await ask(putOf('a', 'one', { expected: null }));
    expect(first.result.kind).toBe('done');

    const again = await ask(putOf('a', 'two', { expected: null }));
    expect(again.result).toMatchObject({
      kind: 'refused',
      error: { code: 'version' },
      version: versionOfAnswer(first),
    });

    const second = await ask(putOf('a', 'two', { expected: versionOfAnswer(first) }));
    expect(second.result.kind).toBe('done');
    expect(refusalOf(await ask(putOf('a', 'three', { expected: versionOfAnswer(first) })))).toBe('version');
    expect(textOf(await ask(getOf('a')))).toBe('two');
  });

  test('of a hundred that compare and set at once one wins', async () => {
    const answers = await until(
      mesh.clock,
      Promise.all(Array.from({ length: 100 }, (_, n) => mesh.ask(putOf('lock', `${n}`, { expected: null })))),
    );

    expect(answers.filter(({ result }) => result.kind === 'done')).toHaveLength(1);
    expect(answers.filter((answer) => refusalOf(answer) === 'version')).toHaveLength(99);
  });

  test('a put of several keys is one: all or none, one version', async () => {
    const [a, b, c] = ['{t}a', '{t}b', '{t}c'].map(requireKey);
    const put = putOf('{t}a', 'x');
    const write = put.writes[0];
    if (a === undefined || b === undefined || c === undefined || write === undefined) throw new Error('keys');
    const payload = new Uint8Array(17).fill(120);
    const many = {
      ...put,
      writes: [write, { ...write, key: b }, { ...write, key: c, expected: { epoch: 1, counter: 99 } }],
      payload,
    };

    expect(refusalOf(await ask(many))).toBe('version');
    expect((await ask(getOf('{t}a'))).result.kind).toBe('absent');

    const right = { ...many, id: putOf('x', 'x').id, writes: [write, { ...write, key: b }, { ...write, key: c }] };
    const done = await ask(right);
    expect(done.result.kind).toBe('done');
    for (const key of ['{t}a', '{t}b', '{t}c'])
      expect(versionOfAnswer(await ask(getOf(key)))).toEqual(versionOfAnswer(done));
  });

  test('more copies than there are is refused before anything is written', async () => {
    expect(refusalOf(await ask(putOf('a', 'one', { minCopies: 2 })))).toBe('degraded');
    expect((await ask(getOf('a'))).result.kind).toBe('absent');
  });

  test('a storage that is nearly full takes no puts, but deletes', async () => {
    await ask(putOf('a', 'one'));
    free = limits.storageReserveBytes + 2;
    await mesh.clock.advance(6_000);

    expect(refusalOf(await ask(putOf('b', 'too long')))).toBe('storage-full');
    expect((await ask(putOf('a', undefined))).result.kind).toBe('done');
    expect((await ask(getOf('b'))).result.kind).toBe('absent');
  });

  test('frames for keys of another slot or with broken values are refused', async () => {
    expect(
      refusalOf(await ada.store.get({ ...getOf('a'), slot: ((slotOf('a') + 1) % SLOTS) as Slot }, { signal })),
    ).toBe('bad-frame');
    expect(refusalOf(await ada.store.get({ ...getOf('a'), slot: 60_000 as Slot }, { signal }))).toBe('bad-frame');
    expect(refusalOf(await ada.store.put({ ...putOf('a', 'one'), payload: new Uint8Array(2) }, { signal }))).toBe(
      'bad-frame',
    );
    expect(refusalOf(await ada.store.put({ ...putOf('a', 'one'), writes: [] }, { signal }))).toBe('bad-frame');
  });

  describe('retries', () => {
    test('a put whose answer was lost and which is tried again is applied once', async () => {
      const put = putOf('a', 'one');
      const first = await ask(put);
      await ask(putOf('a', 'two'));

      const second = await ask({ ...put, ageMs: 500 });

      expect(second).toEqual(first);
      expect(textOf(await ask(getOf('a')))).toBe('two');
    });

    test('a repeat of an open put joins it', async () => {
      const disk = createDeferred<void>();
      hold = disk.promise;
      const put = putOf('a', 'one');
      const tries = Promise.all([mesh.ask(put), mesh.ask(put), mesh.ask({ ...put, ageMs: 10 })]);
      await mesh.clock.advance(100);
      disk.resolve();

      const answers = await until(mesh.clock, tries);

      expect(new Set(answers.map((answer) => JSON.stringify(answer.result))).size).toBe(1);
    });

    test('after a restart the record itself remembers', async () => {
      const put = putOf('a', 'one');
      const first = await ask(put);
      mesh.restart('ada');
      await mesh.clock.advance(50);

      const second = await ask({ ...put, ageMs: 2_000 });

      expect(second.result).toEqual(first.result);
    });

    test('after a restart a retry of a key that was written since is of unknown outcome, and does nothing', async () => {
      const put = putOf('a', 'one');
      await ask(put);
      await ask(putOf('a', 'two'));
      mesh.restart('ada');
      await mesh.clock.advance(50);

      expect(refusalOf(await ask({ ...put, ageMs: 2_000 }))).toBe('unknown-outcome');
      expect(textOf(await ask(getOf('a')))).toBe('two');
    });

    test('after a restart a retry of a key without any record was never carried out, and is now', async () => {
      mesh.restart('ada');
      await mesh.clock.advance(50);

      expect((await ask(putOf('new', 'one', { ageMs: 2_000 }))).result.kind).toBe('done');
    });

    test('older than the memory reaches is of unknown outcome', async () => {
      await ask(putOf('a', 'one'));
      await mesh.clock.advance(200_000);

      expect(refusalOf(await ask(putOf('a', 'two', { ageMs: 119_000 })))).toBe('unknown-outcome');
      expect((await ask(putOf('a', 'two', { ageMs: 60_000 }))).result.kind).toBe('done');
    });

    test('a refusal is certain: the same id is refused again, though it would pass now (S37)', async () => {
      await ask(putOf('a', 'one'));
      const create = putOf('a', 'mine', { expected: null });
      expect(refusalOf(await ask(create))).toBe('version');
      await ask(putOf('a', undefined));

      expect(refusalOf(await ask({ ...create, ageMs: 100 }))).toBe('version');
      expect((await ask(getOf('a'))).result.kind).toBe('absent');
    });

    test('cancelling frees the caller, not the write', async () => {
      const disk = createDeferred<void>();
      hold = disk.promise;
      const stop = new AbortController();
      const put = mesh.ask(putOf('a', 'one'), { signal: stop.signal });
      const failed = expect(put).rejects.toMatchObject({ code: 'aborted' });
      await mesh.clock.advance(20);
      stop.abort();
      await mesh.clock.advance(20);
      await failed;

      disk.resolve();

      expect(textOf(await ask(getOf('a')))).toBe('one');
    });
  });

  describe('a storage that fails to write', () => {
    test('ends that put with unknown-outcome; those beside it go through, and the key goes on', async () => {
      await ask(putOf('poor', 'before'));
      failing = 'poor';
      const answers = await until(
        mesh.clock,
        Promise.all(
          ['poor', ...Array.from({ length: 63 }, (_, n) => `rich ${n}`)].map((key) => mesh.ask(putOf(key, 'after'))),
        ),
      );

      expect(refusalOf(answers[0] as StoreAnswer)).toBe('unknown-outcome');
      expect(answers.slice(1).every(({ result }) => result.kind === 'done')).toBe(true);
      expect(textOf(await ask(getOf('poor')))).toBe('before');
      failing = undefined;
      expect((await ask(putOf('poor', 'again'))).result.kind).toBe('done');
      expect(textOf(await ask(getOf('poor')))).toBe('again');
      expect(ada.fatal).toEqual([]);
    });

    test('ends this incarnation if the storage does not answer at all', async () => {
      await ask(putOf('a', 'one'));
      ada.storage.vanish('the disk is gone');

      expect(ada.fatal).toHaveLength(1);
      expect(refusalOf(await ask(putOf('a', 'two')))).not.toBe('done');
    });
  });

  describe('waiting', () => {
    test('reads and writes of a key wait behind its open write', async () => {
      const disk = createDeferred<void>();
      hold = disk.promise;
      const order: string[] = [];
      const put = mesh.ask(putOf('a', 'one')).then(() => order.push('put'));
      await mesh.clock.advance(5);
      const get = mesh.ask(getOf('a')).then((answer) => order.push(textOf(answer) ?? answer.result.kind));
      const other = mesh.ask(getOf('b')).then((answer) => order.push(answer.result.kind));
      await mesh.clock.advance(50);
      expect(order).toEqual(['absent']);

      disk.resolve();
      await until(mesh.clock, Promise.all([put, get, other]));

      expect(order.toSorted()).toEqual(['absent', 'one', 'put']);
    });

    test('answers nothing while it may not serve, and all of it afterwards', async () => {
      await ask(putOf('a', 'one'));
      ada.mayServe = false;
      let answered = 0;
      const work = Promise.all(
        [mesh.ask(getOf('a')), mesh.ask(putOf('b', 'two'))].map((each) => each.then(() => (answered += 1))),
      );
      await mesh.clock.advance(5_000);
      expect(answered).toBe(0);

      ada.mayServe = true;
      ada.store.poke();
      await until(mesh.clock, work);

      expect(answered).toBe(2);
    });

    test('looks at the right to serve with the value in hand', async () => {
      await ask(putOf('a', 'x'.repeat(2_000)));
      let allowed = 1;
      Object.defineProperty(ada, 'mayServe', { configurable: true, get: () => (allowed -= 1) >= 0 });

      const stop = new AbortController();
      const get = ada.store.get(getOf('a'), { signal: stop.signal });
      const failed = expect(get).rejects.toMatchObject({ code: 'aborted' });
      await mesh.clock.advance(100);
      stop.abort();

      await failed;
    });

    test('a get that waits is answered when somebody puts', async () => {
      const get = mesh.ask(getOf('later', { wait: true }));
      await mesh.clock.advance(1_000);
      await ask(putOf('{later}not this', 'x'));
      await ask(putOf('later', 'now'));

      expect(textOf(await until(mesh.clock, get))).toBe('now');
    });

    test('a get that waits follows when the slot moves', async () => {
      mesh.add('ben');
      await mesh.clock.advance(10);
      const get = mesh.ask(getOf('later', { wait: true }));
      await mesh.clock.advance(100);
      mesh.wish(() => 'ben');
      await mesh.clock.advance(1_000);
      expect(mesh.ownerOf(slotOf('later')).name).toBe('ben');
      await ask(putOf('later', 'now'));

      expect(textOf(await until(mesh.clock, get))).toBe('now');
    });

    test('an aborted wait leaves nothing behind', async () => {
      const stop = new AbortController();
      const get = ada.store.get(getOf('later', { wait: true }), { signal: stop.signal });
      const failed = expect(get).rejects.toMatchObject({ code: 'aborted' });
      await mesh.clock.settle();
      stop.abort();

      await failed;
    });
  });

  describe('epochs', () => {
    test('an asker behind is told the newer row, even by the owner', async () => {
      mesh.announce(mesh.rows.map((row) => ({ ...row, epoch: 2 })));
      await mesh.clock.advance(20);

      const answer = await ada.store.get({ ...getOf('a'), epoch: 1 }, { signal });

      expect(answer.result).toMatchObject({ kind: 'moved', row: { epoch: 2, owner: ada.id } });
    });

    test('an asker ahead waits until the row has come', async () => {
      let answer: StoreAnswer | undefined;
      void ada.store.get({ ...getOf('a'), epoch: 2 }, { signal }).then((got) => (answer = got));
      await mesh.clock.advance(1_000);
      expect(answer).toBeUndefined();

      mesh.announce(mesh.rows.map((row) => ({ ...row, epoch: 2 })));
      await mesh.clock.advance(20);

      expect(answer?.result.kind).toBe('absent');
    });

    test('a member that is not the owner sends the asker on; one that knows no row refuses', async () => {
      const ben = mesh.add('ben');
      expect((await ben.store.get(getOf('a'), { signal })).result).toMatchObject({
        kind: 'moved',
        row: { owner: ada.id },
      });

      const fresh = createHarness();
      const cleo = fresh.add('cleo');
      expect(refusalOf(await cleo.store.get(getOf('a'), { signal }))).toBe('no-registrar');
      await fresh.close();
    });

    test('a newer process of this member: this one stops serving and deletes nothing', async () => {
      await ask(putOf('a', 'one'));
      const row = mesh.rows[slotOf('a')];
      if (row === undefined) throw new Error('row');
      const incarnation = '9'.repeat(16) as typeof ada.incarnation;
      ada.store.applyRows([
        {
          ...row,
          epoch: row.epoch + 1,
          settled: false,
          copies: [{ member: ada.id, incarnation, durability: 'relaxed' }],
        },
      ]);
      await mesh.clock.advance(100);

      let isAnswered = false;
      const stop = new AbortController();
      ada.store.get(getOf('a'), { signal: stop.signal }).then(
        () => (isAnswered = true),
        () => undefined,
      );
      await mesh.clock.advance(1_000);
      stop.abort();

      expect(isAnswered).toBe(false);
      expect(await ada.storage.get(slotOf('a'), requireKey('a'))).toBeDefined();
    });
  });

  describe('restarts and given-up slots', () => {
    test('a new process on the same storage settles its slots and serves what was acknowledged', async () => {
      for (let n = 0; n < 40; n += 1) await ask(putOf(`key ${n}`, `${n}`));
      const before = versionOfAnswer(await ask(getOf('key 7')));
      mesh.restart('ada');
      await mesh.clock.advance(100);

      for (let n = 0; n < 40; n += 1) expect(textOf(await ask(getOf(`key ${n}`)))).toBe(`${n}`);
      expect(mesh.rows.every(({ settled }) => settled)).toBe(true);
      const after = versionOfAnswer(await ask(putOf('key 7', 'new')));
      expect(after.epoch > before.epoch).toBe(true);
    });

    test('a revived slot answers nothing before the registrar has written that it is settled', async () => {
      await ask(putOf('a', 'one'));
      const back = createDeferred<void>();
      mesh.registrarAway = back.promise;
      const again = mesh.restart('ada');
      await mesh.clock.advance(100);
      let isAnswered = false;
      const get = mesh.ask(getOf('a')).then((answer) => {
        isAnswered = true;
        return answer;
      });
      await mesh.clock.advance(3_000);
      expect(isAnswered).toBe(false);

      back.resolve();

      expect(textOf(await until(mesh.clock, get))).toBe('one');
      expect(again.store.view().owned).toBe(SLOTS);
    });

    test('slots that were given up are empty; what was on disk is aside, counted, not served', async () => {
      for (let n = 0; n < 40; n += 1) await ask(putOf(`key ${n}`, `${n}`));
      const ben = mesh.add('ben');
      await ada.store.close();
      const { id, incarnation } = ben;
      mesh.announce(
        mesh.rows.map((row) => ({
          ...row,
          epoch: 2,
          emptyBefore: 2,
          owner: id,
          copies: [{ member: id, incarnation, durability: 'relaxed' as const }],
        })),
      );
      await mesh.clock.advance(50);
      expect((await ask(getOf('key 7'))).result.kind).toBe('absent');

      const again = mesh.restart('ada');
      await mesh.clock.advance(100);

      expect(again.store.view()).toMatchObject({ owned: 0, asideRecords: 40 });
      expect(await again.storage.slots()).toEqual([]);
      mesh.wish(() => 'ada');
      await mesh.clock.advance(1_000);
      expect(again.store.view().owned).toBe(SLOTS);
      expect((await ask(getOf('key 7'))).result.kind).toBe('absent');
    });

    test('a slot that comes back empty to the member that had it puts its records aside', async () => {
      await ask(putOf('a', 'one'));
      const { id, incarnation } = ada;
      mesh.announce(
        mesh.rows.map((row) => ({
          ...row,
          epoch: 2,
          emptyBefore: 2,
          owner: id,
          copies: [{ member: id, incarnation, durability: 'relaxed' as const }],
        })),
      );
      await mesh.clock.advance(50);

      expect((await ask(getOf('a'))).result.kind).toBe('absent');
      expect(ada.store.view()).toMatchObject({ owned: SLOTS, asideRecords: 1 });
    });
  });

  describe('time to live and deletes', () => {
    test('a value is absent from its instant on, and stays absent', async () => {
      const put = await ask(putOf('a', 'one', { ttlMs: 5_000 }));
      await mesh.clock.advance(4_000);
      expect(textOf(await ask(getOf('a')))).toBe('one');
      await mesh.clock.advance(2_000);

      const gone = await ask(getOf('a'));

      expect(gone.result.kind).toBe('absent');
      expect(versionOfAnswer(gone).counter).toBeGreaterThan(versionOfAnswer(put).counter);
      expect((await ask(putOf('a', 'two', { expected: null }))).result.kind).toBe('done');
    });

    test('what is told to be absent is gone, whoever asked', async () => {
      const deleted = await ask(putOf('a', 'one', { ttlMs: 5_000 }));
      const expected = await ask(putOf('b', 'one', { ttlMs: 5_000 }));
      await mesh.clock.advance(6_000);

      const absent = await ask(putOf('a', undefined));
      const refused = await ask(putOf('b', 'two', { expected: versionOfAnswer(expected) }));

      expect(absent.result.kind).toBe('absent');
      expect(versionOfAnswer(absent).counter).toBeGreaterThan(versionOfAnswer(deleted).counter);
      expect(refused.result).toMatchObject({ kind: 'refused', error: { code: 'version' } });
      expect(versionOfAnswer(await ask(getOf('b'))).counter).toBeGreaterThan(versionOfAnswer(expected).counter);
      expect((await ask(putOf('b', 'three', { expected: null }))).result.kind).toBe('done');
    });

    test('a tombstone is dropped after an hour', async () => {
      await ask(putOf('a', 'one'));
      await ask(putOf('a', undefined));
      await mesh.clock.advance(limits.tombstoneMs - 120_000);
      expect(await ada.storage.slots()).toHaveLength(1);

      await mesh.clock.advance(240_000);

      expect(await ada.storage.slots()).toEqual([]);
    }, 30_000);
  });

  describe('listing', () => {
    test('lists live keys of owned slots by prefix', async () => {
      for (const key of ['a1', 'a2', 'a3', 'b1']) await ask(putOf(key, 'x'));
      await ask(putOf('a2', undefined));
      await ask(putOf('a4', 'x', { ttlMs: 10 }));
      await mesh.clock.advance(100);
      const keys: string[] = [];

      for await (const { key, slot, head } of ada.store.keys('a', { signal })) {
        expect(slot).toBe(slotOfKey(key, SLOTS));
        expect(head.sizeBytes).toBe(1);
        keys.push(key);
      }

      expect(keys.toSorted()).toEqual(['a1', 'a3']);
    });

    test('gives the heads of keys that this member owns', async () => {
      await ask(putOf('a', 'one'));

      const heads = await ada.store.heads([requireKey('a'), requireKey('b')]);

      expect([...heads.keys()]).toEqual(['a']);
      expect(heads.get(requireKey('a'))?.sizeBytes).toBe(3);
    });
  });

  describe('the end', () => {
    test('seal waits for open writes, and nothing is answered afterwards', async () => {
      const disk = createDeferred<void>();
      hold = disk.promise;
      const put = mesh.ask(putOf('a', 'one'));
      await mesh.clock.advance(10);
      let isSealed = false;
      const sealed = ada.store.seal().then(() => (isSealed = true));
      await mesh.clock.advance(100);
      expect(isSealed).toBe(false);

      disk.resolve();
      await until(mesh.clock, Promise.all([sealed, put]));

      const stop = new AbortController();
      const get = ada.store.get(getOf('a'), { signal: stop.signal });
      const closed = expect(get).rejects.toMatchObject({ code: 'closed' });
      await mesh.clock.advance(100);
      await ada.store.close();
      await closed;
    });

    test('close leaves no timer behind and may be called twice', async () => {
      await ask(putOf('a', 'one'));
      await ada.store.close();
      await ada.store.close();

      expect(mesh.clock.timerCount()).toBe(0);
      await expect(ada.store.get(getOf('a'), { signal })).rejects.toMatchObject({ code: 'closed' });
    });
  });
});
