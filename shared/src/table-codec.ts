// Rows of the table as bytes, for signaling and for the registrar's file: some 100 KB for 4,096 slots.

import type { Configuration } from './configuration.ts';

export function encodeRows(_rows: readonly Configuration[]): Uint8Array {
  throw new Error('to be written');
}

/** `undefined` for bytes that are no rows. */
export function decodeRows(_bytes: Uint8Array): readonly Configuration[] | undefined {
  throw new Error('to be written');
}
