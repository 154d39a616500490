// The vocabulary as the page runs it: what every member must compute alike, computed by a browser.

import { createKeyPair, createSystemRandom, peerIdOf, requireKey, sign, slotOfKey, verify } from '@shoal/shared';
import { describe, expect, test } from 'vitest';

describe('shared in a browser', () => {
  test('places keys where every other member does', () => {
    expect(slotOfKey(requireKey('hello'), 4096)).toBe(slotOfKey(requireKey('{hello}/world'), 4096));
  });

  test('proves an identity without crypto.subtle', () => {
    const { publicKey, secretKey } = createKeyPair(createSystemRandom());
    const message = new TextEncoder().encode('shoal-join|nonce');
    expect(peerIdOf(publicKey)).toMatch(/^[0-9a-f]{32}$/);
    expect(verify(sign(message, secretKey), message, publicKey)).toBe(true);
  });
});
