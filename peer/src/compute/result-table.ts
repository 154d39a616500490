// The rows that a map or filter gave: they lie on the members and are fetched, chunk by chunk, when somebody
// looks at them.

import { type Key, MeshError, throwIfAborted } from '@shoal/shared';
import type { CallOptions, ResultTable } from '../api.ts';
import type { Chunk, ChunkCodec } from '../data/chunk.ts';
import type { Column, ColumnType } from '../data/column.ts';
import type { Values } from '../ports/values.ts';

export interface ResultChunk {
  /** None: no rows. */
  readonly key: Key | undefined;
  readonly rowCount: number;
  readonly columns: readonly Column[];
}

export interface ResultTableDeps {
  readonly values: Values;
  readonly codec: () => Promise<ChunkCodec>;
}

/** Chunks that are kept decoded: who scrolls goes back and forth. */
const DECODED_KEPT = 8;
const DELETES_AT_ONCE = 16;

/** `chunks` in the order of the dataset. */
export function createResultTable(deps: ResultTableDeps, chunks: readonly ResultChunk[]): ResultTable {
  const filled = chunks.filter(
    (chunk): chunk is ResultChunk & { readonly key: Key } => chunk.key !== undefined && chunk.rowCount > 0,
  );
  const firstRows: number[] = [];
  let rowCount = 0;
  for (const chunk of filled) {
    firstRows.push(rowCount);
    rowCount += chunk.rowCount;
  }
  const decoded = new Map<Key, Promise<Chunk>>();
  let isClosed = false;

  function chunkOf(key: Key, options: CallOptions): Promise<Chunk> {
    const known = decoded.get(key);
    const chunk = known ?? fetchChunk(deps, key, options);
    decoded.delete(key);
    decoded.set(key, chunk);
    // A fetch that failed or was cancelled is no answer for the next who asks.
    chunk.catch(() => decoded.delete(key));
    for (const old of [...decoded.keys()].slice(0, Math.max(0, decoded.size - DECODED_KEPT))) decoded.delete(old);
    return chunk;
  }

  return {
    rowCount,
    columns: mergeColumns(chunks.map(({ columns }) => columns)),
    rows: async (first, count, options = {}) => {
      if (isClosed) throw new MeshError('closed', 'This result was closed; its rows are deleted.');
      const end = Math.min(rowCount, first + count);
      const rows: Record<string, unknown>[] = [];
      for (const [index, { key, rowCount: inChunk }] of filled.entries()) {
        const start = firstRows[index] ?? 0;
        if (start >= end || start + inChunk <= first) continue;
        throwIfAborted(options.signal);
        const chunk = await chunkOf(key, options);
        for (let row = Math.max(first, start); row < Math.min(end, start + inChunk); row += 1)
          rows.push(chunk.row(row - start));
      }
      return rows;
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      decoded.clear();
      await deleteResults(
        deps.values,
        filled.map(({ key }) => key),
      );
    },
  };
}

/** What can't be deleted now goes by itself when its time is over. */
export async function deleteResults(values: Values, keys: readonly Key[]): Promise<void> {
  for (let first = 0; first < keys.length; first += DELETES_AT_ONCE) {
    await Promise.allSettled(keys.slice(first, first + DELETES_AT_ONCE).map((key) => values.delete(key)));
  }
}

async function fetchChunk(deps: ResultTableDeps, key: Key, options: CallOptions): Promise<Chunk> {
  const [value, codec] = await Promise.all([deps.values.get(key, options), deps.codec()]);
  if (value === undefined)
    throw new MeshError('lost', 'These rows are gone: results are kept for an hour, then run again.');
  return codec.decode(value.bytes);
}

const WIDTH: Readonly<Record<ColumnType, number>> = { bool: 0, int: 1, float: 2, timestamp: 3, string: 4, json: 5 };

/** The columns of all chunks in order of appearance; where their types differ, one that holds both. */
export function mergeColumns(tables: readonly (readonly Column[])[]): readonly Column[] {
  const merged = new Map<string, ColumnType>();
  for (const { name, type } of tables.flat()) {
    const known = merged.get(name);
    merged.set(name, known === undefined ? type : wider(known, type));
  }
  return [...merged].map(([name, type]) => ({ name, type }));
}

function wider(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b) return a;
  if ((a === 'timestamp') !== (b === 'timestamp') && a !== 'json' && b !== 'json') return 'string';
  return WIDTH[a] > WIDTH[b] ? a : b;
}
