import { formatSpans, parseSlot, spanContains, spanSize, spansOf, type Slot } from '@shoal/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from './seed.ts';

describe('spans', () => {
  test('hold just the slots that they were made of, and are as few as can be', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(4_095)), (numbers) => {
        const slots = numbers.toSorted((a, b) => a - b) as Slot[];
        const spans = spansOf(slots);
        const held = Array.from({ length: 4_096 }, (_, slot) => slot as Slot).filter((slot) =>
          spans.some((span) => spanContains(span, slot)),
        );
        expect(held).toEqual(slots);
        expect(spans.reduce((sum, span) => sum + spanSize(span), 0)).toBe(slots.length);
        for (const [at, span] of spans.entries()) expect(spans[at + 1]?.first).not.toBe(span.last + 1);
      }),
      seeded,
    );
  });

  test('are written as people write them', () => {
    expect(formatSpans(spansOf([0, 1, 2, 5, 7, 8] as Slot[]))).toBe('0-2, 5, 7-8');
    expect(formatSpans([])).toBe('');
  });

  test('of slots out of order are a bug', () => {
    expect(() => spansOf([2, 1] as Slot[])).toThrow(/slot 1 is out of order/);
    expect(() => spansOf([1, 1] as Slot[])).toThrow(/slot 1 is out of order/);
  });
});

test('a slot is a whole number below the number of slots', () => {
  expect([0, 15, 16, -1, 1.5, '1', undefined].map((value) => parseSlot(value, 16))).toEqual([
    0,
    15,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
