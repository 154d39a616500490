import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import type { Mesh, MeshStatus, SlotView } from '@shoal/peer';
import type { PeerId, Slot } from '@shoal/shared';
import { createSlots, describeSlot, runAround } from '../../../web/src/model/slots.ts';
import type { PagePorts } from '../../../web/src/model/ports.ts';
import type { Session } from '../../../web/src/model/session.ts';
import { shapeOf } from '../../../web/src/widgets/slot-cells.ts';
import { createVirtualClock } from '../../sim/virtual-clock.ts';

function view(slot: number, parts: Partial<SlotView> = {}): SlotView {
  const owner = 'ada' as PeerId;
  return {
    ...{ slot: slot as Slot, epoch: 1, owner, copies: [owner], health: 'whole' },
    waitsFor: { members: [], needs: 'all' },
    ...parts,
  };
}

const [ada, ben] = ['ada', 'ben'] as PeerId[] as [PeerId, PeerId];
const cells = [
  view(0),
  view(1),
  view(2, { copies: [ada, ben] }),
  view(3, { copies: [ben, ada] }),
  view(4, { health: 'lost', waitsFor: { members: [ada, ben], needs: 'all' } }),
];
const nameOf = (id: PeerId): string => id;

test('neighbours with the same owner, copies and health are one run', () => {
  expect([0, 1, 2, 3, 4].map((index) => runAround(cells, index))).toEqual([
    { first: 0, last: 1 },
    { first: 0, last: 1 },
    { first: 2, last: 3 },
    { first: 2, last: 3 },
    { first: 4, last: 4 },
  ]);
});

test('a slot is told in words: range, owner, copies, health, whom it waits for', () => {
  expect(describeSlot(cells, 1, nameOf)).toBe('Slots 0–1: ada; no other copy; whole');
  expect(describeSlot(cells, 2, nameOf)).toBe('Slots 2–3: ada; also at ben; whole');
  expect(describeSlot(cells, 4, nameOf)).toBe(
    'Slot 4: ada; no other copy; lost, waits for ada and ben: start them, or see `shoal recover` and `shoal forget`',
  );
  expect(describeSlot(cells, 5, nameOf)).toBe('');
});

test('a place on the map is a cell, or none', () => {
  const narrow = shapeOf(256, 4_096);
  const wide = shapeOf(640, 4_096);

  expect([narrow.columns, narrow.rows, wide.columns, wide.rows]).toEqual([64, 64, 128, 32]);
  expect([narrow.cellAt(0, 0), narrow.cellAt(255, 0), narrow.cellAt(1, 5), narrow.cellAt(255, 255)]).toEqual([
    0, 63, 64, 4_095,
  ]);
  expect([narrow.cellAt(-1, 0), narrow.cellAt(257, 0), narrow.cellAt(0, 256)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(shapeOf(200, 10)).toMatchObject({ columns: 10, rows: 1 });
});

test('cells are made anew at most twice a second, and only when something of them changed', async () => {
  const clock = createVirtualClock();
  let made = 0;
  const slots = (): readonly SlotView[] => {
    made += 1;
    return cells;
  };
  const status = signal<MeshStatus | undefined>(undefined);
  const mesh = signal<Mesh | undefined>(undefined);
  const model = createSlots({ clock } as unknown as PagePorts, { status, mesh } as unknown as Session);
  const say = (epoch: number, queuedBytes = 0): void => {
    const health = { whole: 4, degraded: 0, moving: 0, lost: 1 };
    const members = [{ id: ada, name: 'ada', state: 'here', incarnation: 'x', link: { state: 'open', queuedBytes } }];
    status.value = { term: 1, epoch, health, members } as unknown as MeshStatus;
  };

  mesh.value = { slots } as unknown as Mesh;
  say(1);
  await clock.advance(0);
  expect(model.cells.value).toHaveLength(5);
  for (let epoch = 2; epoch < 12; epoch += 1) {
    say(epoch);
    await clock.advance(100);
  }
  expect(made).toBe(3);

  await clock.advance(1_000);
  const before = made;
  for (let bytes = 1; bytes < 10; bytes += 1) {
    say(11, bytes);
    await clock.advance(500);
  }
  expect(made).toBe(before);
  expect(model.troubles.value).toEqual([
    { isLost: true, text: expect.stringContaining('1 slot lost: waits for ada and ben') },
  ]);

  status.value = undefined;
  mesh.value = undefined;
  expect(model.cells.value).toEqual([]);
});
