// Configurations with several copies at the registrar: who may change them, who stays of two, what is
// revived, recovered, forgotten (REPLICATION, rules 4 to 8, 28 and 29).

import { expect, test } from 'vitest';
import { must, type Configuration, type Join, type RosterChange, type Wish } from '@shoal/shared';
import { createWorld, joinAs, type Member, type World, type WorldOptions } from './ada.ts';

const SLOT = 3;
const tab = { kind: 'tab', durability: 'relaxed' } as const satisfies Partial<Join>;

const as = ({ id, incarnation }: Member) => ({ member: id, incarnation });
const add = (member: Member) => ({ kind: 'add', ...as(member) }) as const;
const handOver = (member: Member) => ({ kind: 'hand-over', ...as(member) }) as const;
const drop = (member: Member, why: 'silent' | 'stuck' | 'wished' | 'goodbye' = 'silent') =>
  ({ kind: 'drop', ...as(member), why }) as const;
const takeOver = { kind: 'take-over' } as const;
const rowAt = async (member: Member): Promise<Configuration> => must((await member.rows())[SLOT], 'row');
const names = (list: readonly { readonly member: string }[], members: readonly Member[]) =>
  list.map(({ member }) => members.find(({ id }) => id === member)?.name);

/** ada owns a slot, ben backs it. */
async function adaWithBen(parts: { ada?: Partial<Join>; ben?: Partial<Join> } & WorldOptions = {}) {
  const world = createWorld({ replicas: 2, ...parts });
  const ada = await joinAs(world, 'ada', parts.ada);
  await world.clock.advance(1_000);
  const ben = await joinAs(world, 'ben', parts.ben);
  expect(await ada.propose(SLOT, add(ben))).toBeUndefined();
  return { world, ada, ben, members: [ada, ben] };
}

async function settleIt(member: Member): Promise<void> {
  expect(await member.propose(SLOT, { kind: 'settled' })).toBeUndefined();
}

/** What a proposal comes to when nobody else moves for so long. */
async function after<T>(world: World, ms: number, proposal: Promise<T>): Promise<T> {
  await world.clock.advance(ms);
  return proposal;
}

test('adds a connected member as a copy, once, in its present incarnation', async () => {
  const { world, ada, ben } = await adaWithBen();
  const cleo = await joinAs(world, 'cleo');
  const script = await joinAs(world, 'script', { kind: 'command' });
  cleo.drop();

  expect(await rowAt(ada)).toMatchObject({ epoch: 2, owner: ada.id, copies: [as(ada), as(ben)], settled: true });
  expect(await ada.propose(SLOT, add(ben))).toBe('is-a-copy');
  expect(await ada.propose(SLOT, add(cleo))).toBe('away');
  expect(await ada.propose(SLOT, add(script))).toBe('away');
  expect(await ben.propose(SLOT, add(cleo))).toBe('not-a-copy');
  expect(await ada.propose(SLOT, add(ben), 1)).toBe('epoch');
  const again = ben.again(world);
  await again.join();
  expect(await ada.propose(5, add(ben))).toBe('incarnation');
});

test('hands over to a backup, and keeps the old owner as one', async () => {
  const { world, ada, ben } = await adaWithBen();
  const cleo = await joinAs(world, 'cleo');

  expect(await ada.propose(SLOT, handOver(cleo))).toBe('not-a-copy');
  expect(await ada.propose(SLOT, handOver(ben))).toBeUndefined();

  expect(await rowAt(ada)).toMatchObject({ epoch: 3, owner: ben.id, copies: [as(ada), as(ben)], dropped: [] });
});

test('hands over by a learner only where each slot has one copy', async () => {
  const world = createWorld();
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');

  expect(await ada.propose(SLOT, add(ben))).toBe('one-copy');
  expect(await ada.propose(SLOT, handOver(ben))).toBeUndefined();

  expect((await rowAt(ada)).copies).toMatchObject([as(ben)]);
});

test('names who was dropped until the slot is whole without it', async () => {
  const { world, ada, ben, members } = await adaWithBen();
  const cleo = await joinAs(world, 'cleo');
  ben.drop();

  expect(await ada.propose(SLOT, drop(ben))).toBeUndefined();
  const alone = await rowAt(ada);
  expect(names(alone.copies, members)).toEqual(['ada']);
  expect(names(alone.dropped, members)).toEqual(['ben']);
  expect(await ada.propose(SLOT, add(cleo))).toBeUndefined();

  expect((await rowAt(ada)).dropped).toEqual([]);
  expect((cleo.last('roster') as RosterChange).gone).toEqual([ben.id]);
});

test('lets a copy that comes back be added again, and names it no more as dropped', async () => {
  const { world, ada, ben } = await adaWithBen({ replicas: 3 });
  ben.drop();
  await ada.propose(SLOT, drop(ben));

  const again = ben.again(world);
  await again.join();
  expect(await ada.propose(SLOT, add(again))).toBeUndefined();

  expect(await rowAt(ada)).toMatchObject({ copies: [as(ada), as(again)], dropped: [] });
});

test('lets a backup take over from an owner that does not answer, and from nobody else', async () => {
  const { world, ada, ben } = await adaWithBen();
  const cleo = await joinAs(world, 'cleo');
  ada.isAwake = false;

  expect(await cleo.propose(SLOT, takeOver)).toBe('not-a-copy');
  expect(await ada.propose(SLOT, takeOver)).toBe('not-a-copy');
  expect(await after(world, 600, ben.propose(SLOT, takeOver))).toBeUndefined();

  expect(await rowAt(ben)).toMatchObject({ epoch: 3, owner: ben.id, copies: [as(ben)], dropped: [as(ada)] });
});

test('asks an accused without a connection nothing, and waits for nothing', async () => {
  const { world, ada, ben } = await adaWithBen();
  ada.drop();
  const before = world.clock.monotonicMs();

  expect(await ben.propose(SLOT, takeOver)).toBeUndefined();

  expect(world.clock.monotonicMs()).toBe(before);
});

test('S12 wrong-survivor: of two that answer the strict one stays, and the owner is told to hand over to it', async () => {
  const { ada, ben } = await adaWithBen({ ada: tab });

  expect(await ada.propose(SLOT, drop(ben))).toBe('keep');

  expect(ada.last('hand-over-wanted')).toEqual({ slot: SLOT, to: ben.id });
  expect(await ben.propose(SLOT, takeOver)).toBeUndefined();
});

test('of two strict ones that answer the longer-lived stays, also behind a restart of the registrar', async () => {
  const { world, ada, ben } = await adaWithBen();

  expect(await ben.propose(SLOT, takeOver)).toBe('keep');
  expect(ben.last('hand-over-wanted')).toBeUndefined();
  const next = createWorld({ before: world, replicas: 2 });
  const benAgain = ben.again(next, { sameProcess: true });
  await benAgain.join();
  await next.clock.advance(1_000);
  const adaAgain = ada.again(next, { sameProcess: true });
  await adaAgain.join();

  expect(await benAgain.propose(SLOT, takeOver)).toBe('keep');
  expect(await adaAgain.propose(SLOT, drop(benAgain))).toBeUndefined();
});

test('drops for other reasons than silence without asking the accused', async () => {
  const { ada, ben } = await adaWithBen({ ada: tab });

  expect(await ada.propose(SLOT, drop(ben, 'stuck'))).toBeUndefined();

  expect(ben.last('still-there')).toBeUndefined();
});

test('S13 died-asking: writes no shrink of a proposer that does not answer', async () => {
  const { world, ada, ben } = await adaWithBen();
  ada.isAwake = false;

  expect(await after(world, 2_100, ada.propose(SLOT, drop(ben)))).toBe('unanswered');
  expect((await rowAt(ben)).copies).toHaveLength(2);
});

test('asks the proposer again over its next connection, and answers a repeated proposal the same', async () => {
  const { world, ada, ben } = await adaWithBen();
  ada.isAwake = false;
  const change = { slot: SLOT, epoch: 2, change: drop(ben, 'stuck') };
  const first = ada.ask('propose', { proposalId: 1, changes: [change] });
  await world.clock.advance(10);
  ada.drop();

  const again = ada.again(world, { sameProcess: true });
  await again.join();
  const second = again.ask('propose', { proposalId: 1, changes: [change] });
  await world.clock.advance(10);

  expect(await second).toMatchObject({ ok: { slots: [{ slot: SLOT, written: true }] } });
  expect(await first).toMatchObject({ ok: { slots: [{ slot: SLOT, written: true }] } });
  expect((await rowAt(ben)).epoch).toBe(3);
});

test('S11 overwrite: of two proposals on one epoch the first is written', async () => {
  const { ada, ben } = await adaWithBen({ ben: tab });
  ben.isAwake = true;

  const outcomes = await Promise.all([ada.propose(SLOT, drop(ben)), ben.propose(SLOT, takeOver)]);

  expect(outcomes).toEqual([undefined, 'epoch']);
});

test('S19 resumes-strict: a proposal of an older incarnation is refused', async () => {
  const { world, ada, ben } = await adaWithBen();
  ada.drop();
  const again = ben.again(world);
  await again.join();

  expect(await again.propose(SLOT, takeOver)).toBe('incarnation');
});

test('wishes copies beside the owner, and again when one is gone', async () => {
  const world = createWorld({ replicas: 2 });
  const ada = await joinAs(world, 'ada');
  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);

  const wish = ada.last('wish') as Wish;
  expect(wish.replicas).toBe(2);
  expect(wish.slots).toHaveLength(16);
  expect(wish.slots.filter(({ copies: [owner] }) => owner === ben.id)).toHaveLength(8);
  expect(wish.slots.every(({ copies }) => copies.length === 2)).toBe(true);
  expect(ada.joined?.replicas).toBe(2);
  ben.drop();
  await world.clock.advance(3_000);
  expect(ada.last('wish')).toEqual({ replicas: 2, slots: [] });
});

test('chooses two copies where a disk survives a loss of power, else three', async () => {
  const world = createWorld({ replicas: 'auto' });
  const ada = await joinAs(world, 'ada', tab);
  await joinAs(world, 'cleo', { ...tab, domain: 'there' });

  const ben = await joinAs(world, 'ben');
  await world.clock.advance(200);

  expect(ada.joined?.replicas).toBe(3);
  expect(ben.joined?.replicas).toBe(2);
  expect((ada.last('wish') as Wish).replicas).toBe(2);
});

test('makes no third copies because the last strict member is away for less than a minute', async () => {
  const world = createWorld({ replicas: 'auto' });
  const ada = await joinAs(world, 'ada', tab);
  const ben = await joinAs(world, 'ben');
  const wished = (): unknown => (ada.last('wish') as Wish | undefined)?.replicas;

  ben.drop();
  await world.clock.advance(59_000);
  expect(wished()).toBe(2);
  const back = ben.again(world);
  await back.join();
  await world.clock.advance(59_000);
  back.drop();
  await world.clock.advance(59_000);
  expect(wished()).toBe(2);
  await world.clock.advance(2_000);

  expect(wished()).toBe(3);
  await ben.again(world).join();
  await world.clock.advance(2_100);
  expect(wished()).toBe(2);
});

test('tells a member how many copies there should be, though it has nothing to move', async () => {
  const world = createWorld({ replicas: 'auto' });
  const ada = await joinAs(world, 'ada', { ...tab, weight: 0 });
  await joinAs(world, 'ben');
  await world.clock.advance(200);

  expect(ada.joined?.replicas).toBe(3);
  expect(ada.last('wish')).toEqual({ replicas: 2, slots: [] });
});

test('revives a slot at once when all its copies are back, and changes nothing of it until it is settled', async () => {
  const { world, ada, ben } = await adaWithBen();
  ada.drop();
  ben.drop();
  const ben2 = ben.again(world);
  await ben2.join();
  expect((await rowAt(ben2)).epoch).toBe(2);

  const ada2 = ada.again(world);
  await ada2.join();

  const row = await rowAt(ada2);
  expect(row).toMatchObject({ epoch: 3, owner: ada.id, copies: [as(ada2), as(ben2)], settled: false });
  expect(await ada2.propose(SLOT, drop(ben2, 'stuck'))).toBe('frozen');
  expect(await ben2.propose(SLOT, takeOver)).toBe('frozen');
  await settleIt(ada2);
  expect(await ada2.propose(SLOT, drop(ben2, 'stuck'))).toBeUndefined();
});

test('revives a slot on one strict copy four seconds after it began, when nobody hears the other', async () => {
  const { world, ada, ben, members } = await adaWithBen();
  ada.drop();
  ben.drop();
  const ben2 = ben.again(world);
  ben2.hears = [];
  await ben2.join();

  await world.clock.advance(3_500);
  expect((await rowAt(ben2)).epoch).toBe(2);
  await world.clock.advance(3_500);

  const row = await rowAt(ben2);
  expect(row).toMatchObject({ epoch: 3, owner: ben.id, copies: [as(ben2)], settled: false });
  expect(names(row.dropped, members)).toEqual(['ada']);
});

test('revives nothing while somebody hears a copy, and does when nobody hears it any more', async () => {
  const { world, ada, ben } = await adaWithBen();
  const cleo = await joinAs(world, 'cleo');
  cleo.hears = [ada];
  ada.drop();
  ben.drop();
  const ben2 = ben.again(world);
  ben2.hears = [];
  await ben2.join();

  await world.clock.advance(20_000);
  expect((await rowAt(ben2)).epoch).toBe(2);
  cleo.hears = [];
  await world.clock.advance(5_000);

  expect((await rowAt(ben2)).epoch).toBe(3);
});

test('waits for nobody who said goodbye, but for the leases', async () => {
  const { world, ada, ben } = await adaWithBen();
  await ada.ask('goodbye', {});
  ben.drop();
  const ben2 = ben.again(world);
  await ben2.join();

  await world.clock.advance(3_900);
  expect((await rowAt(ben2)).epoch).toBe(2);
  await world.clock.advance(200);

  expect((await rowAt(ben2)).epoch).toBe(3);
});

test('S23 revive-any: relaxed copies are all needed', async () => {
  const { world, ada, ben } = await adaWithBen({ ada: tab, ben: tab });
  await ada.ask('goodbye', {});
  await ben.ask('goodbye', {});
  const ada2 = ada.again(world);
  await ada2.join(tab);
  await world.clock.advance(20_000);
  expect((await rowAt(ada2)).epoch).toBe(2);

  const ben2 = ben.again(world);
  await ben2.join(tab);

  expect(await rowAt(ada2)).toMatchObject({ epoch: 3, copies: [as(ada2), as(ben2)], settled: false });
});

test('S60 smaller, S61 revived-early: relaxed copies need the dropped ones too, as long as these keep the slot', async () => {
  const { world, ada, ben } = await adaWithBen({ ada: tab, ben: tab });
  ben.drop();
  await ada.propose(SLOT, drop(ben));
  await ada.ask('goodbye', {});
  const ada2 = ada.again(world);
  await ada2.join(tab);
  expect((await rowAt(ada2)).epoch).toBe(3);

  const ben2 = ben.again(world);
  await ben2.join(tab);

  expect(await rowAt(ada2)).toMatchObject({ epoch: 4, owner: ada.id, copies: [as(ada2), as(ben2)], dropped: [] });
  expect(await ada2.propose(SLOT, drop(ben2, 'stuck'))).toBe('frozen');
});

test('a strict copy that was revived out of the dropped ones is not enough by itself before all is settled', async () => {
  const { world, ada, ben } = await adaWithBen({ ada: tab });
  ben.drop();
  await ada.propose(SLOT, drop(ben));
  await ada.ask('goodbye', {});
  const ben2 = ben.again(world);
  await ben2.join();
  const ada2 = ada.again(world);
  await ada2.join(tab);
  expect((await rowAt(ada2)).epoch).toBe(4);
  await ada2.ask('goodbye', {});
  await ben2.ask('goodbye', {});

  const ben3 = ben.again(world);
  ben3.hears = [];
  await ben3.join();
  await world.clock.advance(20_000);
  expect((await rowAt(ben3)).epoch).toBe(4);
  const ada3 = ada.again(world);
  await ada3.join(tab);
  expect((await rowAt(ada3)).epoch).toBe(5);
  await settleIt(ada3);

  expect((await rowAt(ada3)).copies).toMatchObject([{ durability: 'relaxed' }, { durability: 'strict' }]);
});

test('begins a revival anew when a copy is lost before it is settled', async () => {
  const { world, ada, ben } = await adaWithBen();
  ada.drop();
  ben.drop();
  const [ada2, ben2] = [ada.again(world), ben.again(world)];
  await ada2.join();
  await ben2.join();
  expect((await rowAt(ada2)).epoch).toBe(3);

  const ben3 = ben.again(world);
  await ben3.join();

  expect(await rowAt(ada2)).toMatchObject({ epoch: 4, copies: [as(ada2), as(ben3)], settled: false });
});

test('recovers a lost slot from the newest dropped copy, and says how old that is', async () => {
  const { world, ada, ben } = await adaWithBen({ ada: tab, ben: tab });
  ben.drop();
  await ada.propose(SLOT, drop(ben));
  await world.clock.advance(60_000);
  ada.drop();
  const ben2 = ben.again(world);
  ben2.hears = [];
  await ben2.join(tab);

  const early = await after(world, 10, ben2.ask('recover', { slots: [SLOT] }));
  expect(early).toMatchObject({ error: { code: 'forbidden' } });
  await world.clock.advance(4_990);
  const answer = await after(world, 10, ben2.ask('recover', { slots: [SLOT] }));

  expect(answer).toEqual({ ok: { slots: [{ slot: SLOT, from: ben.id, ageMs: 65_000 }] } });
  expect(await rowAt(ben2)).toMatchObject({ epoch: 4, owner: ben.id, copies: [as(ben2)], settled: false });
});

test('recovers nothing that is served, and says so when no copy is left', async () => {
  const { world, ada, ben } = await adaWithBen();
  ben.hears = [];
  expect(await ben.ask('recover', { slots: [SLOT] })).toEqual({ ok: { slots: [] } });

  ada.drop();
  await world.clock.advance(5_000);

  expect(await ben.ask('recover', { slots: [1] })).toMatchObject({ error: { code: 'lost' } });
});

test('S14 forget: empties no slot of which an older copy is left', async () => {
  const { world, ada, ben } = await adaWithBen({ ada: tab, ben: tab });
  ben.drop();
  await ada.propose(SLOT, drop(ben));
  ada.drop();
  const ben2 = ben.again(world);
  ben2.hears = [];
  await ben2.join(tab);
  await world.clock.advance(5_000);

  const refused = await after(world, 10, ben2.ask('forget', { member: 'ada' }));
  expect(refused).toMatchObject({ error: { code: 'forbidden', message: expect.stringContaining('use recover') } });
  await ben2.ask('recover', { slots: [SLOT] });

  expect(await ben2.ask('forget', { member: 'ada' })).toEqual({ ok: { member: ada.id, slots: 15 } });
  expect(await rowAt(ben2)).toMatchObject({ owner: ben.id, emptyBefore: 1 });
});

test('a tab that is given up empties nothing where slots have more copies', async () => {
  const { world, ada, ben } = await adaWithBen({ ada: tab });
  ben.hears = [];
  ada.drop();
  await ben.propose(SLOT, takeOver);
  expect((await rowAt(ben)).dropped).toHaveLength(1);

  await world.clock.advance(610_000);

  expect((await rowAt(ben)).dropped).toEqual([]);
  expect((await ben.rows()).filter(({ owner }) => owner === ada.id)).toHaveLength(15);
});
