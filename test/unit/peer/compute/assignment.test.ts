import { requireKey, type PeerId, type RosterEntry } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { assignTasks } from '../../../../peer/src/compute/assignment.ts';
import { idOf } from './members.ts';

const [ada, ben, cleo] = [idOf(0), idOf(1), idOf(2)];

function entry(id: PeerId, changes: Partial<RosterEntry> = {}): RosterEntry {
  return { id, kind: 'node', name: id, state: 'here', workers: 1, ...changes } as RosterEntry;
}

const tasks = Array.from({ length: 6 }, (_, task) => ({ task, key: requireKey(`chunk ${task}`) }));
const ownerOf = (key: string): PeerId => [ada, ben, cleo][Number(key.slice(6)) % 3] ?? ada;

function shares(roster: readonly RosterEntry[], refusing: readonly PeerId[] = []): unknown {
  const { shares: all, left } = assignTasks({ tasks, roster, self: ada, refusing: new Set(refusing), ownerOf });
  return {
    left: left.length,
    shares: all.map(({ member, anywhere, tasks: given }) => [member, anywhere, given.map(({ task }) => task)]),
  };
}

describe('tasks go', () => {
  test('to the owners of their chunks', () => {
    expect(shares([entry(ada), entry(ben), entry(cleo)])).toEqual({
      left: 0,
      shares: [
        [ada, false, [0, 3]],
        [ben, false, [1, 4]],
        [cleo, false, [2, 5]],
      ],
    });
  });

  test('of a paused owner to another member, not to the submitter', () => {
    expect(shares([entry(ada), entry(ben, { state: 'paused' }), entry(cleo)])).toEqual({
      left: 0,
      shares: [
        [ada, false, [0, 3]],
        [cleo, true, [1, 4]],
        [cleo, false, [2, 5]],
      ],
    });
  });

  test('of owners without workers to the submitter if nobody else takes them', () => {
    expect(shares([entry(ada), entry(ben, { workers: 0 }), entry(cleo, { state: 'leaving' })])).toMatchObject({
      left: 0,
      shares: [
        [ada, false, [0, 3]],
        [ada, true, [1, 2, 4, 5]],
      ],
    });
  });

  test('never to a command', () => {
    expect(shares([entry(ada, { kind: 'command' }), entry(ben), entry(cleo)])).toMatchObject({
      shares: [
        [ben, true, [0]],
        [ben, false, [1, 4]],
        [cleo, false, [2, 5]],
        [cleo, true, [3]],
      ],
    });
  });

  test('to an owner that is away, which is waited for', () => {
    expect(shares([entry(ada), entry(ben, { state: 'away' }), entry(cleo)])).toMatchObject({
      shares: [
        [ada, false, [0, 3]],
        [ben, false, [1, 4]],
        [cleo, false, [2, 5]],
      ],
    });
  });

  test('nowhere if nobody takes any', () => {
    expect(shares([entry(ada), entry(ben, { workers: 0 }), entry(cleo, { workers: 0 })], [ada])).toEqual({
      left: 6,
      shares: [],
    });
  });
});
