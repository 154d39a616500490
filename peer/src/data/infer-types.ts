// Column types from samples. The lattice: bool < int < float < string, and timestamp < string; a column
// takes the narrowest type that holds all that was sampled. What holds a list or object is json.

import type { Column, ColumnType } from './column.ts';

const WIDTH: Readonly<Record<'bool' | 'int' | 'float' | 'string', number>> = { bool: 0, int: 1, float: 2, string: 3 };

/** The narrowest type that holds values of both. */
export function joinTypes(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b) return a;
  if (a === 'json' || b === 'json') return 'json';
  if (a === 'timestamp' || b === 'timestamp') return 'string';
  return WIDTH[a] > WIDTH[b] ? a : b;
}

export interface TypeInference {
  /** Columns are kept in the order in which they were first seen. */
  add(name: string, type: ColumnType | undefined): void;
  /** A column of which only missing values were seen is string. */
  columns(textColumns: ReadonlySet<string>): readonly Column[];
  has(name: string): boolean;
}

export function createTypeInference(): TypeInference {
  const types = new Map<string, ColumnType | undefined>();
  return {
    add(name, type) {
      const before = types.get(name);
      types.set(name, before === undefined || type === undefined ? (before ?? type) : joinTypes(before, type));
    },
    columns: (textColumns) =>
      [...types].map(([name, type]) => ({ name, type: textColumns.has(name) ? 'string' : (type ?? 'string') })),
    has: (name) => types.has(name),
  };
}
