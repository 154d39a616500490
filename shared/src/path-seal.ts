// What keeps a forwarding member honest: each message of a path carries a code that only its two ends can
// make, over its direction, its number and its bytes. What was changed, left out, repeated or put in between
// does not open. (Who forwards can still read it, and end the path.)

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** Bytes of the key that both ends of a path know. */
export const PATH_KEY_BYTES = 32;
/** What a seal adds to a message: half of an HMAC-SHA256. */
export const SEAL_BYTES = 16;

/** One end of a path. Messages are counted: each is opened in the order in which it was sealed. */
export interface PathSeal {
  /** The code, and the message behind it. */
  seal(message: Uint8Array): Uint8Array;
  /** A view on the message; undefined if it is not the next one of the other end. */
  open(sealed: Uint8Array): Uint8Array | undefined;
}

export function createPathSeal(key: Uint8Array, side: 'dialling' | 'dialled'): PathSeal {
  const keyed = hmac.create(sha256, key);
  let sealed = 0;
  let opened = 0;

  const codeOf = (isOfDialling: boolean, number: number, message: Uint8Array): Uint8Array => {
    const head = new Uint8Array(9);
    head[0] = isOfDialling ? 1 : 0;
    new DataView(head.buffer).setBigUint64(1, BigInt(number));
    return keyed.clone().update(head).update(message).digest().subarray(0, SEAL_BYTES);
  };

  return {
    seal(message) {
      const bytes = new Uint8Array(SEAL_BYTES + message.byteLength);
      bytes.set(codeOf(side === 'dialling', sealed, message));
      bytes.set(message, SEAL_BYTES);
      sealed += 1;
      return bytes;
    },
    open(bytes) {
      const message = bytes.subarray(SEAL_BYTES);
      const code = codeOf(side !== 'dialling', opened, message);
      // All bytes are compared: the time taken tells nothing.
      const differing = code.reduce((sum, byte, index) => sum | (byte ^ (bytes[index] ?? ~byte)), 0);
      if (differing !== 0) return undefined;
      opened += 1;
      return message;
    },
  };
}
