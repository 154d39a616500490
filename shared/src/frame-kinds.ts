// The number of each frame kind in the header, and which kinds carry a payload. A number is never
// given to another kind: an old member must not take one frame for another.

import type { Frame, FrameKind } from './frame.ts';

/** By group: what users move, what keeps a link, what copies of a slot send each other. */
export const FRAME_KIND_NUMBERS = {
  get: 1,
  put: 2,
  data: 3,
  blob: 4,
  cancel: 5,

  hello: 16,
  heartbeat: 17,
  alive: 18,
  goodbye: 19,
  credit: 20,
  forward: 21,
  forwarded: 22,

  replicate: 32,
  stored: 33,
  'other-epoch': 34,
  resign: 35,
  'take-epoch': 36,
  taken: 37,
  'settle-keys': 38,
  'settle-records': 39,
  'drop-tombstones': 40,

  begin: 48,
  begun: 49,
  part: 50,
  want: 51,
  records: 52,
  check: 53,
  report: 54,
  end: 55,
} as const satisfies Record<FrameKind, number>;

/** The kinds whose frames have a `payload`. */
export type PayloadKind = Extract<Frame, { readonly payload: Uint8Array }>['kind'];

const PAYLOAD_KINDS: Readonly<Record<PayloadKind, true>> = {
  put: true,
  data: true,
  blob: true,
  forward: true,
  forwarded: true,
  replicate: true,
  'settle-records': true,
  records: true,
};

export function hasPayload(kind: FrameKind): kind is PayloadKind {
  return Object.hasOwn(PAYLOAD_KINDS, kind);
}

const kindsByNumber = new Map<number, FrameKind>(
  Object.entries(FRAME_KIND_NUMBERS).map(([kind, number]) => [number, kind as FrameKind]),
);

/** `undefined` for a number that no kind has. */
export function frameKindOf(number: number): FrameKind | undefined {
  return kindsByNumber.get(number);
}
