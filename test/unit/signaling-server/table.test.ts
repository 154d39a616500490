// The table as a value, and as a file.

import { expect, test } from 'vitest';
import {
  must,
  parseIncarnation,
  parseMeshId,
  parsePeerId,
  type Copy,
  type RosterEntry,
  type Slot,
} from '@shoal/shared';
import { decideChange } from '../../../signaling-server/src/decision.ts';
import { planRevival } from '../../../signaling-server/src/revival.ts';
import { decodeTableFile, encodeTableFile, type TableFile } from '../../../signaling-server/src/table-file.ts';
import {
  changedRows,
  createTable,
  emptyRow,
  firstRows,
  isBehind,
  rowWithout,
  withNextTerm,
  withRows,
  type Table,
} from '../../../signaling-server/src/table.ts';

const meshId = must(parseMeshId('ab'.repeat(16)), 'mesh id');
const copy = (digit: string, incarnation: string): Copy => ({
  member: must(parsePeerId(digit.repeat(32)), 'id'),
  incarnation: must(parseIncarnation(incarnation.repeat(16)), 'incarnation'),
  durability: 'strict',
});
const ada = copy('a', '1');
const ben = copy('b', '1');
const founded = (): Table => {
  const table = createTable(meshId, 4);
  return withRows(table, firstRows(4, ada));
};
const context = {
  proposer: { id: ada.member, incarnation: ada.incarnation },
  replicas: 1,
  presence: { proposer: true, has: () => false, outlives: () => true },
  copyOf: () => ben,
};
const slot = (index: number): Slot => must(founded().rows[index], 'row').slot;

test('grows its epoch by one for each change, and knows which rows a change made', () => {
  const before = founded();
  const row = { ...must(before.rows[2], 'row'), epoch: 2 };

  const after = withRows(before, [row]);

  expect(after.epoch).toBe(before.epoch + 1);
  expect(changedRows(before, after)).toEqual([row]);
  expect(withRows(after, [])).toBe(after);
});

test('hands a slot over under the next epoch, with one copy', () => {
  const decision = decideChange(
    founded(),
    { slot: slot(1), epoch: 1, change: { kind: 'hand-over', member: ben.member, incarnation: ben.incarnation } },
    context,
  );

  expect(decision).toEqual({
    kind: 'written',
    row: { slot: 1, epoch: 2, owner: ben.member, copies: [ben], dropped: [], settled: true, emptyBefore: 1 },
  });
});

test('refuses who is no owner, an older incarnation of it, and a taker that is away', () => {
  const handOver = {
    slot: slot(0),
    epoch: 1,
    change: { kind: 'hand-over', member: ben.member, incarnation: ben.incarnation },
  } as const;

  const reasons = [
    decideChange(founded(), handOver, { ...context, proposer: { id: ben.member, incarnation: ben.incarnation } }),
    decideChange(founded(), handOver, {
      ...context,
      proposer: { id: ada.member, incarnation: copy('a', '2').incarnation },
    }),
    decideChange(founded(), handOver, { ...context, copyOf: () => 'away' }),
    decideChange(founded(), { ...handOver, epoch: 7 }, context),
  ];

  expect(reasons.map((decision) => (decision.kind === 'refused' ? decision.reason : ''))).toEqual([
    'not-a-copy',
    'incarnation',
    'away',
    'epoch',
  ]);
});

test('revives only slots of an older incarnation, and lets them be settled under the same epoch', () => {
  const again = copy('a', '2');

  const view = {
    nowMs: 0,
    presenceOf: ({ incarnation }: Copy) => (incarnation === again.incarnation ? 'here' : 'gone') as 'here' | 'gone',
    back: () => ({ copy: again, beganMs: 0 }),
  };
  const revived = withRows(founded(), planRevival(founded(), view).rows);
  const settled = decideChange(
    revived,
    { slot: slot(3), epoch: 2, change: { kind: 'settled' } },
    { ...context, proposer: { id: again.member, incarnation: again.incarnation } },
  );

  expect(revived.rows.every(({ epoch, settled: is, copies }) => epoch === 2 && !is && copies[0] === again)).toBe(true);
  expect(settled).toMatchObject({ kind: 'written', row: { epoch: 2, settled: true } });
  expect(planRevival(revived, view).rows).toEqual([]);
});

test('empties a slot only if nobody else has a copy, now or dropped', () => {
  const alone = must(founded().rows[2], 'row');
  const both = { ...alone, copies: [ada, ben] };

  expect(emptyRow(alone, ben)).toEqual({
    ...{ slot: 2, epoch: 2, owner: ben.member, copies: [ben], dropped: [], settled: true, emptyBefore: 2 },
  });
  expect(rowWithout(alone, ada.member)).toBe('only');
  expect(rowWithout({ ...alone, dropped: [ben] }, ada.member)).toBe('older');
  expect(rowWithout({ ...alone, dropped: [ben] }, ben.member)).toEqual({ ...alone, epoch: 2 });
  expect(rowWithout(both, ada.member)).toEqual({ ...alone, epoch: 2, owner: ben.member, copies: [ben] });
  expect(rowWithout(alone, ben.member)).toBe(alone);
});

test('tells a table that a member has seen newer, also behind a newer term', () => {
  const table = founded();
  const newer = withRows(table, [must(table.rows[0], 'row')]);
  const restored = withNextTerm(table);

  expect(isBehind(table, { term: 1, epoch: 1 })).toBe(false);
  expect(isBehind(table, { term: 1, epoch: 2 })).toBe(true);
  expect(isBehind(table, { term: 2, epoch: 1 })).toBe(true);
  expect(isBehind(restored, { term: newer.term, epoch: newer.epoch })).toBe(true);
  expect(isBehind(withNextTerm(newer), { term: newer.term, epoch: newer.epoch })).toBe(false);
});

test('comes back from its file as it was', () => {
  const entry: RosterEntry = {
    ...{
      id: ada.member,
      incarnation: ada.incarnation,
      publicKey: 'cd'.repeat(32),
      kind: 'node',
      name: 'ada',
      state: 'here',
    },
    ...{ durability: 'strict', ephemeral: false, workers: 3, weight: 1, freeBytes: 5, domain: 'x', seenAtMs: 9 },
  };
  const file: TableFile = {
    table: withNextTerm(founded()),
    roster: new Map([[ada.member, { entry, retired: [ben.incarnation] }]]),
  };

  expect(decodeTableFile('main', encodeTableFile(file))).toEqual(file);
});

test('refuses a file that is cut short or damaged anywhere, by code', () => {
  const bytes = encodeTableFile({ table: founded(), roster: new Map() });

  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    expect(() => decodeTableFile('main', damaged)).toThrow(expect.objectContaining({ code: 'stale-table' }));
    expect(() => decodeTableFile('main', bytes.slice(0, at))).toThrow(expect.objectContaining({ code: 'stale-table' }));
  }
});
