import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { isMeshError } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { arrowChunkCodec as codec } from '../../../../peer/src/data/arrow-chunk.ts';
import type { Chunk } from '../../../../peer/src/data/chunk.ts';
import type { Column, ColumnType, Row } from '../../../../peer/src/data/column.ts';

/** JSON has no -0. */
const jsonValue = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const VALUES: Readonly<Record<ColumnType, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int: fc.oneof(fc.maxSafeInteger(), fc.integer()),
  float: fc.oneof(fc.double(), fc.constantFrom(-0, NaN, Infinity)),
  string: fc.oneof(
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.constantFrom('\ufeff', '', 'é', '😀'),
    fc.string({ minLength: 60, maxLength: 200 }),
  ),
  timestamp: fc
    .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  json: jsonValue.filter((value) => value !== null),
};

const TYPES = Object.keys(VALUES) as ColumnType[];
const columnName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 5 }).filter((text) => text.isWellFormed()),
  fc.constantFrom('__proto__', 'constructor', '7'),
);

const table: fc.Arbitrary<{ columns: Column[]; rows: Row[] }> = fc
  .uniqueArray(fc.tuple(columnName, fc.constantFrom(...TYPES)), { selector: ([name]) => name, maxLength: 12 })
  .chain((pairs) =>
    fc
      .array(fc.tuple(...pairs.map(([, type]) => fc.option(VALUES[type], { freq: 4 }))), { maxLength: 40 })
      .map((rows) => ({
        columns: pairs.map(([name, type]) => ({ name, type })),
        rows: rows.map((cells) => Object.fromEntries(pairs.map(([name], index) => [name, cells[index]]))),
      })),
  );

const rowsOf = (chunk: Chunk): Row[] => Array.from({ length: chunk.rowCount }, (_, index) => chunk.row(index));

describe('a chunk', () => {
  test('gives back the rows that were put into it', () => {
    fc.assert(
      fc.property(table, ({ columns, rows }) => {
        const chunk = codec.decode(codec.encode(columns, rows));
        expect(chunk.columns).toEqual(columns);
        expect(rowsOf(chunk)).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  test('begins anywhere in its buffer', () => {
    const columns: Column[] = [
      { name: 'n', type: 'int' },
      { name: 's', type: 'string' },
    ];
    const rows = [
      { n: 1, s: 'é' },
      { n: null, s: 'b' },
    ];
    const bytes = codec.encode(columns, rows);
    for (const offset of [0, 1, 3, 8]) {
      const shifted = new Uint8Array(bytes.length + offset);
      shifted.set(bytes, offset);
      expect(rowsOf(codec.decode(shifted.subarray(offset)))).toEqual(rows);
    }
  });

  test('can be read by Arrow itself', () => {
    const bytes = codec.encode(
      [
        { name: 'n', type: 'int' },
        { name: 't', type: 'timestamp' },
        { name: 's', type: 'string' },
      ],
      [{ n: -5, t: '2024-01-02T03:04:05.006Z', s: 'x' }, {}],
    );

    const arrow = tableFromIPC(bytes);

    expect(arrow.schema.fields.map(({ name, type }) => `${name} ${String(type)}`)).toEqual([
      'n Int64',
      't Timestamp<MILLISECOND, UTC>',
      's Utf8',
    ]);
    expect([arrow.getChild('n')?.get(0), arrow.getChild('s')?.get(0), arrow.getChild('n')?.get(1)]).toEqual([
      -5n,
      'x',
      null,
    ]);
  });

  test('takes what does not fit for missing', () => {
    expect(
      rowsOf(codec.decode(codec.encode([{ name: 'n', type: 'int' }], [{ n: 1.5 }, { n: 'x' }, { n: 2 }]))),
    ).toEqual([{ n: null }, { n: null }, { n: 2 }]);
  });

  test('makes a new plain object for each row', () => {
    const chunk = codec.decode(codec.encode([{ name: 'n', type: 'int' }], [{ n: 1 }]));
    const row = chunk.row(0);
    row['n'] = 9;
    row['more'] = 1;

    expect(chunk.row(0)).toEqual({ n: 1 });
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  test('that is damaged is refused with a code, or read: nothing else is thrown', () => {
    const bytes = codec.encode(
      [
        { name: 'n', type: 'int' },
        { name: 's', type: 'string' },
      ],
      Array.from({ length: 20 }, (_, n) => ({ n, s: `text ${n}` })),
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(bytes.length), (at, flip, end) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        for (const given of [damaged, bytes.slice(0, end)]) {
          try {
            rowsOf(codec.decode(given));
          } catch (error) {
            expect(isMeshError(error) && error.code).toBe('bad-value');
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('columns of results', () => {
  test('hold whatever values the rows have, each as it was', () => {
    const anything = fc.oneof(...TYPES.filter((type) => type !== 'json').map((type) => VALUES[type]), jsonValue);
    const json = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c'), anything), { maxLength: 10 });
    fc.assert(
      fc.property(json, (rows) => {
        const columns = codec.inferColumns(rows);
        const back = rowsOf(codec.decode(codec.encode(columns, rows)));
        const mixed = new Set(columns.filter(({ type }) => type === 'json').map(({ name }) => name));
        const filled = rows.map((row) =>
          Object.fromEntries(
            columns.map(({ name }) => [
              name,
              mixed.has(name) ? (JSON.parse(JSON.stringify(row[name] ?? null)) as unknown) : (row[name] ?? null),
            ]),
          ),
        );
        expect(back).toEqual(filled);
      }),
      { numRuns: 200 },
    );
  });

  test('are timestamps only for dates and their full ISO text', () => {
    const columns = codec.inferColumns([
      { d: new Date(0), full: '2024-01-01T00:00:00.000Z', day: '2024-01-01', big: 10n, mixed: 1 },
      { mixed: 'x' },
    ]);

    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'd timestamp',
      'full timestamp',
      'day string',
      'big string',
      'mixed json',
    ]);
  });
});
