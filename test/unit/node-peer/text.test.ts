import { expect, test } from 'vitest';
import { toCell, toCsvField, toJsonText } from '../../../node-peer/src/cell-text.ts';
import { printable } from '../../../node-peer/src/output.ts';
import { checkOutFile } from '../../../node-peer/src/run-output.ts';
import { formatTable } from '../../../node-peer/src/text-table.ts';

test('a table has columns as wide as their widest cell, and no blanks at the ends of lines', () => {
  expect(
    formatTable(
      ['name', 'n'],
      [
        ['ada', '1'],
        ['', '22'],
      ],
    ),
  ).toBe('name  n\nada   1\n      22');
});

test('what JSON has no form for is printed as the nearest that it has', () => {
  const value = {
    big: 2n ** 60n,
    map: new Map([['a', 1]]),
    pairs: new Map([[1, 2]]),
    set: new Set([1]),
    bytes: new Uint8Array([1, 2]),
  };
  expect(toJsonText(value)).toBe('{"big":"1152921504606846976","map":{"a":1},"pairs":[[1,2]],"set":[1],"bytes":[1,2]}');
  expect(toJsonText(undefined)).toBe('null');
});

test('a cell is one line, and nothing for what is missing', () => {
  expect(toCell('a\nb\tc')).toBe('a b c');
  expect(toCell(null)).toBe('');
  expect(toCell(0)).toBe('0');
  expect(toCell({ a: 1 })).toBe('{"a":1}');
});

test('a field of CSV is quoted only if it must be', () => {
  expect(toCsvField('plain')).toBe('plain');
  expect(toCsvField('a,"b"\n')).toBe('"a,""b""\n"');
  expect(toCsvField(null)).toBe('');
});

test('foreign text can not steer the terminal', () => {
  expect(printable('a\u001b[31mb\u009bc\nd')).toBe('a\\x1b[31mb\\x9bc\nd');
});

test('the name of a file for results says its format', () => {
  expect(checkOutFile('rows.CSV')).toBe('rows.CSV');
  expect(() => checkOutFile('rows.xlsx')).toThrow(/says no format/);
});
