// A UDF's identity: the hash of its source, under which the mesh keeps it. What it is named in the
// user's editor is no part of it.

import { contentHash, limits, MeshError, parseUdfId, requireKey, type Key, type UdfId } from '@shoal/shared';
import type { UdfSource } from '../api.ts';

/** What a default export is: a plain function, or an object with `map`, `filter`, or `init`, `visit` and `join`. */
export type UdfForm = 'function' | 'map' | 'filter' | 'aggregate';

export interface Udf {
  readonly id: UdfId;
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly fileName: string;
}

export const UDF_MEDIA_TYPE = 'text/typescript';
const DEFAULT_FILE_NAME = 'function.ts';

/** Throws `bad-udf` if the source is too long or not text. */
export function createUdf(from: UdfSource | string): Udf {
  const source = typeof from === 'string' ? from : from.source;
  const fileName = (typeof from === 'string' ? undefined : from.fileName) ?? DEFAULT_FILE_NAME;
  if (typeof source !== 'string') throw new MeshError('bad-udf', 'The source of a function is text.');
  const bytes = new TextEncoder().encode(source);
  if (bytes.length > limits.udfBytes) {
    throw new MeshError('bad-udf', `${fileName} has ${bytes.length} bytes; a function has at most ${limits.udfBytes}.`);
  }
  const id = parseUdfId(contentHash(bytes));
  if (id === undefined) throw new MeshError('internal', 'The hash of a function is no id.');
  return { id, source, bytes, fileName };
}

export function udfKey(id: UdfId): Key {
  return requireKey(`~udf/${id}`);
}
