// When slots of a member that is away go to others: the operator's word, or ten minutes unheard.

import { expect, test } from 'vitest';
import type { RosterChange } from '@shoal/shared';
import { counts, createWorld, handOver, joinAs, type Member, type World } from './ada.ts';

/** ada and ben with half the slots each; ada, a tab, then loses its connection. */
async function withoutAda(): Promise<{ world: World; ada: Member; ben: Member; cleo: Member }> {
  const world = createWorld();
  const ada = await joinAs(world, 'ada', { kind: 'tab', durability: 'relaxed' });
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);
  await handOver(ada, [ben], 1);
  ada.drop();
  const cleo = await joinAs(world, 'cleo', { kind: 'command' });
  await world.clock.advance(10);
  return { world, ada, ben, cleo };
}

/** Answers the newest `who-hears`, as a member that hears these. */
async function hear(member: Member, hears: readonly Member[]): Promise<void> {
  const { question } = member.last('who-hears') as { question: number };
  member.session?.note('hears', { question, members: hears.map(({ id }) => id) });
}

test('gives the slots of a forgotten member, empty, to those who are here', async () => {
  const { world, ada, ben, cleo } = await withoutAda();

  const forgetting = cleo.ask('forget', { member: 'ada' });
  await world.clock.advance(10);
  expect(ben.last('who-hears')).toMatchObject({ members: [ada.id] });
  await hear(ben, []);

  expect(await forgetting).toEqual({ ok: { member: ada.id, slots: 8 } });
  const rows = await ben.rows();
  expect(counts(rows, [ada, ben])).toEqual({ ada: 0, ben: 16 });
  expect(rows.filter(({ epoch, emptyBefore }) => epoch === 2 && emptyBefore === 2)).toHaveLength(8);
  expect((ben.last('roster') as RosterChange).gone).toEqual([ada.id]);
});

test('forgets by id, by a beginning of it, and after four seconds without an answer', async () => {
  const { world, ada, cleo } = await withoutAda();

  const forgetting = cleo.ask('forget', { member: ada.id.slice(0, 8) });
  await world.clock.advance(4_100);

  expect(await forgetting).toMatchObject({ ok: { member: ada.id, slots: 8 } });
  expect(await cleo.ask('forget', { member: ada.id })).toMatchObject({ error: { code: 'no-member' } });
});

test('refuses to forget who is here, who is heard, and who is not known by that name alone', async () => {
  const { world, ada, ben, cleo } = await withoutAda();
  const twin = await joinAs(world, 'ben');

  expect(await cleo.ask('forget', { member: ben.id })).toMatchObject({
    error: { code: 'forbidden', message: expect.stringContaining('is here: have it leave, or see `shoal drain`') },
  });
  expect(await cleo.ask('forget', { member: 'ben' })).toMatchObject({
    error: { code: 'bad-argument', message: expect.stringContaining(twin.id.slice(0, 8)) },
  });
  expect(await cleo.ask('forget', { member: 'dora' })).toMatchObject({ error: { code: 'no-member' } });
  const forgetting = cleo.ask('forget', { member: 'ada' });
  await world.clock.advance(10);
  await hear(twin, []);
  await hear(ben, [ada]);
  expect(await forgetting).toMatchObject({
    error: { code: 'forbidden', message: expect.stringContaining('ben still hears it') },
  });
});

test('refuses to forget when nobody is here to take the slots', async () => {
  const { ben, cleo } = await withoutAda();
  ben.drop();

  expect(await cleo.ask('forget', { member: 'ada' })).toMatchObject({ error: { code: 'no-member' } });
});

test('gives up a tab that nobody has heard for ten minutes', async () => {
  const { world, ada, ben } = await withoutAda();

  await world.clock.advance(599_000);
  expect(ben.last('who-hears')).toBeUndefined();
  await world.clock.advance(2_000);
  await hear(ben, []);
  await world.clock.advance(10);

  expect(counts(await ben.rows(), [ada, ben])).toEqual({ ada: 0, ben: 16 });
});

test('waits another ten minutes for a tab that somebody hears, and for an answer when there is none', async () => {
  const { world, ada, ben } = await withoutAda();

  await world.clock.advance(600_100);
  await hear(ben, [ada]);
  await world.clock.advance(598_000);
  expect(ben.all('who-hears')).toHaveLength(1);
  await world.clock.advance(10_000);
  expect(ben.all('who-hears')).toHaveLength(2);
  await world.clock.advance(60_000);

  expect(ben.all('who-hears').length).toBeGreaterThan(2);
  expect(counts(await ben.rows(), [ada, ben])).toEqual({ ada: 8, ben: 8 });
});

test('keeps the slots of a disk member for as long as it is away', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  ada.drop();

  await world.clock.advance(3_600_000);

  expect(ben.last('who-hears')).toBeUndefined();
  expect(counts(await ben.rows(), [ada, ben])).toEqual({ ada: 16, ben: 0 });
});
