// Bytes that must not change while the protocol version does not: what this release sends and takes.

import {
  addToDigest,
  createAbortFragment,
  createFragmentCutter,
  createFragmentJoiner,
  decodeFrame,
  decodeRecordHead,
  decodeRows,
  EMPTY_DIGEST,
  encodeFrame,
  encodeRecordHead,
  encodeRows,
  fromHex,
  hashKey,
  PROTOCOL_VERSION,
  requireKey,
  slotOfKey,
  toHex,
  type Configuration,
  type Frame,
  type RecordHead,
} from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import vectors from '../../vectors/frames.json' with { type: 'json' };

const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

test('the vectors are those of this protocol version', () => {
  expect(vectors.version).toBe(PROTOCOL_VERSION);
});

describe('a frame as bytes', () => {
  const frames = vectors.frames.map((vector) => {
    const payload = 'payload' in vector && vector.payload !== undefined ? { payload: bytesOf(vector.payload) } : {};
    return {
      name: `${vector.frame.kind}: ${vector.meaning}`,
      hex: vector.hex,
      frame: { ...vector.frame, ...payload } as unknown as Frame,
    };
  });

  test.each(frames)('$name', ({ frame, hex }) => {
    expect(toHex(encodeFrame(frame))).toBe(hex);
    expect(decodeFrame(bytesOf(hex))).toEqual({ ok: frame });
  });

  test.each(vectors.refused)('is refused: $meaning', ({ hex, code }) => {
    expect(decodeFrame(bytesOf(hex))).toHaveProperty('error.code', code);
  });
});

test('a frame in fragments', () => {
  const { frame, messages, abort } = vectors.fragments;
  const cutter = createFragmentCutter(7, bytesOf(frame));
  const joiner = createFragmentJoiner({ frameBytes: 1_000, openStreams: 1, heldBytes: 1_000 });

  for (const message of messages) expect(toHex(cutter.next(32) ?? new Uint8Array(0))).toBe(message);
  expect(messages.map((message) => joiner.push(bytesOf(message))).at(-1)).toEqual({ frame: bytesOf(frame) });
  expect(toHex(createAbortFragment(7))).toBe(abort);
});

test.each(vectors.recordHeads)('a record head: $meaning', ({ head, hex }) => {
  expect(toHex(encodeRecordHead(head as unknown as RecordHead))).toBe(hex);
  expect(decodeRecordHead(bytesOf(hex))).toEqual(head);
});

test.each(vectors.rows)('rows: $meaning', ({ rows, hex }) => {
  expect(toHex(encodeRows(rows as unknown as Configuration[]))).toBe(hex);
  expect(decodeRows(bytesOf(hex))).toEqual(rows);
});

test.each(vectors.slots)('the slot of $key', ({ key, hash, slot4096, slot16 }) => {
  expect([hashKey(requireKey(key)), slotOfKey(requireKey(key), 4096), slotOfKey(requireKey(key), 16)]).toEqual([
    hash,
    slot4096,
    slot16,
  ]);
});

test.each(vectors.digests)('a digest: $meaning', ({ records, digest }) => {
  const sum = records.reduce((sofar, { key, version }) => addToDigest(sofar, requireKey(key), version), EMPTY_DIGEST);

  expect(sum).toEqual(digest);
});
