import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTable, textSource } from './sources.ts';

const cell = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed() && !/[\r\0\ufeff]/.test(text)),
  fc.constantFrom('', 'null', '1', '-2.5', 'true', '2024-01-02', '007', 'é😀', 'a"b', 'x,y', 'l\nm'),
);
const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const files: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'a.csv': fc
    .tuple(fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), fc.constantFrom('\n', '\r\n'))
    .map(([rows, end]) => [['a', 'b', 'c'], ...rows].map((row) => row.map(quote).join(',')).join(end)),
  'raw.csv': fc
    .array(fc.constantFrom('a', '"', ',', '\n', '\r\n', 'é', '1', ' '), { maxLength: 40 })
    .map((parts) => `h,i\n${parts.join('')}`),
  'a.ndjson': fc
    .array(fc.oneof(fc.json(), fc.constantFrom('', '{', '{"a":"é\\u1234😀"}', '{"a":12345678901234567890}')), {
      maxLength: 8,
    })
    .map((lines) => `{"first":1}\n${lines.join('\n')}`),
  'a.json': fc.array(fc.json(), { maxLength: 6 }).map((items) => `\ufeff [${items.join(' ,\n')}]`),
  'a.txt': fc
    .string({ unit: 'binary', minLength: 1, maxLength: 30 })
    .filter((text) => text.isWellFormed() && !text.includes('\0')),
};

describe('slices of a file', () => {
  for (const [name, file] of Object.entries(files)) {
    test(`may be cut at every byte of ${name}: the rows stay the same`, async () => {
      await fc.assert(
        fc.asyncProperty(file, fc.integer({ min: 1, max: 7 }), async (text, sliceBytes) => {
          const whole = await outcome(name, text, 1_000_000);
          expect(await outcome(name, text, sliceBytes)).toEqual(whole);
          expect(await outcome(name, text, 1)).toEqual(whole);
        }),
        { numRuns: 60 },
      );
    });
  }

  test('of a CSV give back the cells that were written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), async (cells) => {
        const text = [['a', 'b'], ...cells].map((row) => row.map(quote).join(',')).join('\r\n');
        const { rows } = await readTable(textSource('a.csv', text), { textColumns: ['a', 'b'] });
        const expected = cells.map(([a, b]) => ({ a: presentText(a), b: presentText(b) }));
        expect(rows).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

function presentText(text: string): string | null {
  return text === '' || text === 'null' ? null : text;
}

async function outcome(name: string, text: string, sliceBytes: number): Promise<unknown> {
  try {
    const { rows, counts } = await readTable(textSource(name, text, sliceBytes));
    return { rows, counts };
  } catch (error) {
    return String(error);
  }
}
