// Where copies should be, as a pure function of members and table.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must, parseIncarnation, parsePeerId, type Configuration, type PeerId, type Slot } from '@shoal/shared';
import { planCopies, type CopyInput } from '../../../signaling-server/src/copy-placement.ts';
import type { Candidate } from '../../../signaling-server/src/copy-shares.ts';

const incarnation = must(parseIncarnation('1'.repeat(16)), 'incarnation');
const idOf = (index: number): PeerId => must(parsePeerId((index + 1).toString(16).padStart(2, '0').repeat(16)), 'id');
const candidate = (index: number, part: Partial<Candidate> = {}): Candidate => {
  const id = idOf(index);
  return { id, weight: 1, domain: id, isStrict: true, isEphemeral: false, ...part };
};
const rowOf = (slot: number, [owner, ...backups]: readonly PeerId[]): Configuration => {
  const id = must(owner, 'owner');
  const copies = [id, ...backups].map((member) => ({ member, incarnation, durability: 'strict' as const }));
  return { slot: slot as Slot, epoch: 1, owner: id, copies, dropped: [], settled: true, emptyBefore: 1 };
};
const ownedByFirst = (slots: number): readonly Configuration[] =>
  Array.from({ length: slots }, (_, slot) => rowOf(slot, [idOf(0)]));

type Options = Partial<CopyInput> & { readonly away?: readonly Candidate[] };

function plan(rows: readonly Configuration[], members: readonly Candidate[], options: Options = {}) {
  const lasting = members.filter(({ isEphemeral }) => !isEphemeral);
  return planCopies({
    rows,
    replicas: 2,
    takers: lasting.length > 0 ? lasting : members,
    candidates: members,
    waitingFor: (member) => options.away?.find(({ id }) => id === member),
    isMovable: (owner) => members.some(({ id }) => id === owner),
    ...options,
  });
}

/** The table when all wishes are carried out. */
function carriedOut(rows: readonly Configuration[], wished: ReadonlyMap<Slot, readonly PeerId[]>) {
  return rows.map((row) => {
    const copies = wished.get(row.slot);
    return copies === undefined ? row : rowOf(row.slot, copies);
  });
}

const settle = (rows: readonly Configuration[], members: readonly Candidate[], options: Options = {}) =>
  carriedOut(rows, plan(rows, members, options));
const held = (rows: readonly Configuration[], members: readonly Candidate[]): readonly number[] =>
  members.map(({ id }) => rows.filter(({ copies }) => copies.some(({ member }) => member === id)).length);
const owned = (rows: readonly Configuration[], members: readonly Candidate[]): readonly number[] =>
  members.map(({ id }) => rows.filter(({ owner }) => owner === id).length);
const everySlot = (
  rows: readonly Configuration[],
  is: (members: readonly Candidate[]) => boolean,
  of: readonly Candidate[],
) =>
  rows.every(({ copies }) =>
    is(
      copies.map(({ member }) =>
        must(
          of.find(({ id }) => id === member),
          'member',
        ),
      ),
    ),
  );

test('gives each slot two copies on different members, and each member its share of both', () => {
  const members = [candidate(0), candidate(1), candidate(2), candidate(3)];

  const rows = settle(ownedByFirst(4_096), members);

  expect(owned(rows, members)).toEqual([1_024, 1_024, 1_024, 1_024]);
  expect(held(rows, members)).toEqual([2_048, 2_048, 2_048, 2_048]);
  expect(rows.every(({ copies }) => new Set(copies.map(({ member }) => member)).size === 2)).toBe(true);
});

test('gives as many copies as there are members, when these are too few', () => {
  const members = [candidate(0), candidate(1)];

  const rows = settle(ownedByFirst(16), members, { replicas: 3 });

  expect(held(rows, members)).toEqual([16, 16]);
  expect(plan(ownedByFirst(16), [candidate(0)], { replicas: 3 }).size).toBe(0);
});

test('wishes nothing where everything is as it should be', () => {
  const members = Array.from({ length: 5 }, (_, index) => candidate(index, { weight: index + 1 }));
  const rows = settle(ownedByFirst(4_096), members, { replicas: 3 });

  expect(plan(rows, members, { replicas: 3 }).size).toBe(0);
});

test('moves to a member that joins its share, and nothing else', () => {
  const four = [0, 1, 2, 3].map((index) => candidate(index));
  const rows = settle(ownedByFirst(4_096), four);

  const five = [...four, candidate(4)];
  const after = settle(rows, five);

  expect(held(after, five).at(-1)).toBe(Math.floor((2 * 4_096) / 5));
  const came = after.flatMap(({ slot, copies }) =>
    copies.filter(({ member }) => rows[slot]?.copies.every((before) => before.member !== member)),
  );
  expect(came).toHaveLength(Math.floor((2 * 4_096) / 5));
});

test('gives the name of owner to a backup rather than move the data', () => {
  const members = [candidate(0), candidate(1)];
  const rows = Array.from({ length: 16 }, (_, slot) => rowOf(slot, [idOf(0), idOf(1)]));

  const after = settle(rows, members);

  expect(owned(after, members)).toEqual([8, 8]);
  expect(held(after, members)).toEqual([16, 16]);
});

test('puts the copies of a slot into different failure domains, before it looks at weight', () => {
  const tabs = [0, 1, 2, 3].map((index) => candidate(index, { domain: 'browser', weight: 4 }));
  const members = [...tabs, candidate(4, { domain: 'host' })];

  const rows = settle(ownedByFirst(64), members);

  expect(everySlot(rows, (copies) => new Set(copies.map(({ domain }) => domain)).size === 2, members)).toBe(true);
  expect(held(rows, members)).toEqual([16, 16, 16, 16, 64]);
});

test('has a second copy in the same domain rather than none', () => {
  const members = [0, 1, 2].map((index) => candidate(index, { domain: 'browser' }));

  expect(held(settle(ownedByFirst(48), members), members)).toEqual([32, 32, 32]);
});

test('gives each slot one strict copy, if there is a strict member', () => {
  const tabs = [0, 1, 2, 3].map((index) => candidate(index, { isStrict: false }));
  const members = [...tabs, candidate(4), candidate(5)];

  const rows = settle(ownedByFirst(96), members, { replicas: 2 });

  expect(everySlot(rows, (copies) => copies.some(({ isStrict }) => isStrict), members)).toBe(true);
  expect(held(rows, members)).toEqual([24, 24, 24, 24, 48, 48]);
});

test('gives ephemeral members nothing while others are enough, and only copies when they are too few', () => {
  const ephemeral = [2, 3].map((index) => candidate(index, { isEphemeral: true }));
  const two = [candidate(0), candidate(1), ...ephemeral];
  const one = [candidate(0), ...ephemeral];

  expect(held(settle(ownedByFirst(16), two), two)).toEqual([16, 16, 0, 0]);
  const rows = settle(ownedByFirst(16), one);
  expect(owned(rows, one)).toEqual([16, 0, 0]);
  expect(held(rows, one)).toEqual([16, 8, 8]);
});

test('leaves copies where they are while their member is away for a moment', () => {
  const members = [0, 1, 2, 3].map((index) => candidate(index));
  const rows = settle(ownedByFirst(64), members);
  const here = members.slice(0, 3);

  const waiting = plan(rows, here, { away: members.slice(3) });

  for (const [slot, copies] of waiting) {
    const before = must(rows[slot], 'row').copies.map(({ member }) => member);
    if (before.includes(idOf(3))) expect(copies).toContain(idOf(3));
  }
});

test('keeps to the wish before while it is carried out', () => {
  const members = [0, 1, 2, 3].map((index) => candidate(index));
  const start = ownedByFirst(256);
  const first = plan(start, members);
  const third = new Map([...first].filter(([slot]) => slot % 3 === 0));

  const rest = plan(carriedOut(start, third), members, { previous: first });

  const differing = [...rest].filter(([slot, copies]) => first.get(slot)?.join() !== copies.join());
  expect(differing).toEqual([]);
  expect(rest.size).toBe(first.size - third.size);
});

test('gives each member its exact share of copies for any weights, and is then content', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 2, maxLength: 10 }),
      fc.integer({ min: 2, max: 3 }),
      fc.array(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 3 }), { minLength: 64, maxLength: 64 }),
      (weights, replicas, places) => {
        const members = weights.map((weight, index) => candidate(index, { weight }));
        const start = places.map((at, slot) =>
          rowOf(slot, [...new Set(at.map((index) => idOf(index % members.length)))]),
        );
        const rows = settle(start, members, { replicas });
        const each = Math.min(replicas, members.length);

        expect(rows.every(({ copies }) => new Set(copies.map(({ member }) => member)).size === each)).toBe(true);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const isCapped = weights.some((weight) => (each * 64 * weight) / total > 64);
        const shares = held(rows, members);
        if (!isCapped)
          weights.forEach((weight, index) =>
            expect(Math.abs((shares[index] ?? 0) - (each * 64 * weight) / total)).toBeLessThan(1),
          );
        expect(plan(rows, members, { replicas }).size).toBe(0);
      },
    ),
  );
});
