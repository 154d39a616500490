import { expect, test } from 'vitest';
import type { PeerId, Slot } from '@shoal/shared';
import type { SlotView, Waiting } from '@shoal/peer';
import { reasonOf, troublesOf } from '../../../peer/src/slot-troubles.ts';

const [ada, ben] = ['ada', 'ben'] as PeerId[] as [PeerId, PeerId];

function view(
  slot: number,
  health: SlotView['health'],
  members: readonly PeerId[] = [],
  needs: Waiting['needs'] = 'all',
) {
  return { slot: slot as Slot, epoch: 1, owner: ada, copies: [ada], health, waitsFor: { members, needs } };
}

test('slots that wait for the same members are one trouble, lost ones first', () => {
  const troubles = troublesOf([
    view(0, 'whole'),
    view(1, 'degraded', [ben]),
    view(2, 'degraded', [ben]),
    view(3, 'lost', [ada, ben], 'one'),
    view(4, 'moving'),
    view(5, 'lost', [ben, ada], 'one'),
    view(6, 'lost', [ada, ben]),
  ]);

  expect(troubles.map(({ health, slots }) => [health, slots])).toEqual([
    ['lost', [3, 5]],
    ['lost', [6]],
    ['degraded', [1, 2]],
  ]);
});

test.each([
  ['lost', [ada, ben], 'one', 'waits for ada or ben: start it, or see `shoal recover` and `shoal forget`'],
  ['lost', [ada, ben], 'all', 'waits for ada and ben: start them, or see `shoal recover` and `shoal forget`'],
  ['lost', [], 'one', 'is made ready on a disk that is back'],
  ['degraded', [ben], 'all', 'without ben'],
  ['degraded', [], 'all', 'waits for another member'],
] as const)('%s: says whom it waits for (%j, %s)', (health, members, needs, text) => {
  expect(reasonOf({ health, members, needs }, (id) => id)).toBe(text);
});
