// What two members say to each other, by way of the registrar, to be linked over a third: the registrar
// stamps who speaks, and the key that seals the path passes nobody else.

import * as v from 'valibot';
import { milliseconds, peerId } from './frame-fields.ts';
import { parsePathId, type PathId } from './ids.ts';

/** Members offered to forward: enough for one that is linked to both. */
export const HOPS_MOST = 64;

const hop = v.object({ member: peerId, roundTripMs: milliseconds });

export const pathSignalSchema = v.variant('kind', [
  /** `hops`: the dialling member's direct links, nearest first; none: it links itself to whom the answer names. */
  v.object({
    kind: v.literal('offer'),
    key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    hops: v.pipe(v.array(hop), v.maxLength(HOPS_MOST)),
  }),
  v.object({ kind: v.literal('answer'), hop: peerId }),
  v.object({ kind: v.literal('refused'), reason: v.pipe(v.string(), v.maxLength(256)) }),
]);
export type PathSignal = v.InferOutput<typeof pathSignalSchema>;

const DIAL = /^path ([0-9a-f]{16})$/;

/** The name of a path's dial among the signals. */
export function dialOfPath(path: PathId): string {
  return `path ${path}`;
}

/** `undefined` for a dial of another kind. */
export function pathOfDial(dial: string): PathId | undefined {
  return parsePathId(DIAL.exec(dial)?.[1]);
}

/** `undefined` for what is none. */
export function parsePathSignal(text: string): PathSignal | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(pathSignalSchema, value);
  return parsed.success ? parsed.output : undefined;
}
