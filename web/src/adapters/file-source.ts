// A file that the user gave to the page, as the source of a load.

import { MeshError, throwIfAborted } from '@shoal/shared';
import type { LoadSource } from '@shoal/peer';

/** Read at once: larger is no faster, and the reader holds one. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** A source that can be handed to a worker: what it reads is cloneable. */
export interface PageFileSource extends LoadSource {
  readonly blob: Blob;
}

export function fileSource(blob: Blob, name: string = blob instanceof File ? blob.name : 'file'): PageFileSource {
  async function read(from: number, to: number): Promise<Uint8Array> {
    try {
      return new Uint8Array(await blob.slice(from, to).arrayBuffer());
    } catch (cause) {
      throw new MeshError('bad-file', `"${name}" can't be read any more: it was changed or removed. Choose it again.`, {
        cause,
      });
    }
  }

  return {
    name,
    sizeBytes: blob.size,
    blob,
    async *slices({ signal }) {
      for (let at = 0; at < blob.size; at += SLICE_BYTES) {
        throwIfAborted(signal);
        yield await read(at, at + SLICE_BYTES);
      }
    },
    slice: read,
  };
}

export function isPageFileSource(source: LoadSource): source is PageFileSource {
  return 'blob' in source && source.blob instanceof Blob;
}
