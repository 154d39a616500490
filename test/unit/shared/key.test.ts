import { hashedPart, isReservedKey, parseKey, requireKey } from '@shoal/shared';
import { describe, expect, test } from 'vitest';

describe('a key', () => {
  test.each(['a', 'grüße', '€'.repeat(170), 'x'.repeat(512), ' ', '~dataset/flights', '𝄞'])('may be %j', (text) => {
    expect(parseKey(text)).toBe(text);
  });

  const refused: readonly (readonly [unknown, RegExp])[] = [
    ['', /at least one character/],
    ['x'.repeat(513), /has 513 bytes; a key has at most 512/],
    ['€'.repeat(171), /has 513 bytes/],
    ['a\ud800', /half of a surrogate pair/],
    [7, /is a string, not number/],
    [null, /not null/],
    [undefined, /not undefined/],
  ];
  test.each(refused)('may not be %j, and a sentence says why', (text, sentence) => {
    expect(parseKey(text)).toBeUndefined();
    expect(() => requireKey(text)).toThrow(
      expect.objectContaining({ code: 'bad-key', message: expect.stringMatching(sentence) }),
    );
  });

  test.each([
    ['user:{42}:name', '42'],
    ['{42}', '42'],
    ['{}a', '{}a'],
    ['{a', '{a'],
    ['a}b{c}', 'c'],
    ['{a}{b}', 'a'],
    ['plain', 'plain'],
  ])('%s is hashed by %s', (text, part) => {
    expect(hashedPart(requireKey(text))).toBe(part);
  });

  test("is Shoal's own when it begins with ~", () => {
    expect([isReservedKey(requireKey('~udf/1')), isReservedKey(requireKey('a~'))]).toEqual([true, false]);
  });
});
