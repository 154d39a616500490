import { MeshError, NO_PAYLOAD, limits, parseRequestId, must } from '@shoal/shared';
import type { BlobFrame } from '@shoal/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMemoryNetwork, type MemoryNetwork } from '../../../../peer/src/adapters/memory/transport.ts';
import { createVirtualClock, type VirtualClock } from '../../../sim/virtual-clock.ts';
import { ada, ben, cleo, createTestMember, meshAll, type TestMember, type TestMemberOptions } from './members.ts';

let clock: VirtualClock;
let network: MemoryNetwork;
let members: TestMember[];

beforeEach(() => {
  clock = createVirtualClock();
  network = createMemoryNetwork();
  members = [];
});

afterEach(async () => {
  for (const { links, transport } of members) {
    await links.close();
    await transport.close();
  }
  // What was on its way arrives nowhere.
  await clock.advance(100);
  expect(network.channelCount()).toBe(0);
  expect(clock.timerCount()).toBe(0);
});

function member(id: typeof ada, options: Partial<TestMemberOptions> = {}): TestMember {
  const made = createTestMember(id, { network, clock, ...options });
  members.push(made);
  return made;
}

function blob(number: number, payload: Uint8Array = NO_PAYLOAD): BlobFrame {
  const id = must(parseRequestId(`0123456789abcdef.${number}`), 'id');
  return {
    kind: 'blob',
    id,
    ageMs: 0,
    remainingMs: 1_000,
    forwarded: false,
    service: 'test',
    part: 'note',
    body: number,
    payload,
  };
}

test('links all members with one channel for each pair', async () => {
  const all = [member(ada), member(ben), member(cleo)];

  meshAll(all);
  await clock.advance(10);

  expect(network.channelCount()).toBe(3);
  for (const { id, links } of all) {
    for (const other of all) if (other.id !== id) expect(links.isOpen(other.id)).toBe(true);
  }
});

test('lets only the lower id dial', async () => {
  const [a, b] = [member(ada), member(ben)];
  a.links.admit([b.wanted]);
  b.links.admit([a.wanted]);

  b.links.want([a.wanted]);
  await clock.advance(20_000);

  expect(network.channelCount()).toBe(0);
  a.links.want([b.wanted]);
  await clock.advance(1_000);
  expect(network.channelCount()).toBe(1);
});

test('carries frames both ways, in order for one request', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(10);

  for (let index = 0; index < 5; index += 1) a.links.send(ben, { ...blob(7), body: index }, 1);
  b.links.send(ada, blob(1, new Uint8Array(300_000).fill(7)), 2);
  await clock.advance(10);

  expect(b.frames.map(({ frame }) => frame.kind === 'blob' && frame.body)).toEqual([0, 1, 2, 3, 4]);
  expect(b.frames[0]).toMatchObject({ from: ada, incarnation: a.incarnation });
  const [received] = a.frames;
  const payload = received?.frame.kind === 'blob' ? received.frame.payload : NO_PAYLOAD;
  expect([payload.byteLength, payload.every((byte) => byte === 7)]).toEqual([300_000, true]);
});

test('measures the round trip of a link', async () => {
  network = createMemoryNetwork({ clock, latencyMs: 15 });
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);

  await clock.advance(2_000);

  expect(a.links.views()).toMatchObject([{ member: ben, state: 'open', roundTripMs: 30 }]);
  expect(b.links.unheardMs()).toBeLessThan(limits.heartbeatMs);
  expect(b.links.unheardFromMs(ada)).toBeLessThan(limits.heartbeatMs);
  expect(b.links.unheardFromMs(cleo)).toBe(Infinity);
});

test('closes a silent link after the grace and opens it again when the way is free', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  network.cut(ada, ben);
  await clock.advance(limits.graceMs - 100);
  expect(a.links.isOpen(ben)).toBe(true);
  await clock.advance(1_000);

  expect(a.happened).toEqual(['opened 0b', 'closed 0b: silent']);
  expect(b.happened).toEqual(['opened 0a', 'closed 0a: silent']);
  network.heal(ada, ben);
  await clock.advance(limits.dialMs + limits.redialMaxMs);
  expect(a.links.isOpen(ben)).toBe(true);
  expect(b.links.isOpen(ada)).toBe(true);
});

test('dials again at once when a channel breaks', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  network.breakChannels(ada, ben);
  await clock.advance(limits.redialMinMs);

  expect(a.happened).toEqual(['opened 0b', 'closed 0b: broken', 'opened 0b']);
  expect(network.channelCount()).toBe(1);
});

test('doubts itself first after standing still, and keeps its links', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  clock.standStill(3_600_000);
  await clock.advance(10_000);

  expect(a.happened).toEqual(['opened 0b']);
  expect(b.happened).toEqual(['opened 0a']);
});

test('keeps its links when the wall clock is set back or forth', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  clock.stepWall(-3_600_000);
  await clock.advance(10_000);
  clock.stepWall(7_200_000);
  await clock.advance(10_000);

  expect(a.happened).toEqual(['opened 0b']);
  expect(b.happened).toEqual(['opened 0a']);
});

test('finds silence although the wall clock was set back', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  network.cut(ada, ben);
  clock.stepWall(-3_600_000);
  await clock.advance(limits.graceMs + 1_000);

  expect(a.happened).toContain('closed 0b: silent');
});

test('counts the time that nobody was heard by the clock that says more', async () => {
  const a = member(ada);
  await clock.advance(1_000);
  expect(a.links.unheardMs()).toBe(1_000);

  clock.stepWall(60_000);

  expect(a.links.unheardMs()).toBe(61_000);
});

test('waits for a member to be admitted when its hello comes first', async () => {
  const [a, b] = [member(ada), member(ben)];
  a.links.admit([b.wanted]);
  a.links.want([b.wanted]);
  await clock.advance(1_500);
  expect(b.links.isOpen(ada)).toBe(false);

  a.links.send(ben, blob(3), 1);
  b.links.admit([a.wanted]);
  await clock.advance(10);

  expect(b.happened).toEqual(['opened 0a']);
  expect(b.frames).toHaveLength(1);
});

test('refuses a member that is not admitted in time', async () => {
  const [a, b] = [member(ada), member(ben)];
  a.links.admit([b.wanted]);
  const linked = a.links.linkTo(ben);
  await clock.advance(2_500);
  await linked;

  expect(b.happened).toEqual([]);
  expect(a.happened).toEqual(['opened 0b', 'closed 0b: not a member of this mesh, as far as is known here']);
});

test.each([
  ['of another mesh', { mesh: 'other' }, 'the hello is of another mesh'],
  ['that names another member', { id: cleo }, 'the hello names another member'],
] as const)('refuses a hello %s', async (_what, self, reason) => {
  const a = member(ada);
  const b = member(ben, { self });
  meshAll([a, b]);

  const linked = a.links.linkTo(ben).catch((error: unknown) => error);
  await clock.advance(1_000);

  expect(await linked).toMatchObject({ code: 'link-lost', message: expect.stringContaining(reason) });
  expect(a.happened).toEqual([]);
});

test('replaces the link to an earlier life of a member', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  const again = member(ben, { life: 2 });
  meshAll([a, again]);
  await clock.advance(1_000);

  expect(a.happened[0]).toBe('opened 0b');
  expect(a.happened.at(-1)).toBe('opened 0b');
  a.links.send(ben, blob(1), 1);
  await clock.advance(10);
  expect(again.frames).toHaveLength(1);
  expect(b.frames).toHaveLength(0);
});

test('links on demand against the order of ids, and keeps that link', async () => {
  const [a, b] = [member(ada), member(ben)];
  a.links.admit([b.wanted]);
  b.links.admit([a.wanted]);

  const linked = b.links.linkTo(ada);
  await clock.advance(10);
  await linked;
  b.links.want([]);
  a.links.want([]);
  await clock.advance(10_000);

  expect(b.links.isOpen(ada)).toBe(true);
  expect(network.channelCount()).toBe(1);
});

test('ends with one channel when both sides dial at once', async () => {
  const [a, b] = [member(ada), member(ben)];
  a.links.admit([b.wanted]);
  b.links.admit([a.wanted]);

  const linked = [a.links.linkTo(ben), b.links.linkTo(ada)];
  await clock.advance(10_000);
  await Promise.all(linked);

  expect(network.channelCount()).toBe(1);
  a.links.send(ben, blob(1), 1);
  b.links.send(ada, blob(2), 1);
  await clock.advance(10);
  expect([a.frames.length, b.frames.length]).toEqual([1, 1]);
});

test('rejects linkTo when the member can not be reached, and when the caller gives up', async () => {
  const a = member(ada);

  const lost = a.links.linkTo(ben).catch((error: unknown) => error);
  await clock.advance(limits.dialMs);
  expect(await lost).toMatchObject({ code: 'link-lost' });

  member(cleo);
  network.cut(ada, cleo);
  const controller = new AbortController();
  const aborted = a.links.linkTo(cleo, { signal: controller.signal }).catch((error: unknown) => error);
  await clock.advance(100);
  controller.abort();
  await clock.settle();
  expect(await aborted).toMatchObject({ code: 'aborted' });
  expect(a.links.views()).toEqual([]);
});

test('gives up a dial that hangs after its time and tries again', async () => {
  const [a, b] = [member(ada), member(ben)];
  network.cut(ada, ben);
  meshAll([a, b]);
  await clock.advance(limits.dialMs - 1);
  expect(a.links.views()).toMatchObject([{ state: 'dialling' }]);

  network.heal(ada, ben);
  await clock.advance(1 + 2 * limits.redialMinMs);

  expect(a.links.isOpen(ben)).toBe(true);
});

test('dials only some members at once', async () => {
  const a = member(ada);
  const others = Array.from({ length: 20 }, (_, index) =>
    member(`1${String(index).padStart(2, '0')}`.padEnd(32, '0') as typeof ada),
  );
  for (const other of others) network.cut(ada, other.id);

  meshAll([a, ...others]);
  await clock.settle();

  const dialling = a.links.views().filter(({ state }) => state === 'dialling');
  expect(dialling).toHaveLength(limits.dialsAtOnce);
});

test('closes links that are no longer wanted', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  a.links.want([]);
  b.links.want([]);
  await clock.advance(10_000);

  expect(a.happened).toEqual(['opened 0b', 'closed 0b: not wanted any more']);
  expect(network.channelCount()).toBe(0);
});

test('says goodbye to all', async () => {
  const [a, b] = [member(ada), member(ben)];
  meshAll([a, b]);
  await clock.advance(100);

  a.links.goodbye();
  await a.links.close();
  await clock.advance(10);

  expect(b.happened).toEqual(['opened 0a', 'goodbye 0a', 'closed 0a: closed']);
});

test('throws link-lost without a link, and busy at the bound of the queue', async () => {
  const [a, b] = [member(ada), member(ben)];
  expect(() => a.links.send(ben, blob(1), 1)).toThrow(MeshError);
  meshAll([a, b]);
  await clock.advance(100);
  network.cut(ada, ben);

  const payload = new Uint8Array(60 * 1024 * 1024);
  for (let index = 0; index < 4; index += 1) a.links.send(ben, blob(index, payload), 2);
  let busy: unknown;
  try {
    a.links.send(ben, blob(9, payload), 2);
  } catch (error) {
    busy = error;
  }

  expect(busy).toMatchObject({ code: 'busy' });
  let hasRoom = false;
  const room = a.links.room(ben).then(() => (hasRoom = true));
  await clock.settle();
  expect(hasRoom).toBe(false);
  await clock.advance(limits.graceMs + 1_000);
  await room;
  expect(hasRoom).toBe(true);
});

test('refuses a stranger that sends frames before its hello', async () => {
  const a = member(ada);
  const stranger = network.transport(ben);

  const channel = await stranger.dial(ada);
  channel.send(new Uint8Array(100).fill(255));
  let reason = '';
  channel.onClose((why) => (reason = why));
  for (let index = 0; index < 20; index += 1) channel.send(new Uint8Array(100).fill(index));
  await clock.advance(100);

  expect(reason).toBe('too many damaged frames');
  expect(a.happened).toEqual([]);
});
