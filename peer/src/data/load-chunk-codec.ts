// The seam behind which Arrow is: it is fetched when the first chunk is read or written.

import type { ChunkCodec } from './chunk.ts';

export async function loadChunkCodec(): Promise<ChunkCodec> {
  return (await import('./arrow-chunk.ts')).arrowChunkCodec;
}
