// A chunk of a table as the rest of peer sees it. `arrow-chunk.ts` makes it; who only needs the form
// imports this file and no Arrow.

import type { Column, Row } from './column.ts';

export interface Chunk {
  readonly rowCount: number;
  readonly columns: readonly Column[];
  /** A fresh plain object. Values are read through typed arrays, never through Arrow's row proxies. */
  row(index: number): Row;
}

export interface ChunkCodec {
  /** Reads views on `bytes`, which must start at a multiple of 8 of its buffer, or Arrow copies in silence. Throws `bad-value`. */
  decode(bytes: Uint8Array): Chunk;
  /** Arrow IPC (stream form). Columns are as given; a value that does not fit becomes missing. */
  encode(columns: readonly Column[], rows: readonly Row[]): Uint8Array;
  /** Columns that hold these rows: for results, whose types nobody declared. */
  inferColumns(rows: readonly Row[]): readonly Column[];
}
