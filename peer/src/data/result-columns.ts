// Columns for rows whose types nobody declared: what a UDF returned. Unlike a file's text a value of a
// program has its type, so nothing is reinterpreted: a column of mixed kinds is json, which keeps each as it is.

import type { Column, ColumnType, Row } from './column.ts';

const ISO_LENGTH = '2000-01-01T00:00:00.000Z'.length;

export function inferResultColumns(rows: readonly Row[]): readonly Column[] {
  const types = new Map<string, ColumnType | undefined>();
  for (const row of rows) {
    for (const name of Object.keys(row)) {
      const type = typeOf(row[name]);
      const before = types.get(name);
      types.set(name, before === undefined || type === undefined ? (before ?? type) : joinResultTypes(before, type));
    }
  }
  return [...types].map(([name, type]) => ({ name, type: type ?? 'string' }));
}

/** The type that holds values of both without changing any. */
export function joinResultTypes(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b) return a;
  const both = [a, b];
  if (both.includes('int') && both.includes('float')) return 'float';
  return both.includes('string') && both.includes('timestamp') ? 'string' : 'json';
}

function typeOf(value: unknown): ColumnType | undefined {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'int' : 'float';
    case 'bigint':
      return 'string';
    case 'string':
      return isIsoText(value) ? 'timestamp' : 'string';
    default:
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : 'timestamp';
      return value === null || value === undefined ? undefined : 'json';
  }
}

/** Only the form in which a timestamp is given back: another would come back changed. */
function isIsoText(text: string): boolean {
  if (text.length !== ISO_LENGTH || !text.endsWith('Z')) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
}
