import { createPathSeal, SEAL_BYTES, toHex } from '@shoal/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from './seed.ts';

const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a sealed message', () => {
  test('is the code of key, side, number and bytes, and the message', () => {
    const [dialling, dialled] = [createPathSeal(key, 'dialling'), createPathSeal(key, 'dialled')];

    expect(toHex(dialling.seal(bytes('hello')))).toBe(`8264d831e9d421b1ceceacdd5084d4fc${toHex(bytes('hello'))}`);
    dialled.seal(bytes('first'));
    expect(toHex(dialled.seal(bytes('hello')))).toBe(`f333c90f8c61c5b5932b43ca1087b1ec${toHex(bytes('hello'))}`);
  });

  test('opens at the other end, in its order', () => {
    const [dialling, dialled] = [createPathSeal(key, 'dialling'), createPathSeal(key, 'dialled')];
    const sealed = ['one', '', 'three'].map((text) => dialling.seal(bytes(text)));

    expect(sealed.map((message) => dialled.open(message))).toEqual([bytes('one'), bytes(''), bytes('three')]);
  });

  test('does not open twice, before its turn, at its own end, nor with another key', () => {
    const dialling = createPathSeal(key, 'dialling');
    const dialled = createPathSeal(key, 'dialled');
    const [first, second] = [dialling.seal(bytes('one')), dialling.seal(bytes('two'))];

    expect(dialled.open(second)).toBeUndefined();
    expect(dialled.open(first)).toEqual(bytes('one'));
    expect(dialled.open(first)).toBeUndefined();
    expect(createPathSeal(key, 'dialling').open(first)).toBeUndefined();
    expect(createPathSeal(new Uint8Array(32), 'dialled').open(first)).toBeUndefined();
    expect(dialled.open(second)).toEqual(bytes('two'));
  });

  test('does not open with any bit changed, cut or added', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (message, at, flip) => {
        const sealed = createPathSeal(key, 'dialling').seal(message);
        const changed = sealed.slice();
        const index = at % changed.length;
        changed[index] = (changed[index] ?? 0) ^ flip;
        const damaged = [changed, sealed.subarray(0, at % sealed.length), Uint8Array.of(...sealed, 0)];

        for (const one of damaged) expect(createPathSeal(key, 'dialled').open(one)).toBeUndefined();
        expect(createPathSeal(key, 'dialled').open(sealed)).toEqual(message);
        expect(sealed.length).toBe(SEAL_BYTES + message.length);
      }),
      seeded,
    );
  });
});
