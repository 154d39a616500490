// The vocabulary as a page runs it: what every member must compute alike, computed by a browser.

import {
  createKeyPair,
  createSystemRandom,
  decodeFrame,
  encodeFrame,
  fromHex,
  hashKey,
  peerIdOf,
  requireKey,
  sign,
  toHex,
  verify,
} from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import vectors from '../vectors/frames.json';

describe('shared in a browser', () => {
  test('reads and writes every frame as Node does', () => {
    for (const { hex } of vectors.frames) {
      const decoded = decodeFrame(fromHex(hex) ?? new Uint8Array(0));

      expect('ok' in decoded ? decodeFrame(encodeFrame(decoded.ok)) : decoded.error).toEqual(decoded);
    }
    for (const { hex, code } of vectors.refused) {
      expect(decodeFrame(fromHex(hex) ?? new Uint8Array(0))).toHaveProperty('error.code', code);
    }
  });

  test('hashes keys as Node does', () => {
    for (const { key, hash } of vectors.slots) expect(hashKey(requireKey(key))).toBe(hash);
  });

  test('proves an identity in plain JavaScript', () => {
    const { publicKey, secretKey } = createKeyPair(createSystemRandom());
    const message = new TextEncoder().encode('shoal-join|nonce');

    expect(peerIdOf(publicKey)).toMatch(/^[0-9a-f]{32}$/);
    expect(toHex(publicKey)).toHaveLength(64);
    expect(verify(sign(message, secretKey), message, publicKey)).toBe(true);
  });
});
