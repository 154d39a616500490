import {
  contentHash,
  createKeyPair,
  fromHex,
  joinProof,
  keyPairOf,
  parseIncarnation,
  peerIdOf,
  sign,
  toHex,
  verify,
  type Incarnation,
} from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../sim/seeded-random.ts';

const ada = createKeyPair(createSeededRandom(1));
const ben = createKeyPair(createSeededRandom(2));
const message = joinProof('nonce', 'main', parseIncarnation('ada0ada0ada0ada0') ?? ('' as Incarnation));

describe('an identity', () => {
  test('is the first half of the SHA-256 of its public key', () => {
    expect(peerIdOf(ada.publicKey)).toBe(contentHash(ada.publicKey).slice(0, 32));
  });

  test('comes back from its stored secret key', () => {
    expect(keyPairOf(ada.secretKey)).toEqual(ada);
  });

  test('is proved by a signature of its own only', () => {
    const signature = sign(message, ada.secretKey);

    expect(verify(signature, message, ada.publicKey)).toBe(true);
    expect(verify(signature, message, ben.publicKey)).toBe(false);
    expect(verify(signature, message.subarray(1), ada.publicKey)).toBe(false);
    expect(verify(sign(message, ben.secretKey), message, ada.publicKey)).toBe(false);
  });

  test('is none for which everybody can sign', () => {
    // Points of small order, with the signature that the lenient rules take for any message.
    for (const first of [0, 1]) {
      const key = new Uint8Array(32);
      key[0] = first;
      const nobodys = new Uint8Array(64);
      nobodys[0] = first;
      expect(verify(nobodys, message, key)).toBe(false);
      expect(verify(new Uint8Array(64), message, key)).toBe(false);
    }
  });

  test('is not proved by what is no signature or no key, without a throw', () => {
    for (const nonsense of [new Uint8Array(0), new Uint8Array(64), new Uint8Array(64).fill(255), new Uint8Array(3)]) {
      expect(verify(nonsense, message, ada.publicKey)).toBe(false);
      expect(verify(sign(message, ada.secretKey), message, nonsense)).toBe(false);
    }
  });

  test('agrees with the first vector of RFC 8032', () => {
    const secret = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60') ?? new Uint8Array(0);

    expect(toHex(keyPairOf(secret).publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
    expect(toHex(sign(new Uint8Array(0), secret))).toMatch(/^e5564300c360ac729086e2cc806e828a/);
  });
});

describe('hex', () => {
  test('reads an even number of hex digits and nothing else', () => {
    expect(fromHex('00fFa1')).toEqual(new Uint8Array([0, 255, 0xa1]));
    expect(fromHex('')).toEqual(new Uint8Array(0));
    for (const text of ['0', '0g', ' 00', '0x00', 'é0']) expect(fromHex(text)).toBeUndefined();
  });
});
