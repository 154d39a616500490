// Shares and moves, as pure functions of members and table.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must, parseIncarnation, parseMeshId, parsePeerId, type Configuration, type PeerId } from '@shoal/shared';
import { planMoves, type Move, type Taker } from '../../../signaling-server/src/placement.ts';
import { createTable, firstRows, withRows } from '../../../signaling-server/src/table.ts';

const idOf = (index: number): PeerId => must(parsePeerId((index + 1).toString(16).padStart(2, '0').repeat(16)), 'id');
const incarnation = must(parseIncarnation('1'.repeat(16)), 'incarnation');
const meshId = must(parseMeshId('0'.repeat(32)), 'mesh id');
const ownedByFirst = (slotCount: number): readonly Configuration[] =>
  withRows(createTable(meshId, slotCount), firstRows(slotCount, { member: idOf(0), incarnation, durability: 'strict' }))
    .rows;
const takers = (count: number, weight = 1): readonly Taker[] =>
  Array.from({ length: count }, (_, index) => ({ id: idOf(index), weight }));
const everybody = { isMovable: () => true };

function moved(rows: readonly Configuration[], moves: readonly Move[]): readonly Configuration[] {
  const to = new Map(moves.map((move) => [move.slot, move.to]));
  return rows.map((row) => ({ ...row, owner: to.get(row.slot) ?? row.owner }));
}

function shares(rows: readonly Configuration[], members: readonly Taker[]): readonly number[] {
  return members.map(({ id }) => rows.filter(({ owner }) => owner === id).length);
}

test('gives three members 1,365 or 1,366 slots each, moving no slot more than it must', () => {
  const rows = ownedByFirst(4_096);

  const moves = planMoves({ rows, takers: takers(3), ...everybody });

  expect(shares(moved(rows, moves), takers(3))).toEqual([1_366, 1_365, 1_365]);
  expect(moves).toHaveLength(2_730);
});

test('takes the share of a fourth from the three evenly, and wishes nothing after that', () => {
  const three = moved(ownedByFirst(4_096), planMoves({ rows: ownedByFirst(4_096), takers: takers(3), ...everybody }));

  const moves = planMoves({ rows: three, takers: takers(4), ...everybody });

  expect(moves).toHaveLength(1_024);
  expect(moves.every(({ to }) => to === idOf(3))).toBe(true);
  expect(planMoves({ rows: moved(three, moves), takers: takers(4), ...everybody })).toEqual([]);
});

test('leaves the slots of a member that is away alone, and shares the rest', () => {
  const four = moved(ownedByFirst(4_096), planMoves({ rows: ownedByFirst(4_096), takers: takers(4), ...everybody }));
  const here = [takers(4)[0], takers(4)[1], takers(4)[3]].map((taker) => must(taker, 'taker'));

  expect(planMoves({ rows: four, takers: here, isMovable: (owner) => owner !== idOf(2) })).toEqual([]);
});

test('gives in proportion to weight', () => {
  const rows = ownedByFirst(4_096);
  const uneven = [1, 3, 4].map((weight, index) => ({ id: idOf(index), weight }));

  expect(shares(moved(rows, planMoves({ rows, takers: uneven, ...everybody })), uneven)).toEqual([512, 1_536, 2_048]);
});

test('keeps to the wish before while hand-offs are under way', () => {
  const rows = ownedByFirst(4_096);
  const first = planMoves({ rows, takers: takers(3), ...everybody });
  const previous = new Map(first.map(({ slot, to }) => [slot, to]));
  const done = first.filter((_, index) => index % 3 === 0);

  const rest = planMoves({ rows: moved(rows, done), takers: takers(3), previous, ...everybody });

  expect(rest).toEqual(first.filter((move) => !done.includes(move)));
});

test('moves nothing when there is nobody to take it', () => {
  expect(planMoves({ rows: ownedByFirst(16), takers: [], ...everybody })).toEqual([]);
});

test('gives each member its exact share, and moves only surplus, for any weights and any table', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat({ max: 14 }), { minLength: 64, maxLength: 64 }),
      (weights, owners) => {
        const members = weights.map((weight, index) => ({ id: idOf(index), weight }));
        const rows = ownedByFirst(64).map((row, index) => ({ ...row, owner: idOf(owners[index] ?? 0) }));
        const total = weights.reduce((sum, weight) => sum + weight, 0);

        const moves = planMoves({ rows, takers: members, ...everybody });

        const after = shares(moved(rows, moves), members);
        const before = shares(rows, members);
        expect(after.reduce((sum, share) => sum + share, 0)).toBe(64);
        members.forEach(({ weight }, index) =>
          expect(Math.abs((after[index] ?? 0) - (64 * weight) / total)).toBeLessThan(1),
        );
        const gained = after.reduce((sum, share, index) => sum + Math.max(0, share - (before[index] ?? 0)), 0);
        expect(moves).toHaveLength(gained);
      },
    ),
  );
});
