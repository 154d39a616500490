// Who a member is: an Ed25519 key pair in plain JavaScript, since a page on plain http has no `crypto.subtle`.

import * as ed25519 from '@noble/ed25519';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Random } from './clock.ts';
import type { PeerId } from './ids.ts';

// Without it only the asynchronous calls work, and those want `crypto.subtle`.
ed25519.hashes.sha512 = sha512;

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

export function createKeyPair(random: Random): KeyPair {
  return keyPairOf(random.bytes(32));
}

/** The key pair of a stored secret key. */
export function keyPairOf(secretKey: Uint8Array): KeyPair {
  return { publicKey: ed25519.getPublicKey(secretKey), secretKey };
}

/** The first half of the key's SHA-256: nobody else can prove to be that member. */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  return toHex(sha256(publicKey).subarray(0, 16)) as PeerId;
}

export function sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return ed25519.sign(message, secretKey);
}

/** False for anything that is no valid signature; never throws. */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    // Strict: by the lenient rules there are keys for which everybody can sign.
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/** SHA-256 as 64 hex digits: names of UDFs and chunks. */
export function contentHash(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}

export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** `undefined` for what is not an even number of hex digits. */
export function fromHex(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? hexToBytes(text) : undefined;
}
