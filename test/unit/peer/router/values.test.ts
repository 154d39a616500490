import {
  type Configuration,
  createSystemClock,
  type GetFrame,
  type Incarnation,
  MeshError,
  type PeerId,
  type PutFrame,
  requireKey,
  slotOfKey,
} from '@shoal/shared';
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';
import { createRoutedValues } from '../../../../peer/src/router/values.ts';
import type { StoreAnswer } from '../../../../peer/src/store/range-store.ts';

const [self, owner, backup] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [PeerId, PeerId, PeerId];
const key = requireKey('~chunk/of-its-hash');
const version = { epoch: 1, counter: 7 };
const bytes = Uint8Array.of(1, 2, 3);

const value: StoreAnswer = {
  result: { kind: 'value', version, mediaType: '', contentNamed: true, sizeBytes: 3 },
  payload: bytes,
};

interface Situation {
  readonly copies: readonly PeerId[];
  readonly linked: readonly PeerId[];
  /** Who says where the slot is, instead of what is asked for. */
  readonly lacking?: readonly PeerId[];
  /** Why nobody can answer. */
  readonly lost?: string;
}

/** Gets, and who was asked. */
function start({ copies, linked, lacking = [], lost }: Situation) {
  const row = {
    ...{ slot: slotOfKey(key, 16), epoch: 1, owner, dropped: [], settled: true, emptyBefore: 1 },
    copies: copies.map((member) => ({ member, incarnation: member.slice(0, 16) as Incarnation, durability: 'strict' })),
  } as Configuration;
  const asked: PeerId[] = [];
  const frames: (GetFrame | PutFrame)[] = [];
  const answer = async (member: PeerId, frame: GetFrame | PutFrame): Promise<StoreAnswer> => {
    asked.push(member);
    frames.push(frame);
    if (lacking.includes(member)) return { result: { kind: 'moved', row }, payload: new Uint8Array(0) };
    const isOld = frame.kind === 'get' && frame.newerThan?.counter === version.counter;
    return isOld ? { result: { kind: 'unchanged', version }, payload: new Uint8Array(0) } : value;
  };
  const values = createRoutedValues({
    self,
    clock: createSystemClock(),
    slotCount: () => 16,
    nextRequestId: () => '0'.repeat(24) as never,
    row: () => row,
    learn: () => false,
    nameOf: (member) => member,
    whyUnreachable: () => undefined,
    lost: () => lost,
    reachOrChange: async () => {
      asked.push(owner);
    },
    isOpen: (member) => linked.includes(member),
    request: answer,
    local: (frame) => answer(self, frame),
  });
  return { values, asked, frames };
}

test('what its key names by its content is read from this member when it is a copy', async () => {
  const { values, asked } = start({ copies: [owner, self], linked: [owner] });

  expect((await values.get(key, { contentNamed: true }))?.bytes).toEqual(bytes);
  expect(asked).toEqual([self]);
});

test('and from a copy that is linked when the owner is not', async () => {
  const { values, asked } = start({ copies: [owner, backup], linked: [backup] });

  expect((await values.get(key, { contentNamed: true }))?.bytes).toEqual(bytes);
  expect(asked).toEqual([backup]);
});

test('a copy that does not have it sends to the owner', async () => {
  const { values, asked } = start({ copies: [owner, self], linked: [owner], lacking: [self] });

  expect((await values.get(key, { contentNamed: true }))?.bytes).toEqual(bytes);
  expect(asked).toEqual([self, owner]);
});

test('what may change is asked of the owner alone, though it is not linked', async () => {
  const { values, asked } = start({ copies: [owner, self, backup], linked: [backup] });

  await expect(values.get(key, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'owner-away' });
  expect(new Set(asked)).toEqual(new Set([owner]));
});

test('a value is not sent again that is no newer than the one that the asker has', async () => {
  const { values, frames } = start({ copies: [owner], linked: [owner] });

  expect(await values.getNewer(key, version)).toBe('unchanged');
  expect(await values.getNewer(key, { epoch: 1, counter: 6 })).toMatchObject({ version, bytes });
  expect(frames.map((frame) => frame.kind === 'get' && frame.newerThan)).toEqual([version, { epoch: 1, counter: 6 }]);
});

test('a request whose slot is lost says so at its deadline, with whom it waits for', async () => {
  const { values } = start({ copies: [owner], linked: [], lost: 'waits for ben' });
  const slot = slotOfKey(key, 16);

  await expect(values.get(key, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'lost',
    message: `The slot of "${key}" (${slot}) has no copy that is here: it waits for ben.`,
    detail: { key, slot, maybeDone: false },
  });
  await expect(values.delete(key, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'lost' });
});

test('nor does it say less when its caller runs out of time, or more when its caller goes', async () => {
  const { values } = start({ copies: [owner], linked: [], lost: 'waits for ben' });
  const endBy = async (code: 'deadline' | 'aborted'): Promise<unknown> => {
    const controller = new AbortController();
    const asked = values.get(key, { signal: controller.signal });
    controller.abort(new MeshError(code, 'The job is over.'));
    return asked.catch((error: unknown) => error);
  };

  expect(await endBy('deadline')).toMatchObject({ code: 'lost', message: expect.stringContaining('waits for ben') });
  expect(await endBy('aborted')).toMatchObject({ code: 'aborted', message: 'The job is over.' });
});

test('a request that slept along with its member is as old as it is', async () => {
  const clock = createVirtualClock();
  const copies = [{ member: owner, incarnation: owner.slice(0, 16) as Incarnation, durability: 'strict' as const }];
  const row = { slot: slotOfKey(key, 16), epoch: 1, owner, copies, dropped: [], settled: true, emptyBefore: 1 };
  const ages: number[] = [];
  const values = createRoutedValues({
    self,
    clock,
    slotCount: () => 16,
    nextRequestId: () => '0'.repeat(24) as never,
    row: () => row,
    learn: () => false,
    nameOf: (member) => member,
    whyUnreachable: () => undefined,
    lost: () => undefined,
    isOpen: () => true,
    reachOrChange: async () => undefined,
    request: async (_to, frame) => {
      ages.push(frame.ageMs);
      if (ages.length === 1) throw new MeshError('link-lost', 'The link closed.');
      return { result: { kind: 'done', version, copies: 1 }, payload: new Uint8Array(0) };
    },
    local: async () => value,
  });
  const put = values.put(key, bytes, { mediaType: '' });
  await clock.advance(1);
  clock.stepWall(300_000);
  await clock.advance(1_000);

  await put;
  expect(ages[0]).toBe(0);
  expect(ages[1]).toBeGreaterThanOrEqual(300_000);
});
