import { createAbortFragment, createFragmentCutter, createFragmentJoiner, FRAGMENT_HEAD_BYTES } from '@shoal/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from './seed.ts';

const bounds = { frameBytes: 10_000, openStreams: 4, heldBytes: 20_000 };
const frameOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at * 7);

function cut(stream: number, frame: Uint8Array, size: number): Uint8Array[] {
  const cutter = createFragmentCutter(stream, frame);
  const messages: Uint8Array[] = [];
  for (let message = cutter.next(size); message !== undefined; message = cutter.next(size)) messages.push(message);
  expect(cutter.remainingBytes).toBe(0);
  return messages;
}

/** `message` with the uint32 at `at` replaced. */
function patched(message: Uint8Array, at: number, value: number): Uint8Array {
  const copy = message.slice();
  new DataView(copy.buffer).setUint32(at, value);
  return copy;
}

describe('fragments', () => {
  test('join to the frame that was cut, however they are mixed with others', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 500 }), fc.array(fc.nat()), (lengths, size, order) => {
        const joiner = createFragmentJoiner(bounds);
        const queues = lengths.map((length, stream) => cut(stream, frameOf(length), size));
        const frames: Uint8Array[] = [];
        for (let turn = 0; queues.some((queue) => queue.length > 0); turn += 1) {
          const waiting = queues.filter((queue) => queue.length > 0);
          const message = waiting[(order[turn % Math.max(1, order.length)] ?? turn) % waiting.length]?.shift();
          const outcome = joiner.push(message ?? new Uint8Array(0));
          expect(outcome).not.toHaveProperty('error');
          if ('frame' in outcome && outcome.frame !== undefined) frames.push(outcome.frame);
        }
        const ascending = (a: number, b: number): number => a - b;
        expect(frames.map((frame) => frame.length).toSorted(ascending)).toEqual(lengths.toSorted(ascending));
        for (const frame of frames) expect(frame).toEqual(frameOf(frame.length));
        expect([joiner.openStreams, joiner.heldBytes]).toEqual([0, 0]);
      }),
      seeded,
    );
  });

  test('of a frame in one message are not copied when its bytes lie at a multiple of 8', () => {
    const [message] = cut(1, frameOf(100), 1_000);
    const outcome = createFragmentJoiner(bounds).push(message ?? new Uint8Array(0));

    expect('frame' in outcome && outcome.frame?.buffer).toBe(message?.buffer);
  });

  test('are copied once when they lie elsewhere', () => {
    const [message = new Uint8Array(0)] = cut(1, frameOf(100), 1_000);
    const shifted = new Uint8Array(message.length + 3).subarray(3);
    shifted.set(message);
    const outcome = createFragmentJoiner(bounds).push(shifted);

    expect(outcome).toEqual({ frame: frameOf(100) });
    expect('frame' in outcome && (outcome.frame?.byteOffset ?? 1) % 8).toBe(0);
  });

  test('are damaged without a throw: each message gives a code, a frame or nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(255)), { maxLength: 8 }),
        fc.nat(),
        (changes, length) => {
          const joiner = createFragmentJoiner(bounds);
          const messages = [...cut(1, frameOf(900), 200), ...cut(2, frameOf(900), 300), frameOf(length % 40)];
          for (const [which, at, value] of changes) {
            const message = messages[which % messages.length] ?? new Uint8Array(0);
            if (message.length > 0) message[at % message.length] = value;
          }
          for (const message of messages) {
            const outcome = joiner.push(message);
            if ('error' in outcome) expect(['bad-frame', 'bad-version']).toContain(outcome.error.code);
            expect(joiner.heldBytes).toBeLessThanOrEqual(bounds.heldBytes);
          }
        },
      ),
      { ...seeded, numRuns: 1_000 },
    );
  });
});

describe('a joiner refuses, and keeps nothing of the stream', () => {
  const [first = new Uint8Array(0), second = new Uint8Array(0), third = new Uint8Array(0)] = cut(9, frameOf(900), 300);
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['a fragment before the first', [second]],
    ['a fragment left out', [first, third]],
    ['a fragment twice', [first, second, second]],
    ['a second first fragment', [first, first]],
    ['a total that changes', [first, patched(second, 12, 901)]],
    ['a total over the largest frame', [patched(first, 12, 10_001)]],
    ['a fragment that ends behind the total', [patched(first, 12, 200)]],
    ['flags that its place does not have', [patched(first, 0, 0x01_03_00_00)]],
    ['a head alone', [first.subarray(0, FRAGMENT_HEAD_BYTES)]],
    ['garbage', [frameOf(40)]],
    ['an empty message', [new Uint8Array(0)]],
  ];

  test.each(cases)('%s', (_what, messages) => {
    const joiner = createFragmentJoiner(bounds);
    const outcomes = messages.map((message) => joiner.push(message));

    expect(outcomes.at(-1)).toHaveProperty('error');
    expect([joiner.openStreams, joiner.heldBytes]).toEqual([0, 0]);
  });

  test('another protocol version', () => {
    expect(createFragmentJoiner(bounds).push(patched(first, 0, 0x09_01_00_00))).toHaveProperty(
      'error.code',
      'bad-version',
    );
  });

  test('more frames at once than its bound, and joins those that are open', () => {
    const joiner = createFragmentJoiner(bounds);
    const streams = [1, 2, 3, 4, 5].map((stream) => cut(stream, frameOf(600), 300));
    const outcomes = streams.map(([message]) => joiner.push(message ?? new Uint8Array(0)));

    expect(outcomes.map((outcome) => 'error' in outcome)).toEqual([false, false, false, false, true]);
    expect(joiner.push(streams[0]?.[1] ?? new Uint8Array(0))).toEqual({ frame: frameOf(600) });
  });

  test('more bytes at once than its bound', () => {
    const joiner = createFragmentJoiner(bounds);
    const outcomes = [1, 2, 3].map((stream) => joiner.push(cut(stream, frameOf(9_000), 4_500)[0] ?? new Uint8Array(0)));

    expect(outcomes.map((outcome) => 'error' in outcome)).toEqual([false, false, true]);
  });

  test('nothing, but makes room only as bytes arrive, when a total is large', () => {
    const joiner = createFragmentJoiner({ frameBytes: 66 * 1024 * 1024, openStreams: 4, heldBytes: 160 * 1024 * 1024 });
    const [message] = cut(1, new Uint8Array(64 * 1024 * 1024), 1_024);
    joiner.push(message ?? new Uint8Array(0));

    expect(joiner.heldBytes).toBeLessThanOrEqual(256 * 1024);
  });

  test('nothing, and forgets a stream that its sender gave up', () => {
    const joiner = createFragmentJoiner(bounds);

    expect([joiner.push(first), joiner.push(createAbortFragment(9))]).toEqual([{}, {}]);
    expect([joiner.openStreams, joiner.heldBytes]).toEqual([0, 0]);
  });
});
