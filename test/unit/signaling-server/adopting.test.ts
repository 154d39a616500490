// A new table from what members know, when the registrar's file is lost or old (REPLICATION, rule 2).

import { expect, test } from 'vitest';
import { encodeRows, must, type Adopted, type Answer, type Configuration } from '@shoal/shared';
import { createMemoryTables } from '@shoal/signaling-server';
import { createWorld, joinAs, type Member, type World } from './ada.ts';

interface Known {
  readonly rows: readonly Configuration[];
  readonly versions: readonly (readonly [number, number, number])[];
}

/** Tries to join another registrar, and answers its `report-all`. */
async function waitAt(world: World, member: Member, known: Known, options = { sameProcess: true }): Promise<Member> {
  const next = member.again(world, options);
  const { meshId, table } = must(member.joined, 'joined');
  const epoch = { term: table.term, epoch: table.epoch + 100 };
  next.onReport = (number) => ({
    number,
    versions: known.versions,
    ...(known.rows.length === 0 ? {} : { table: { ...epoch, rows: encodeRows(known.rows) } }),
  });
  expect(await next.tryJoin({ meshId, known: epoch })).toMatchObject({ error: { code: 'stale-table' } });
  return next;
}

async function adopt(world: World, by: Member, write = true, waitMs = 4_100): Promise<Answer<Adopted>> {
  const answer = by.ask('adopt', { write });
  await world.clock.advance(waitMs);
  return answer;
}

function named(...members: readonly Member[]): Adopted['reported'] {
  return members.map(({ id, name }) => ({ id, name }));
}

/** ada owns slot 3 and ben backs it: of that the registrar's file says nothing any more. */
async function adaWithBen(parts: { withOldFile: boolean }) {
  const world = createWorld({ replicas: 2 });
  const ada = await joinAs(world, 'ada');
  const old = must(await world.tables.read('main'), 'file').slice();
  const ben = await joinAs(world, 'ben');
  await ada.propose(3, { kind: 'add', member: ben.id, incarnation: ben.incarnation });
  const rows = await ada.rows();
  const tables = createMemoryTables();
  if (parts.withOldFile) await tables.write('main', old);
  return { world: createWorld({ before: world, tables, replicas: 2 }), ada, ben, rows };
}

test('S6 old-file: goes on from the newest rows that members know, under far higher epochs', async () => {
  const { world, ada, ben, rows } = await adaWithBen({ withOldFile: true });
  const ada2 = await waitAt(world, ada, { rows, versions: [] });
  const ben2 = await waitAt(world, ben, { rows, versions: [] });

  const answer = await adopt(world, ada2);

  expect(answer).toEqual({ ok: { reported: named(ada, ben), missing: [], lost: 0, written: true } });
  const { table } = await ada2.join({ meshId: must(ada.joined, 'joined').meshId });
  expect(table.term).toBeGreaterThan(1_000);
  await ben2.join();
  const row = (await ada2.rows())[3];
  expect(row).toMatchObject({ epoch: 1_002, owner: ada.id, settled: false });
  expect(row?.copies.map(({ incarnation }) => incarnation)).toEqual([ada.incarnation, ben.incarnation]);
  expect(world.registrar.status().frozen).toEqual([]);
  expect(await ada2.propose(3, { kind: 'settled' })).toBeUndefined();
});

test('says who is missing, and writes nothing before it is told to', async () => {
  const { world, ada, ben, rows } = await adaWithBen({ withOldFile: true });
  const ben2 = await waitAt(world, ben, { rows, versions: [] });

  // Nobody stops serving for a question, so it is answered as soon as all have reported.
  expect(await adopt(world, ben2, false, 10)).toEqual({
    ok: { reported: named(ben), missing: named(ada), lost: 15, written: false },
  });

  expect(world.registrar.status().frozen).toHaveLength(1);
});

test('keeps a missing member as dropped where another copy lives, and waits for it where none does', async () => {
  const { world, ada, ben, rows } = await adaWithBen({ withOldFile: true });
  const ben2 = await waitAt(world, ben, { rows, versions: [] });
  await adopt(world, ben2);
  await ben2.join();

  const now = await ben2.rows();
  expect(now[3]).toMatchObject({ owner: ben.id, dropped: [{ member: ada.id }], settled: false });
  expect(now[4]).toMatchObject({ epoch: 1_001, owner: ada.id, copies: [{ member: ada.id }] });
  const ada2 = ada.again(world);
  await ada2.join({ known: { term: 1, epoch: 500 } });

  expect((await ben2.rows())[4]).toMatchObject({ epoch: 1_002, copies: [{ incarnation: ada2.incarnation }] });
});

test('S1 rebuilt: settles a slot of which no row is left among all who hold something of it', async () => {
  const { world, ada, ben } = await adaWithBen({ withOldFile: false });
  const process = { sameProcess: false };
  const ada2 = await waitAt(world, ada, { rows: [], versions: [[3, 2, 7]] }, process);
  const ben2 = await waitAt(world, ben, { rows: [], versions: [[3, 2, 9]] }, process);

  const answer = await adopt(world, ben2);
  await ada2.join();
  await ben2.join();

  expect(answer).toMatchObject({ ok: { reported: named(ada, ben), written: true } });
  const row = (await ben2.rows())[3];
  expect(row).toMatchObject({ epoch: 1_002, owner: ben.id, settled: false });
  expect(row?.copies.map(({ incarnation }) => incarnation)).toEqual([ben2.incarnation, ada2.incarnation]);
  expect(ada2.joined?.meshId).toBe(ada.joined?.meshId);
});

test('settles a slot among those whose storage shows a later epoch than any row that is known', async () => {
  const { world, ada, ben, rows } = await adaWithBen({ withOldFile: true });
  const ada2 = await waitAt(world, ada, { rows, versions: [[3, 2, 40]] });
  const ben2 = await waitAt(world, ben, { rows: [], versions: [[3, 5, 1]] }, { sameProcess: false });

  await adopt(world, ada2);
  await ada2.join();
  await ben2.join();

  expect((await ada2.rows())[3]).toMatchObject({
    ...{ epoch: 1_005, owner: ben.id, settled: false },
    copies: [{ incarnation: ben2.incarnation }],
    dropped: [{ member: ada.id }],
  });
});

test('one adopt at a time', async () => {
  const { world, ada, rows } = await adaWithBen({ withOldFile: true });
  const ada2 = await waitAt(world, ada, { rows, versions: [] });
  const first = ada2.ask('adopt', { write: true });

  expect(await ada2.ask('adopt', { write: true })).toMatchObject({ error: { code: 'busy' } });

  await world.clock.advance(4_100);
  expect(await first).toMatchObject({ ok: { written: true } });
});

test('adopts nothing where the table is the newest, and nothing without a report', async () => {
  const { world, ada, rows } = await adaWithBen({ withOldFile: true });
  const silent = await waitAt(world, ada, { rows, versions: [] });
  silent.onReport = undefined;
  expect(await adopt(world, silent, true, 21_000)).toMatchObject({ error: { code: 'no-member' } });

  const other = createWorld();
  const cleo = await joinAs(other, 'cleo');
  expect(await adopt(other, cleo)).toMatchObject({ error: { code: 'bad-argument' } });
});
