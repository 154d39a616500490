import { requireKey, type Incarnation, type KeyVersion, type PeerId, type Slot, type SlotFrame } from '@shoal/shared';
import { expect, test } from 'vitest';
import { createKeyLocks } from '../../../../peer/src/store/key-locks.ts';
import { createCell, type StoreContext } from '../../../../peer/src/store/store-context.ts';
import { createTombstones } from '../../../../peer/src/store/tombstones.ts';

const ada = 'a'.repeat(32) as PeerId;
const ben = 'b'.repeat(32) as PeerId;
const slot = 1 as Slot;
const key = requireKey('k');
const version = { epoch: 1, counter: 2 };
const AGE_MS = 1_000;

/** Ada owns a slot that ben backs, and holds one delete. */
function begin(role: 'serving' | 'backup' = 'serving') {
  const cell = createCell(slot);
  const copy = (member: PeerId) =>
    ({ member, incarnation: member.slice(0, 16) as Incarnation, durability: 'strict' }) as const;
  cell.row = { slot, epoch: 1, owner: ada, copies: [copy(ada), copy(ben)], dropped: [], settled: true, emptyBefore: 0 };
  cell.state =
    role === 'serving' ? { role, epoch: 1, counter: 2, open: 0 } : { role: 'backup', epoch: 1, resigned: false };
  const stored = new Set([key]);
  const sent: (readonly KeyVersion[])[] = [];
  let nowMs = 0;
  const context = {
    cell: () => cell,
    locks: createKeyLocks(),
    records: {
      head: async () => (stored.has(key) ? { version, tombstone: true } : undefined),
      remove: async () => stored.clear(),
    },
    deps: {
      self: ada,
      tombstoneMs: AGE_MS,
      meshNowMs: () => nowMs,
      send: (_to: PeerId, frame: SlotFrame) => sent.push('keys' in frame ? (frame.keys as KeyVersion[]) : []),
    },
  } as unknown as StoreContext;
  const tombstones = createTombstones();
  tombstones.add(slot, key, { version, writtenAtMs: 0 });
  return { tombstones, context, sent, stored, pass: (ms: number) => (nowMs += ms) };
}

test('a copy whose link broke is told once more what to drop', async () => {
  const { tombstones, context, sent, stored, pass } = begin();
  await tombstones.sweep(context);
  expect(sent).toEqual([]);
  pass(AGE_MS);
  await tombstones.sweep(context);
  expect(stored.size).toBe(0);

  tombstones.tellAgain(context, ben);
  tombstones.tellAgain(context, ada);

  expect(sent).toEqual([[{ key, version }], [{ key, version }]]);
});

test('a backup keeps a delete in mind for as long as it is there', async () => {
  const { tombstones, context, stored, pass } = begin('backup');
  pass(AGE_MS);
  await tombstones.sweep(context);
  expect(tombstones.size).toBe(1);

  stored.clear();
  await tombstones.sweep(context);

  expect(tombstones.size).toBe(0);
});
