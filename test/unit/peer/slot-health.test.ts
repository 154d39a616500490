import { describe, expect, test } from 'vitest';
import {
  encodeSlotSet,
  isInSlotSet,
  type Configuration,
  type Copy,
  type Incarnation,
  type PeerId,
  type Slot,
} from '@shoal/shared';
import { countHealth, healthOf, slotView, waitingOf, type HealthView } from '../../../peer/src/slot-health.ts';

const [ada, ben, cleo] = ['ada', 'ben', 'cleo'] as PeerId[] as [PeerId, PeerId, PeerId];

function copy(member: PeerId, durability: Copy['durability'] = 'strict', life = 1): Copy {
  return { member, incarnation: `${member}.${life}` as Incarnation, durability };
}

function row(parts: Partial<Configuration>): Configuration {
  const copies = [copy(ada), copy(ben)];
  return { slot: 3 as Slot, epoch: 7, owner: ada, copies, dropped: [], settled: true, emptyBefore: 1, ...parts };
}

/** Processes that are here, such as `ada.1`. */
function view(living: readonly string[], moving: readonly number[] = []): HealthView {
  return {
    replicas: 2,
    living: new Set(living as Incarnation[]),
    here: new Set(living.map((life) => life.split('.')[0] as PeerId)),
    moving: encodeSlotSet(moving as Slot[], 16),
  };
}

test('a set of slots holds those that were put in, and no other', () => {
  const all = Array.from({ length: 16 }, (_, slot) => slot as Slot);
  const bytes = encodeSlotSet([0, 7, 8, 15] as Slot[], 16);

  expect(bytes).toHaveLength(2);
  expect(all.filter((slot) => isInSlotSet(bytes, slot))).toEqual([0, 7, 8, 15]);
});

describe('health of a slot', () => {
  test.each([
    ['whole', row({}), view(['ada.1', 'ben.1'])],
    ['moving', row({}), view(['ada.1', 'ben.1'], [3])],
    ['moving', row({ settled: false }), view(['ada.1', 'ben.1'])],
    ['degraded', row({}), view(['ada.1'], [3])],
    ['degraded', row({}), view(['ada.1', 'ben.2'])],
    ['degraded', row({ copies: [copy(ada)] }), view(['ada.1'])],
    ['lost', row({}), view(['cleo.1'])],
    ['lost', row({}), view(['ada.2', 'ben.2'])],
    ['lost', row({ settled: false }), view(['ada.1'])],
  ])('%s', (health, of, at) => {
    expect(healthOf(of, at)).toBe(health);
    expect(countHealth([of], at)).toEqual({ whole: 0, degraded: 0, moving: 0, lost: 0, [health]: 1 });
  });
});

describe('a lost slot waits for', () => {
  test('one of its strict copies', () => {
    const lost = row({ copies: [copy(ada), copy(ben), copy(cleo, 'relaxed')] });

    expect(waitingOf(lost, view([]))).toEqual({ members: [ada, ben], needs: 'one' });
    expect(waitingOf(lost, view(['ben.2']))).toEqual({ members: [], needs: 'one' });
    expect(waitingOf(lost, view(['cleo.2']))).toEqual({ members: [ada, ben], needs: 'one' });
  });

  test('all of its relaxed copies, dropped ones too', () => {
    const lost = row({ copies: [copy(ada, 'relaxed')], dropped: [copy(ben, 'relaxed')] });

    expect(waitingOf(lost, view([]))).toEqual({ members: [ada, ben], needs: 'all' });
    expect(waitingOf(lost, view(['ada.2']))).toEqual({ members: [ben], needs: 'all' });
  });
});

test('a degraded slot names the copies that are away, a whole one nobody', () => {
  expect(slotView(row({ copies: [copy(ada)], dropped: [copy(ben)] }), view(['ada.1']))).toEqual({
    ...{ slot: 3, epoch: 7, owner: ada, copies: [ada], health: 'degraded' },
    waitsFor: { members: [ben], needs: 'all' },
  });
  expect(slotView(row({}), view(['ada.1', 'ben.1'])).waitsFor.members).toEqual([]);
});
