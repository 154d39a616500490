// A record's head as bytes, as it lies in a store, and values packed into one payload. A head is a
// list with the number of its form first: folders outlive releases.

import { decode, encode } from '@msgpack/msgpack';
import * as v from 'valibot';
import { recordHead } from './frame-fields.ts';
import type { RecordHead } from './value-record.ts';

const FORM = 1;
const TOMBSTONE = 1;
const CONTENT_NAMED = 2;

export function encodeRecordHead(head: RecordHead): Uint8Array {
  const flags = (head.tombstone ? TOMBSTONE : 0) | (head.contentNamed ? CONTENT_NAMED : 0);
  return encode([
    FORM,
    head.version.epoch,
    head.version.counter,
    head.requestId,
    flags,
    head.mediaType,
    head.sizeBytes,
    head.writtenAtMs,
    head.expiresAtMs ?? null,
  ]);
}

/** `undefined` for what is no head. */
export function decodeRecordHead(bytes: Uint8Array): RecordHead | undefined {
  let fields: unknown;
  try {
    fields = decode(bytes);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 9) return undefined;
  const [form, epoch, counter, requestId, flags, mediaType, sizeBytes, writtenAtMs, expiresAtMs]: readonly unknown[] =
    fields;
  if (form !== FORM || typeof flags !== 'number') return undefined;
  const head = v.safeParse(recordHead, {
    version: { epoch, counter },
    requestId,
    tombstone: (flags & TOMBSTONE) !== 0,
    contentNamed: (flags & CONTENT_NAMED) !== 0,
    mediaType,
    sizeBytes,
    writtenAtMs,
    ...(expiresAtMs === null ? {} : { expiresAtMs }),
  });
  return head.success ? head.output : undefined;
}

/** The next multiple of 8: where Arrow reads without a copy. */
export function alignedTo8(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

/** The bytes of values of these sizes, packed. */
export function packedBytes(sizes: readonly number[]): number {
  let end = 0;
  for (const size of sizes) end = alignedTo8(end) + size;
  return end;
}

/** Values one after another, each from a multiple of 8. One value is given back as it is. */
export function packValues(values: readonly Uint8Array[]): Uint8Array {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return only;
  const packed = new Uint8Array(packedBytes(values.map((value) => value.length)));
  let end = 0;
  for (const value of values) {
    const start = alignedTo8(end);
    packed.set(value, start);
    end = start + value.length;
  }
  return packed;
}

/** Views of the values of these sizes; `undefined` if the payload does not have just them. */
export function unpackValues(payload: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] | undefined {
  if (packedBytes(sizes) !== payload.length) return undefined;
  let end = 0;
  return sizes.map((size) => {
    const start = alignedTo8(end);
    end = start + size;
    return payload.subarray(start, end);
  });
}
