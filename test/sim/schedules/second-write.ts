// A Put of two keys: a program puts one at a time, the protocol takes more. So the put of one key gets a
// second one on its way.

import { createFragmentCutter, decodeFrame, encodeFrame, packValues, type Key } from '@shoal/shared';

export interface SecondWrite {
  readonly of: string;
  readonly key: string;
  readonly value: string;
}

/** Of a fragment and of a frame. */
const HEAD_BYTES = 16;
const WHOLE = 3;

export function withSecondWrite(message: Uint8Array, { of, key, value }: SecondWrite): Uint8Array {
  const decoded = message[1] === WHOLE ? decodeFrame(message.slice(HEAD_BYTES)) : undefined;
  const frame = decoded !== undefined && 'ok' in decoded ? decoded.ok : undefined;
  if (frame?.kind !== 'put') return message;
  const [first] = frame.writes;
  if (first === undefined || first.key !== of) return message;
  const bytes = new TextEncoder().encode(value);
  // A key of the same slot, as who writes a schedule sees to.
  const second = { ...first, key: key as Key, sizeBytes: bytes.byteLength };
  const doubled = { ...frame, writes: [first, second], payload: packValues([frame.payload, bytes]) };
  const stream = new DataView(message.buffer, message.byteOffset).getUint32(4);
  return createFragmentCutter(stream, encodeFrame(doubled)).next(Infinity) ?? message;
}
