// The registrar with sessions in the same process, on a virtual clock.

import { expect, test } from 'vitest';
import { decodeRows, must, parseMeshId, type Delta, type RosterChange, type Wish } from '@shoal/shared';
import { createMemoryTables } from '@shoal/signaling-server';
import { counts, createWorld, handOver, joinAs, Member, newIncarnation } from './ada.ts';

test('gives every slot of a new mesh to the first member that may own', async () => {
  const world = createWorld({ slotCount: 4_096 });
  const script = await joinAs(world, 'script', { kind: 'command', weight: 0 });

  const ada = await joinAs(world, 'ada');

  expect(script.joined?.table.epoch).toBe(0);
  const rows = must(decodeRows(must(ada.joined, 'joined').table.rows), 'rows');
  expect(rows).toHaveLength(4_096);
  expect(
    rows.every(
      ({ owner, epoch, settled, emptyBefore }) => owner === ada.id && epoch === 1 && settled && emptyBefore === 1,
    ),
  ).toBe(true);
  expect(rows[7]?.copies).toEqual([{ member: ada.id, incarnation: ada.incarnation, durability: 'strict' }]);
});

test('gives three members a third each, by hand-overs that the owners propose', async () => {
  const world = createWorld({ slotCount: 4_096 });
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  const cleo = await joinAs(world, 'cleo');
  const members = [ada, ben, cleo];

  await world.clock.advance(200);
  expect((ada.last('wish') as Wish).slots).toHaveLength(4_096 - 1_366);
  await handOver(ada, members, 1);

  const share = counts(await ben.rows(), members);
  expect(share).toEqual({ ada: 1_366, ben: 1_365, cleo: 1_365 });
  await world.clock.advance(5_000);
  expect((ada.last('wish') as Wish).slots).toHaveLength(0);
});

test('tells every member of a change only as a delta that follows what it has', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);

  await handOver(ada, [ben], 1);

  await world.clock.advance(0);
  const delta = ben.last('delta') as Delta;
  expect(delta.after).toBe(ben.joined?.table.epoch);
  expect(must(decodeRows(delta.rows), 'rows')).toHaveLength(8);
});

test('announces a member at once, as joined, paused, away or gone', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  await world.clock.advance(0);
  const ben = await joinAs(world, 'ben');
  const states = (): unknown[] =>
    (ada.all('roster') as RosterChange[]).flatMap(({ changed }) =>
      changed.filter(({ id }) => id === ben.id).map(({ state }) => state),
    );

  await ben.ask('update', { paused: true });
  await ben.ask('update', { paused: false, name: 'benjamin' });
  ben.drop();

  expect(states()).toEqual(['here', 'paused', 'here']);
  expect((ada.last('roster') as RosterChange).gone).toEqual([ben.id]);
});

test('keeps an owner that is away in the roster, with its slots', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(0);

  await ada.ask('goodbye', {});

  expect((ben.last('roster') as RosterChange).changed).toMatchObject([{ id: ada.id, state: 'away' }]);
  expect(counts(await ben.rows(), [ada, ben])).toEqual({ ada: 16, ben: 0 });
  await world.clock.advance(10_000);
  expect(counts(await ben.rows(), [ada, ben])).toEqual({ ada: 16, ben: 0 });
  expect(await ada.ask('table', {})).toMatchObject({ error: { code: 'forbidden' } });
});

test('lets commands change neither table nor epoch, and own nothing', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  await world.clock.advance(200);

  const script = await joinAs(world, 'script', { kind: 'command', weight: 4 });
  await world.clock.advance(5_000);

  expect(script.joined?.table.epoch).toBe(ada.joined?.table.epoch);
  expect((ada.last('roster') as RosterChange).changed).toMatchObject([{ id: script.id, kind: 'command', weight: 0 }]);
  expect(ada.last('wish')).toBeUndefined();
  const change = { slot: 1, epoch: 1, change: { kind: 'settled' } };
  expect(await script.ask('propose', { proposalId: 1, changes: [change] })).toMatchObject({
    error: { code: 'forbidden' },
  });
  script.drop();
  expect((ada.last('roster') as RosterChange).gone).toEqual([script.id]);
});

test('revives the slots of a member on its new incarnation, unsettled until it says so', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  ada.drop();

  const back = ada.again(world);
  const { table } = await back.join();

  const rows = must(decodeRows(table.rows), 'rows');
  expect(rows.every(({ epoch, settled, emptyBefore }) => epoch === 2 && !settled && emptyBefore === 1)).toBe(true);
  expect(rows[3]?.copies).toMatchObject([{ member: ada.id, incarnation: back.incarnation }]);
  const handed = { slot: 3, epoch: 2, change: { kind: 'hand-over', member: ben.id, incarnation: ben.incarnation } };
  expect(await back.ask('propose', { proposalId: 1, changes: [handed] })).toMatchObject({
    ok: { slots: [{ written: false, reason: 'frozen' }] },
  });
  const settled = rows.map(({ slot, epoch }) => ({ slot, epoch, change: { kind: 'settled' } }));
  const answer = await back.ask('propose', { proposalId: 2, changes: settled });
  expect(answer).toMatchObject({ ok: { table: { epoch: table.epoch + 1 } } });
  expect((await ben.rows()).every(({ epoch, settled: is }) => epoch === 2 && is)).toBe(true);
});

test('tells an older incarnation to stop, closes it, and refuses it from then on', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const twin = ada.again(world);

  await twin.join();

  expect(ada.last('stop')).toMatchObject({ error: { code: 'replaced' } });
  expect(ada.isClosed).toBe(true);
  const returned = ada.again(world, { sameProcess: true });
  expect(await returned.tryJoin()).toMatchObject({ error: { code: 'replaced' } });
  expect(twin.isClosed).toBe(false);
});

test('waits at most two seconds for an older incarnation that does not close', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  ada.drop = () => undefined;
  const twin = ada.again(world);
  let isJoined = false;

  const joining = twin.join().then(() => {
    isJoined = true;
  });
  await world.clock.advance(1_900);
  expect(isJoined).toBe(false);
  await world.clock.advance(200);
  await joining;

  expect((await twin.rows())[0]?.copies).toMatchObject([{ incarnation: twin.incarnation }]);
});

test('takes a lost connection of the same process up again without a change', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);
  const rostersBefore = ben.all('roster').length;

  const again = ada.again(world, { sameProcess: true });
  const { table } = await again.join();

  expect(ada.isClosed).toBe(true);
  expect(ada.last('stop')).toBeUndefined();
  expect(table.epoch).toBe(ada.joined?.table.epoch);
  expect((ben.all('roster').slice(rostersBefore) as RosterChange[]).every(({ gone }) => gone.length === 0)).toBe(true);
});

test('keeps its rows over a restart and begins a higher term', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);
  await handOver(ada, [ben], 1);
  const before = await ada.rows();
  await world.registrar.close();

  const next = createWorld({ before: world });
  const again = ben.again(next, { sameProcess: true });
  const joined = await again.join();

  expect(await again.rows()).toEqual(before);
  expect(joined.meshId).toBe(ada.joined?.meshId);
  expect(joined.table.term).toBe(2);
  expect(joined.roster.find(({ id }) => id === ada.id)).toMatchObject({ state: 'away', name: 'ada' });
});

test('wishes nothing in the first ten seconds of a registrar that loaded a table', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  await world.registrar.close();
  const next = createWorld({ before: world });
  const again = ada.again(next, { sameProcess: true });
  await again.join();
  await joinAs(next, 'ben');

  await world.clock.advance(9_000);
  expect(again.last('wish')).toBeUndefined();
  await world.clock.advance(1_100);
  expect((again.last('wish') as Wish).slots).toHaveLength(8);
});

test('wishes at most every two seconds, and within a moment after a pause', async () => {
  const world = createWorld({ slotCount: 64 });
  const ada = await joinAs(world, 'ada');
  await world.clock.advance(10_000);

  await joinAs(world, 'ben');
  await world.clock.advance(150);
  expect(ada.all('wish')).toHaveLength(1);
  await joinAs(world, 'cleo');
  await world.clock.advance(1_800);
  expect(ada.all('wish')).toHaveLength(1);
  await world.clock.advance(200);
  expect(ada.all('wish')).toHaveLength(2);
});

test('wishes the slots of a member that is leaving away, all of them', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);
  await handOver(ada, [ben], 1);

  await ada.ask('update', { leaving: true });
  await world.clock.advance(2_100);
  await handOver(ada, [ben], 2);

  expect(counts(await ben.rows(), [ada, ben])).toEqual({ ada: 0, ben: 16 });
});

test('writes only what is based on the present epoch, and decides slot by slot', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  const to = { kind: 'hand-over', member: ben.id, incarnation: ben.incarnation };
  const strangers = { kind: 'hand-over', member: ben.id, incarnation: newIncarnation(world) };
  const changes = [
    { slot: 0, epoch: 1, change: to },
    { slot: 1, epoch: 2, change: to },
    { slot: 2, epoch: 1, change: strangers },
    { slot: 0, epoch: 1, change: to },
    { slot: 3, epoch: 1, change: { kind: 'add', member: ben.id, incarnation: ben.incarnation } },
  ];

  const answer = await ada.ask('propose', { proposalId: 9, changes });

  if ('error' in answer) throw new Error(answer.error.message);
  expect(answer.ok.slots).toEqual([
    { slot: 0, written: true },
    { slot: 1, written: false, reason: 'epoch' },
    { slot: 2, written: false, reason: 'incarnation' },
    { slot: 0, written: false, reason: 'epoch' },
    { slot: 3, written: false, reason: 'one-copy' },
  ]);
  expect(must(decodeRows(answer.ok.table.rows), 'rows').map(({ slot, epoch }) => [slot, epoch])).toEqual([
    [0, 2],
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  expect(
    await ben.ask('propose', { proposalId: 1, changes: [{ slot: 5, epoch: 1, change: { kind: 'settled' } }] }),
  ).toMatchObject({
    ok: { slots: [{ written: false, reason: 'not-a-copy' }] },
  });
});

test('answers a repeated proposal as it answered it first', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  const ask = {
    proposalId: 4,
    changes: [{ slot: 0, epoch: 1, change: { kind: 'hand-over', member: ben.id, incarnation: ben.incarnation } }],
  };
  await ada.ask('propose', ask);
  ada.drop();
  const again = ada.again(world, { sameProcess: true });
  await again.join();

  const answer = await again.ask('propose', ask);

  expect(answer).toMatchObject({ ok: { slots: [{ slot: 0, written: true }] } });
  expect((await ben.rows())[0]).toMatchObject({ epoch: 2, owner: ben.id });
});

test('answers and announces a change only when the file is written', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);
  let release = (): void => undefined;
  const { write } = world.tables;
  world.tables.write = async (mesh, bytes) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await write(mesh, bytes);
  };
  let isAnswered = false;

  const proposing = handOver(ada, [ben], 1).then(() => {
    isAnswered = true;
  });
  await world.clock.advance(100);
  const script = await joinAs(world, 'script', { kind: 'command' });

  expect(isAnswered).toBe(false);
  expect(ben.all('delta')).toHaveLength(0);
  expect(script.joined?.table.epoch).toBe(1);
  release();
  await proposing;
  expect(ben.all('delta')).toHaveLength(1);
});

test('says so when the file cannot be written, tries again, and then announces', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);
  const { write } = world.tables;
  world.tables.write = async () => {
    throw new Error('no space left');
  };
  const ask = {
    proposalId: 1,
    changes: [{ slot: 0, epoch: 1, change: { kind: 'hand-over', member: ben.id, incarnation: ben.incarnation } }],
  };

  expect(await ada.ask('propose', ask)).toMatchObject({ error: { code: 'storage' } });
  expect((await ben.rows())[0]?.epoch).toBe(1);
  world.tables.write = write;
  await world.clock.advance(1_100);

  expect((await ben.rows())[0]).toMatchObject({ epoch: 2, owner: ben.id });
  expect(await ada.ask('propose', ask)).toMatchObject({ ok: { slots: [{ written: true }] } });
});

test('changes nothing when its file is older than what a member knows, and says what to do', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  const old = new Map(world.tables.files);
  await world.clock.advance(200);
  await handOver(ada, [ben], 1);
  const { term, epoch } = must(ada.last('delta') as Delta | undefined, 'delta');
  const tables = createMemoryTables();
  for (const [mesh, bytes] of old) tables.files.set(mesh, bytes);
  const next = createWorld({ before: world, tables });
  const cleo = await joinAs(next, 'cleo');

  const answer = await ada.again(next, { sameProcess: true }).tryJoin({ known: { term, epoch } });

  expect(answer).toMatchObject({ error: { code: 'stale-table', message: expect.stringContaining('shoal adopt') } });
  expect(next.registrar.status().frozen).toMatchObject([{ mesh: 'main' }]);
  const change = { slot: 0, epoch: 1, change: { kind: 'settled' } };
  expect(await cleo.ask('propose', { proposalId: 1, changes: [change] })).toMatchObject({
    error: { code: 'stale-table' },
  });
  expect(await cleo.ask('forget', { member: 'ada' })).toMatchObject({ error: { code: 'stale-table' } });
});

test('changes nothing when its file is lost', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const next = createWorld({ before: world, tables: createMemoryTables() });

  const answer = await ada
    .again(next, { sameProcess: true })
    .tryJoin({ meshId: must(ada.joined, 'joined').meshId, known: { term: 1, epoch: 1 } });

  expect(answer).toMatchObject({ error: { code: 'stale-table' } });
  expect(next.tables.files.size).toBe(0);
});

test('refuses a member of another mesh, a wrong signature, and versions that it does not speak', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const otherMesh = must(parseMeshId('f'.repeat(32)), 'mesh id');

  const ben = new Member(world, 'ben');
  expect(await ben.tryJoin({ meshId: otherMesh })).toMatchObject({ error: { code: 'wrong-mesh' } });
  expect(await ben.tryJoin({ signature: '00'.repeat(64) })).toMatchObject({ error: { code: 'forbidden' } });
  expect(await ben.tryJoin({ versions: [99] })).toMatchObject({ error: { code: 'bad-version' } });
  expect(await ben.tryJoin({ name: '' })).toMatchObject({
    error: { code: 'bad-argument', message: expect.stringContaining('join.name') },
  });
  expect(await ben.ask('table', {})).toMatchObject({ error: { code: 'forbidden' } });
  expect(ada.all('roster').length).toBeLessThanOrEqual(1);
});

test('relays a signal with its true sender, and counts it', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(0);

  const answer = await ada.ask('signal', { to: ben.id, dial: 'd1', data: 'offer', from: ben.id });

  expect(answer).toEqual({ ok: {} });
  expect(ben.last('signal')).toEqual({ from: ada.id, incarnation: ada.incarnation, dial: 'd1', data: 'offer' });
  expect(world.registrar.status()).toMatchObject({ relayedSignals: 1, relayedBytes: 5, members: 2, meshes: 1 });
  ben.drop();
  expect(await ada.ask('signal', { to: ben.id, dial: 'd1', data: 'late' })).toMatchObject({
    error: { code: 'no-member' },
  });
});

test('keeps a signal for a member whose join is still being written, and delivers it behind the answer', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  await world.clock.advance(200);
  let release = (): void => undefined;
  const { write } = world.tables;
  world.tables.write = async (mesh, bytes) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await write(mesh, bytes);
  };
  const ben = new Member(world, 'ben');

  const joining = ben.tryJoin();
  await world.clock.advance(0);
  expect((ada.last('roster') as RosterChange).changed).toMatchObject([{ id: ben.id, state: 'here' }]);
  const answer = await ada.ask('signal', { to: ben.id, dial: 'd1', data: 'offer' });
  expect(ben.all('signal')).toHaveLength(0);
  release();
  await joining;
  await world.clock.advance(0);

  expect(answer).toEqual({ ok: {} });
  expect(ben.joined).toBeDefined();
  expect(ben.all('signal')).toEqual([{ from: ada.id, incarnation: ada.incarnation, dial: 'd1', data: 'offer' }]);
});

test('says before the join which identities live, and counts all as alive in its first seconds', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  ada.drop();
  const asking = new Member(world, 'asking');
  await asking.connect();

  expect(await asking.ask('lookup', { members: [ada.id, ben.id] })).toEqual({ ok: { alive: [true, true] } });
  await world.clock.advance(6_000);
  expect(await asking.ask('lookup', { members: [ada.id, ben.id] })).toEqual({ ok: { alive: [false, true] } });
});

test('leaves nothing behind of a mesh that was only asked for, and no timer after closing', async () => {
  const world = createWorld();
  const curious = new Member(world, 'curious');
  await curious.connect('no-such-mesh');
  curious.drop();
  expect(world.registrar.status().meshes).toBe(0);
  const ada = await joinAs(world, 'ada');

  await world.registrar.close();

  expect(ada.isClosed).toBe(true);
  expect(world.clock.timerCount()).toBe(0);
});

test('ends a connection that does not join within a minute', async () => {
  const world = createWorld();
  const silent = new Member(world, 'silent');
  await silent.connect();

  await world.clock.advance(59_000);
  expect(silent.isClosed).toBe(false);
  await world.clock.advance(1_100);

  expect(silent.isClosed).toBe(true);
});

test('opens so many meshes and no more', async () => {
  const world = createWorld();
  const members = Array.from({ length: 256 }, (_, index) => new Member(world, `member ${index}`));
  for (const [index, member] of members.entries()) await member.connect(`mesh-${index}`);

  await expect(new Member(world, 'one more').connect('one-more')).rejects.toMatchObject({ code: 'busy' });
  members[0]?.drop();
  await new Member(world, 'one more').connect('one-more');
});

test('remembers a bounded number of answers to proposals', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  const handOver = { kind: 'hand-over', member: ben.id, incarnation: ben.incarnation };
  const first = { proposalId: 0, changes: [{ slot: 0, epoch: 1, change: handOver }] };
  await ada.ask('propose', first);
  const many = Array.from({ length: 4_096 }, () => ({ slot: 1, epoch: 9, change: handOver }));

  for (let proposalId = 1; proposalId <= 4; proposalId += 1) await ada.ask('propose', { proposalId, changes: many });

  expect(await ada.ask('propose', first)).toMatchObject({ ok: { slots: [{ written: false, reason: 'epoch' }] } });
});

test('lets one of two joins of an identity win, and stops the other', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const second = ada.again(world);
  const third = ada.again(world);

  const answers = await Promise.all([second.tryJoin(), third.tryJoin()]);

  expect(answers.filter((answer) => 'ok' in answer)).toHaveLength(1);
  expect(answers.filter((answer) => 'error' in answer && answer.error.code === 'replaced')).toHaveLength(1);
  expect([ada, second, third].filter(({ isClosed }) => !isClosed)).toHaveLength(1);
  expect(world.registrar.status().members).toBe(1);
});
