import { createFragmentJoiner, decodeFrame, limits, silentLogger, type Frame } from '@shoal/shared';
import { beforeEach, expect, test } from 'vitest';
import { createOutbound, type Outbound } from '../../../../peer/src/wire/outbound.ts';
import { createVirtualClock, type VirtualClock } from '../../../sim/virtual-clock.ts';
import { blob, createTestChannel, requestId, stored, type TestChannel } from './frames.ts';

const MiB = 1024 * 1024;

let clock: VirtualClock;
let channel: TestChannel;
let outbound: Outbound;

beforeEach(() => {
  clock = createVirtualClock();
  channel = createTestChannel();
  outbound = createOutbound({ channel, clock, logger: silentLogger, roundTripMs: () => 1 });
  outbound.setFragmentBytes(limits.fragmentBytes);
});

/** Joins what the channel got, as a receiver would. */
function received(): Frame[] {
  const joiner = createFragmentJoiner({
    frameBytes: limits.frameBytes,
    openStreams: 1_024,
    heldBytes: limits.joiningBytes,
  });
  const frames: Frame[] = [];
  for (const message of channel.sent) {
    const outcome = joiner.push(message);
    if ('error' in outcome) throw new Error(outcome.error.message);
    if (outcome.frame === undefined) continue;
    const decoded = decodeFrame(outcome.frame);
    if ('error' in decoded) throw new Error(decoded.error.message);
    frames.push(decoded.ok);
  }
  return frames;
}

/** What came whole, by request number, slot or kind, in order. */
function arrived(): (number | string)[] {
  return received().map((frame) => {
    if (frame.kind === 'blob') return Number(frame.id.split('.')[1]);
    return frame.kind === 'stored' ? `${frame.slot}.${frame.version.counter}` : frame.kind;
  });
}

/** The receiver takes all that was sent, until nothing more comes. */
async function takeAll(): Promise<void> {
  let told = 0;
  while (told < outbound.sentBytes) {
    const bytes = outbound.sentBytes - told;
    told = outbound.sentBytes;
    outbound.credited(bytes);
    await clock.settle();
  }
}

test('answers a small request before a value of 64 MiB that was queued first', async () => {
  outbound.send(blob(1, new Uint8Array(64 * MiB)), 2);
  outbound.send(blob(2, new Uint8Array(100)), 1);
  const sentBefore = outbound.sentBytes;

  outbound.credited(200_000);

  expect(sentBefore).toBeLessThan(2 * MiB);
  expect(arrived()).toEqual([2]);
  await takeAll();
  expect(arrived()).toEqual([2, 1]);
});

test('lets requests of one priority take turns by fragments', async () => {
  channel.fill();
  outbound.send(blob(1, new Uint8Array(5 * MiB)), 2);
  outbound.send(blob(2, new Uint8Array(40_000)), 2);
  outbound.send(blob(3, new Uint8Array(40_000)), 2);

  channel.drain();
  await clock.settle();
  outbound.credited(outbound.sentBytes);

  expect(arrived()).toEqual([2, 3]);
  expect(channel.sent.length).toBeLessThan(20);
});

test('sends the more urgent first, and frames of one request or one slot in order', () => {
  channel.fill();
  outbound.send(blob(9), 1);
  outbound.send(blob(1), 2);
  outbound.send({ ...blob(1), part: 'answer' }, 2);
  outbound.send(stored(4, 1), 0);
  outbound.send(stored(4, 2), 0);
  outbound.send(stored(5, 1), 0);
  outbound.send(blob(2), 1);
  expect(channel.sent).toHaveLength(1);

  channel.drain();

  return clock.settle().then(() => {
    expect(arrived()).toEqual([9, '4.1', '5.1', '4.2', 2, 1, 1]);
    expect(received().at(-1)).toMatchObject({ part: 'answer' });
  });
});

test('sends what keeps the link although everything else waits', () => {
  outbound.send(blob(1, new Uint8Array(64 * MiB)), 2);
  channel.fill();

  outbound.sendLink({ kind: 'heartbeat', number: 7, term: 1, tableEpoch: 1 });

  expect(arrived()).toEqual(['heartbeat']);
});

test('hands over no more than the receiver takes', () => {
  outbound.send(blob(1, new Uint8Array(64 * MiB)), 2);
  const before = outbound.sentBytes;
  expect(before).toBeLessThanOrEqual(limits.creditBytes + limits.fragmentBytes + 16);

  outbound.credited(100_000);

  expect(outbound.sentBytes - before).toBeGreaterThan(0);
  expect(outbound.sentBytes - before).toBeLessThanOrEqual(100_000 + limits.fragmentBytes + 16);
});

test('waits for the channel when it is full', async () => {
  channel.fill();
  outbound.send(blob(1, new Uint8Array(100_000)), 2);
  expect(channel.sent).toHaveLength(1);

  channel.drain();
  await clock.settle();

  expect(arrived()).toEqual([1]);
});

test('drops what waits of a request, and ends what was begun', async () => {
  outbound.send(blob(1, new Uint8Array(64 * MiB)), 2);
  outbound.send(blob(2, new Uint8Array(64 * MiB)), 2);
  outbound.send({ kind: 'cancel', id: requestId(1) }, 1);

  outbound.unsend(requestId(1));
  outbound.unsend(requestId(2));
  outbound.send(blob(3, new Uint8Array(300_000)), 2);
  expect(outbound.queuedBytes).toBeLessThan(MiB);
  await takeAll();

  expect(arrived()).toEqual(['cancel', 3]);
  expect(outbound.queuedBytes).toBe(0);
  const joiner = createFragmentJoiner({
    frameBytes: limits.frameBytes,
    openStreams: 1_024,
    heldBytes: limits.joiningBytes,
  });
  for (const message of channel.sent) joiner.push(message);
  expect([joiner.openStreams, joiner.heldBytes]).toEqual([0, 0]);
});

test('is busy at the bound of bytes, and says when half of it is free', async () => {
  channel.fill();
  const payload = new Uint8Array(50 * MiB);
  for (let number = 0; number < 5; number += 1) outbound.send(blob(number, payload), 2);

  expect(() => outbound.send(blob(9, payload), 2)).toThrow(expect.objectContaining({ code: 'busy' }));
  let hasRoom = false;
  void outbound.room().then(() => (hasRoom = true));
  await clock.settle();
  expect(hasRoom).toBe(false);
  outbound.unsend(requestId(1));
  outbound.unsend(requestId(2));
  await clock.settle();
  expect(hasRoom).toBe(false);
  outbound.unsend(requestId(3));
  await clock.settle();

  expect(hasRoom).toBe(true);
});

test('is busy at the bound of frames', () => {
  channel.fill();
  outbound.send(blob(0), 1);
  for (let number = 0; number < limits.outboundFrames; number += 1) outbound.send(blob(number % 10), 1);

  expect(() => outbound.send(blob(1), 1)).toThrow(expect.objectContaining({ code: 'busy' }));
});

test('stops waiting for room by the signal, and when it is closed', async () => {
  channel.fill();
  const payload = new Uint8Array(50 * MiB);
  for (let number = 0; number < 5; number += 1) outbound.send(blob(number, payload), 2);
  const controller = new AbortController();

  const aborted = outbound.room({ signal: controller.signal }).catch((error: unknown) => error);
  const closed = outbound.room();
  controller.abort();
  outbound.close();

  expect(await aborted).toMatchObject({ code: 'aborted' });
  await closed;
  expect(outbound.queuedBytes).toBe(0);
});

test('refuses at once what can not be encoded', () => {
  expect(() => outbound.send({ ...blob(1), body: 'x'.repeat(2 * MiB) }, 1)).toThrow(
    expect.objectContaining({ code: 'bad-frame' }),
  );
  expect(outbound.queuedBytes).toBe(0);
});

test('takes a frame as it was when it was sent', async () => {
  channel.fill();
  outbound.send(blob(0), 1);
  const payload = new Uint8Array(1_000).fill(7);
  outbound.send(blob(1, payload), 1);
  payload.fill(0);

  channel.drain();
  await clock.settle();

  const last = received().at(-1);
  expect(last?.kind === 'blob' && last.payload.every((byte) => byte === 7)).toBe(true);
});

test('tells how much waits of the frames that a frame would come behind', async () => {
  const behind = (number: number): number => outbound.bytesBefore(blob(number), 2);
  channel.fill();
  for (let number = 1; number <= 2; number += 1) {
    outbound.send(blob(number, new Uint8Array(200_000)), 2);
    outbound.send(blob(number, new Uint8Array(60_000)), 2);
  }

  expect([behind(1), behind(2), behind(3)].map((bytes) => Math.round(bytes / 10_000))).toEqual([19, 26, 0]);
  outbound.unsend(requestId(2));
  expect(behind(2)).toBe(0);
  channel.drain();
  for (let round = 0; round < 3; round += 1) {
    await clock.advance(60);
    outbound.credited(outbound.waitingBytes - outbound.queuedBytes);
  }
  expect([behind(1), outbound.queuedBytes]).toEqual([0, 0]);
});

test('has no more on its way than the window that it is given', () => {
  outbound = createOutbound({ channel, clock, logger: silentLogger, roundTripMs: () => 1, windowBytes: 300_000 });
  outbound.setFragmentBytes(limits.fragmentBytes);

  outbound.send(blob(1, new Uint8Array(4 * MiB)), 2);
  // Taken as fast as it comes: the window is what it may be.
  for (let round = 0; round < 10; round += 1) {
    clock.standStill(60);
    outbound.credited(outbound.waitingBytes - outbound.queuedBytes);
  }

  const onTheWay = outbound.waitingBytes - outbound.queuedBytes;
  expect(onTheWay).toBeGreaterThan(250_000);
  expect(onTheWay).toBeLessThan(300_000 + limits.fragmentBytes + 16);
});
