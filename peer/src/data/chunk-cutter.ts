// Where a dataset is cut into chunks: at 8,192 rows, or before the row that would bring the chunk's
// source over 1 MiB. A row alone may be larger.

import { limits } from '@shoal/shared';

export interface ChunkCutter {
  /** True if a chunk must end before this row; the row then counts for the next. */
  cutBefore(rowBytes: number): boolean;
}

export function createChunkCutter(
  bounds: { readonly rows: number; readonly sourceBytes: number } = {
    rows: limits.chunkRows,
    sourceBytes: limits.chunkSourceBytes,
  },
): ChunkCutter {
  let rows = 0;
  let bytes = 0;
  return {
    cutBefore(rowBytes) {
      const isFull = rows >= bounds.rows || (rows > 0 && bytes + rowBytes > bounds.sourceBytes);
      rows = isFull ? 1 : rows + 1;
      bytes = isFull ? rowBytes : bytes + rowBytes;
      return isFull;
    },
  };
}
