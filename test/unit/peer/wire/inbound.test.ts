import { createFragmentCutter, encodeFrame, type Frame } from '@shoal/shared';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { createInbound, type Inbound } from '../../../../peer/src/wire/inbound.ts';
import { blob } from './frames.ts';

let frames: Frame[];
let codes: string[];
let taken: number[];
let inbound: Inbound;

beforeEach(() => {
  frames = [];
  codes = [];
  taken = [];
  inbound = createInbound({
    onFrame: (frame) => frames.push(frame),
    onDamage: ({ code }) => codes.push(code),
    onTaken: (bytes) => taken.push(bytes),
  });
});

function messages(stream: number, frame: Frame, fragmentBytes = 64 * 1024): Uint8Array[] {
  const cutter = createFragmentCutter(stream, encodeFrame(frame));
  const cut: Uint8Array[] = [];
  for (let message = cutter.next(fragmentBytes); message !== undefined; message = cutter.next(fragmentBytes))
    cut.push(message);
  return cut;
}

test('joins the fragments of frames that come mixed', () => {
  const one = messages(1, blob(1, new Uint8Array(200_000).fill(1)));
  const two = messages(2, blob(2, new Uint8Array(200_000).fill(2)));

  for (let index = 0; index < one.length; index += 1) {
    for (const message of [one[index], two[index]]) if (message !== undefined) inbound.push(message);
  }

  expect(frames.map((frame) => frame.kind === 'blob' && frame.body)).toEqual([1, 2]);
});

test('counts what is damaged and serves the next', () => {
  const [whole = new Uint8Array()] = messages(1, blob(1));
  const wrongVersion = whole.slice();
  wrongVersion[0] = 99;

  inbound.push(new Uint8Array(0));
  inbound.push(whole.subarray(0, 20));
  inbound.push(wrongVersion);
  for (const message of messages(5, blob(5, new Uint8Array(200_000))).slice(1)) inbound.push(message);
  inbound.push(whole);

  expect(codes).toEqual(['bad-frame', 'bad-frame', 'bad-version', 'bad-frame', 'bad-frame', 'bad-frame']);
  expect(inbound.damaged).toBe(6);
  expect(frames).toHaveLength(1);
});

test('any damaged message gives a code, never a throw', () => {
  const cut = messages(1, blob(1, new Uint8Array(3_000)), 1_000);

  fc.assert(
    fc.property(fc.nat({ max: cut.length - 1 }), fc.nat({ max: 1_015 }), fc.nat({ max: 255 }), (which, at, byte) => {
      for (const [index, message] of cut.entries()) {
        const copy = message.slice();
        if (index === which && at < copy.length) copy[at] = byte;
        inbound.push(copy);
      }
    }),
  );
});

test('tells the sender in steps what it has taken', () => {
  for (const message of messages(1, blob(1, new Uint8Array(300_000)))) inbound.push(message);
  inbound.push(new Uint8Array(100));

  const told = taken.reduce((sum, bytes) => sum + bytes, 0);
  expect(taken.length).toBeGreaterThan(3);
  expect(inbound.receivedBytes - told).toBeGreaterThanOrEqual(0);
  expect(inbound.receivedBytes - told).toBeLessThan(64 * 1024);
});
