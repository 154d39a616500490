import { isMeshError } from '@shoal/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCloneable } from '../../../../peer/src/compute/cloneable-reader.ts';
import { encodeCloneable } from '../../../../peer/src/compute/cloneable-writer.ts';

const roundTrip = (value: unknown): unknown => decodeCloneable(encodeCloneable(value));

function refusal(value: unknown): string {
  try {
    encodeCloneable(value, 'result');
  } catch (error) {
    if (isMeshError(error) && error.code === 'bad-result') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a structured value comes back as it went', () => {
  test.each([
    undefined,
    null,
    true,
    -0,
    0,
    127,
    128,
    2 ** 31,
    -1,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    Number.MAX_SAFE_INTEGER,
    0.1,
    10n ** 30n,
    -5n,
    '',
    'tšu🦈',
    '\ud800 half',
    [],
    [1, , 3],
    { a: { b: [null, undefined] } },
    new Map<unknown, unknown>([
      ['a', new Set([1, 'b'])],
      [{ k: 1 }, new Date(5)],
    ]),
    new Date(Number.NaN),
    /a+/gi,
    new Float64Array([1.5, -2]),
    new BigInt64Array([5n]),
    new Uint8Array([1, 2, 3]).subarray(1),
    new Uint8Array([7]).buffer,
  ])('%s', (value) => {
    expect(roundTrip(value)).toEqual(structuredClone(value));
  });

  test('with shared and circular references', () => {
    const shared = { n: 1 };
    const value: { self?: unknown; a: unknown; b: unknown } = { a: shared, b: [shared] };
    value.self = value;

    const back = roundTrip(value) as { self: unknown; a: unknown; b: unknown[] };

    expect(back.self).toBe(back);
    expect(back.b[0]).toBe(back.a);
  });

  test('with a field that is called __proto__, which sets no prototype', () => {
    const back = roundTrip(JSON.parse('{"__proto__": {"polluted": true}}')) as { polluted?: boolean };

    expect(Object.keys(back)).toEqual(['__proto__']);
    expect(back.polluted).toBeUndefined();
  });

  test('an error keeps name, message and stack', () => {
    const error = new RangeError('too far');
    const back = roundTrip(error);

    expect(back).toBeInstanceOf(Error);
    expect(back).toMatchObject({ name: 'RangeError', message: 'too far', stack: error.stack });
  });

  test('whatever it is', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withSparseArray: true,
        }),
        (value) => {
          expect(roundTrip(value)).toEqual(structuredClone(value));
        },
      ),
    );
  });
});

describe('what can not be cloned is refused by its place', () => {
  test.each<[unknown, string]>([
    [() => 1, 'result is a function'],
    [{ rows: [1, { run() {} }] }, 'result.rows[1].run is a function'],
    [new Map([['a', Symbol('x')]]), 'result.get("a") is a symbol'],
    [{ later: Promise.resolve(1) }, 'result.later is a Promise'],
    [[new WeakMap()], 'result[0] is a WeakMap'],
  ])('%s', (value, message) => {
    expect(refusal(value)).toContain(message);
  });

  test('nesting without end', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 10_000; depth += 1) value = [value];

    expect(refusal(value)).toContain('nested more than');
  });
});

describe('damaged bytes', () => {
  test('give bad-value, never another error, and never much memory', () => {
    const whole = encodeCloneable({
      a: [1, 'text', new Map([[1, new Uint8Array(9)]])],
      b: new Date(1),
      c: 5n,
      d: /x/g,
    });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const damaged = whole.slice(0, length);
        if (at < length) damaged[at] = byte;
        try {
          decodeCloneable(damaged);
        } catch (error) {
          expect(isMeshError(error) && error.code).toBe('bad-value');
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
