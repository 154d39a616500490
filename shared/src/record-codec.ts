// A record's head as bytes, and values packed into one payload.

import type { RecordHead } from './value-record.ts';

export function encodeRecordHead(_head: RecordHead): Uint8Array {
  throw new Error('to be written');
}

/** `undefined` for what is no head. */
export function decodeRecordHead(_bytes: Uint8Array): RecordHead | undefined {
  throw new Error('to be written');
}

/** Values one after another, each from a multiple of 8. One value is given back as it is. */
export function packValues(_values: readonly Uint8Array[]): Uint8Array {
  throw new Error('to be written');
}

/** Views of the values of these sizes; `undefined` if the payload does not have just them. */
export function unpackValues(_payload: Uint8Array, _sizes: readonly number[]): readonly Uint8Array[] | undefined {
  throw new Error('to be written');
}
