// A file on disk as the source of a load: opened when it is read, closed when the reading ends.

import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { MeshError, throwIfAborted } from '@shoal/shared';
import type { LoadSource } from '@shoal/peer';

const SLICE_BYTES = 4 * 1024 * 1024;

/** Rejects `bad-file` for what is no file, or can't be read. */
export async function openFileSource(path: string): Promise<LoadSource> {
  const info = await explained(path, stat(path));
  if (!info.isFile()) throw new MeshError('bad-file', `"${path}" is no file.`);

  async function* slices({ signal }: { readonly signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
    const file = await explained(path, open(path));
    try {
      for (let at = 0; ;) {
        throwIfAborted(signal);
        const { bytesRead, buffer } = await explained(path, file.read(new Uint8Array(SLICE_BYTES), 0, SLICE_BYTES, at));
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async function slice(from: number, to: number): Promise<Uint8Array> {
    const file = await explained(path, open(path));
    try {
      const { bytesRead, buffer } = await explained(path, file.read(new Uint8Array(to - from), 0, to - from, from));
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  return { name: basename(path), sizeBytes: info.size, slices, slice };
}

async function explained<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') throw new MeshError('bad-file', `There is no file "${path}".`, { cause });
    throw new MeshError(
      'bad-file',
      `"${path}" can't be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { cause },
    );
  }
}
