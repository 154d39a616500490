// A frame cut into messages of the channel's size, and joined again with bounds. (Layout: PROTOCOL.md.)

import type { MeshErrorWire } from './mesh-error.ts';

/** The fixed head of each fragment. */
export const FRAGMENT_HEAD_BYTES = 16;

/** The fragments of one frame, cut on demand, so that those of several frames can be mixed. */
export interface FragmentCutter {
  readonly stream: number;
  readonly totalBytes: number;
  readonly remainingBytes: number;
  /** The next message, head included, at most `maxPayloadBytes` of the frame; undefined when all is cut. */
  next(maxPayloadBytes: number): Uint8Array | undefined;
}

/** `stream` names the frame on its link: each a new number, uint32. */
export function createFragmentCutter(_stream: number, _frame: Uint8Array): FragmentCutter {
  throw new Error('to be written');
}

export interface FragmentJoiner {
  /** A message of the channel. `frame` when it was the last one. Never throws; after an error nothing of that stream is kept. */
  push(message: Uint8Array): { readonly frame?: Uint8Array } | { readonly error: MeshErrorWire };
  /** Of frames not yet whole. */
  readonly heldBytes: number;
  readonly openStreams: number;
}

export function createFragmentJoiner(_bounds: { readonly frameBytes: number; readonly openStreams: number; readonly heldBytes: number }): FragmentJoiner {
  throw new Error('to be written');
}
