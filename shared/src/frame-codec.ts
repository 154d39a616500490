// Frames to bytes and back. (Layout: PROTOCOL.md.)

import type { Frame } from './frame.ts';
import type { MeshErrorWire } from './mesh-error.ts';

/** The frame whole: fixed header, head, padding, payload at a multiple of 8. Throws `bad-frame` over a limit (ours to prevent). */
export function encodeFrame(_frame: Frame): Uint8Array {
  throw new Error('to be written');
}

/** Never throws. The payload is a view on `bytes`. */
export function decodeFrame(_bytes: Uint8Array): { readonly ok: Frame } | { readonly error: MeshErrorWire } {
  throw new Error('to be written');
}
