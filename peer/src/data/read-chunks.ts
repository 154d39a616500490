// The first half of a load, and the whole of its computing: a file's slices to encoded chunks. It knows
// no mesh, so that a page can run it in a worker.

import { contentHash, limits, MeshError, throwIfAborted } from '@shoal/shared';
import type { DatasetInfo, LoadOptions, LoadSource } from '../api.ts';
import { createChunkCutter } from './chunk-cutter.ts';
import { detectFormat } from './detect-format.ts';
import type { RowParser, SourceRow } from './readers/row-parser.ts';
import { HEAD_BYTES, sampleColumns } from './sample.ts';
import { createTableBuilder, type TableBuilder } from './table-builder.ts';
import { createRowParser, layOut } from './table-source.ts';
import { createUtf8Text, requireText, type Utf8Text } from './utf8-text.ts';

/** What the reading needs to know; cloneable. */
export type ReadOptions = Pick<LoadOptions, 'textColumns' | 'format'>;

export interface EncodedChunk {
  readonly kind: 'chunk';
  readonly index: number;
  readonly rows: number;
  /** Number of its first row in the dataset. */
  readonly firstRow: number;
  /** In a buffer of their own, to be transferred. */
  readonly bytes: Uint8Array;
  readonly hash: string;
  /** Of the source, so far. */
  readonly bytesRead: number;
}

/** Comes last. */
export interface ReadSummary {
  readonly kind: 'summary';
  readonly counts: Pick<
    DatasetInfo,
    'rowCount' | 'sizeBytes' | 'columns' | 'brokenLines' | 'firstBrokenLine' | 'invalidUtf8' | 'unknownNames'
  >;
}

/** Said now and then between chunks. */
export interface ReadProgress {
  readonly kind: 'progress';
  readonly bytesRead: number;
  readonly rows: number;
}

export type ReadItem = EncodedChunk | ReadSummary | ReadProgress;

/** `readChunks`, or what runs it elsewhere. Ending the iteration ends the reading. */
export type ReadChunks = (
  source: LoadSource,
  options: ReadOptions,
  context: { readonly signal?: AbortSignal },
) => AsyncIterable<ReadItem>;

/** Throws `bad-file` for what is no table, or the signal's error. */
export async function* readChunks(
  source: LoadSource,
  options: ReadOptions,
  context: { readonly signal?: AbortSignal },
): AsyncGenerator<ReadItem, void> {
  const { signal } = context;
  const { head, slices, isWhole } = await readHead(source, signal);
  if (head.length === 0) throw new MeshError('bad-file', `"${source.name}" is empty.`);
  requireText(head, source.name);
  const { encodeChunk } = await import('./arrow-chunk.ts');
  const headText = textOf(head, isWhole);
  const layout = await layOut(options.format ?? detectFormat(source.name, headText), source.name, headText);
  const sampled = await sampleColumns(
    source,
    layout,
    { text: headText, isWhole },
    { textColumns: new Set(options.textColumns), signal },
  );
  const names = sampled.columns.map(({ name }) => name);
  const parser = await createRowParser(layout);
  const decoder = createUtf8Text();
  const table = createTableBuilder(sampled);
  const cutter = createChunkCutter();
  let skip = sampled.shape.kind === 'cells' ? 1 : 0;
  const state = { bytesRead: 0, index: 0, rows: 0, firstRow: 0 };

  function takeChunk(): EncodedChunk {
    const rows = state.rows - state.firstRow;
    const bytes = encodeChunk(names, table.takeChunk(), rows);
    if (bytes.length > limits.valueBytes)
      throw new MeshError('bad-file', `A row near row ${state.rows} of "${source.name}" is too large to be stored.`);
    const chunk: EncodedChunk = {
      kind: 'chunk',
      index: state.index,
      rows,
      firstRow: state.firstRow,
      bytes,
      hash: contentHash(bytes),
      bytesRead: state.bytesRead,
    };
    state.index += 1;
    state.firstRow = state.rows;
    return chunk;
  }

  function* addRows(rows: readonly SourceRow[]): IterableIterator<EncodedChunk> {
    for (const row of rows) {
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      if (cutter.cutBefore(row.sizeBytes)) yield takeChunk();
      table.add(row);
      state.rows += 1;
    }
  }

  for await (const slice of slices) {
    throwIfAborted(signal);
    state.bytesRead += slice.length;
    for (const text of decoder.push(slice)) {
      yield* addRows(parser.push(text));
      throwIfAborted(signal);
    }
    yield { kind: 'progress', bytesRead: state.bytesRead, rows: state.rows };
  }
  yield* addRows(parser.push(decoder.end()));
  yield* addRows(parser.end());
  if (state.rows > state.firstRow) yield takeChunk();
  yield summarise(source, { parser, decoder, table, rowCount: state.rows, bytesRead: state.bytesRead });
}

interface Done {
  readonly parser: RowParser;
  readonly decoder: Utf8Text;
  readonly table: TableBuilder;
  readonly rowCount: number;
  readonly bytesRead: number;
}

function summarise(source: LoadSource, { parser, decoder, table, rowCount, bytesRead }: Done): ReadSummary {
  const { count, firstLine } = parser.broken;
  if (rowCount === 0 && count > 0) {
    throw new MeshError(
      'bad-file',
      `No line of "${source.name}" can be read; the first that can't is line ${firstLine ?? 1}.`,
      { detail: { line: firstLine ?? 1 } },
    );
  }
  return {
    kind: 'summary',
    counts: {
      rowCount,
      sizeBytes: bytesRead,
      ...table.counts(),
      brokenLines: count,
      ...(firstLine === undefined ? {} : { firstBrokenLine: firstLine }),
      ...(decoder.invalid === 0 ? {} : { invalidUtf8: decoder.invalid }),
    },
  };
}

interface Head {
  readonly head: Uint8Array;
  readonly isWhole: boolean;
  /** All slices, those of the head again first. */
  readonly slices: AsyncIterable<Uint8Array>;
}

async function readHead(source: LoadSource, signal: AbortSignal | undefined): Promise<Head> {
  const iterator = source.slices(signal === undefined ? {} : { signal })[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  let isWhole = false;
  try {
    while (size <= HEAD_BYTES && !isWhole) {
      throwIfAborted(signal);
      const next = await iterator.next();
      if (next.done === true) isWhole = true;
      else {
        first.push(next.value);
        size += next.value.length;
      }
    }
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  const head = new Uint8Array(Math.min(size, HEAD_BYTES));
  let at = 0;
  for (const slice of first) {
    const part = slice.subarray(0, head.length - at);
    head.set(part, at);
    at += part.length;
  }
  return { head, isWhole, slices: replay(first, iterator) };
}

async function* replay(first: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let slice = first.shift(); slice !== undefined; slice = first.shift()) yield slice;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    // The file is closed also if the reading ends early.
    await iterator.return?.();
  }
}

function textOf(head: Uint8Array, isWhole: boolean): string {
  const decoder = createUtf8Text();
  const text = [...decoder.push(head)].join('');
  return isWhole ? text + decoder.end() : text;
}
