// Files for tests, and what comes of them.

import { readFileSync } from 'node:fs';
import type { DatasetInfo, LoadSource } from '../../../../peer/src/api.ts';
import { arrowChunkCodec } from '../../../../peer/src/data/arrow-chunk.ts';
import type { Row } from '../../../../peer/src/data/column.ts';
import { readChunks, type EncodedChunk, type ReadOptions } from '../../../../peer/src/data/read-chunks.ts';

export function textSource(name: string, text: string | Uint8Array, sliceBytes = 4 * 1024 * 1024): LoadSource {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return {
    name,
    sizeBytes: bytes.length,
    async *slices() {
      for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.slice(at, at + sliceBytes);
    },
    slice: async (from, to) => bytes.slice(from, to),
  };
}

export function samplePath(name: string): string {
  return new URL(`../../../../node_modules/vega-datasets/data/${name}`, import.meta.url).pathname;
}

export function sampleSource(name: string): LoadSource {
  return textSource(name, new Uint8Array(readFileSync(samplePath(name))));
}

export interface ReadTable {
  readonly chunks: readonly EncodedChunk[];
  readonly rows: readonly Row[];
  readonly counts: Pick<
    DatasetInfo,
    'rowCount' | 'columns' | 'brokenLines' | 'firstBrokenLine' | 'invalidUtf8' | 'unknownNames'
  >;
}

export async function readTable(source: LoadSource, options: ReadOptions = {}): Promise<ReadTable> {
  const chunks: EncodedChunk[] = [];
  for await (const item of readChunks(source, options, {})) {
    if (item.kind === 'chunk') chunks.push(item);
    if (item.kind !== 'summary') continue;
    const rows = chunks.flatMap(({ bytes }) => {
      const chunk = arrowChunkCodec.decode(bytes);
      return Array.from({ length: chunk.rowCount }, (_, index) => chunk.row(index));
    });
    return { chunks, rows, counts: item.counts };
  }
  throw new Error('no summary');
}

/** `name type` of each column. */
export function typesOf(counts: ReadTable['counts']): readonly string[] {
  return counts.columns.map(({ name, type }) => `${name} ${type}`);
}
