// A table's columns: their names and types, on the lattice bool < int < float < string, and timestamps.

/** int: whole numbers within 2^53; a column with any beyond is a string column. timestamp: ms since 1970. json: what a UDF returned that is no scalar. */
export type ColumnType = 'bool' | 'int' | 'float' | 'string' | 'timestamp' | 'json';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** A row is a plain object; null is missing; a timestamp is a `Date`-readable ISO string. */
export type Row = Record<string, unknown>;
