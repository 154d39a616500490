// Who a member is: an Ed25519 key pair in plain JavaScript, since a page on plain http has no `crypto.subtle`.

import type { Random } from './clock.ts';
import type { PeerId } from './ids.ts';

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

export function createKeyPair(_random: Random): KeyPair {
  throw new Error('to be written');
}

/** The key pair of a stored secret key. */
export function keyPairOf(_secretKey: Uint8Array): KeyPair {
  throw new Error('to be written');
}

export function peerIdOf(_publicKey: Uint8Array): PeerId {
  throw new Error('to be written');
}

export function sign(_message: Uint8Array, _secretKey: Uint8Array): Uint8Array {
  throw new Error('to be written');
}

/** False for anything that is no valid signature; never throws. */
export function verify(_signature: Uint8Array, _message: Uint8Array, _publicKey: Uint8Array): boolean {
  throw new Error('to be written');
}

/** SHA-256 as 64 hex digits: names of UDFs and chunks. */
export function contentHash(_bytes: Uint8Array): string {
  throw new Error('to be written');
}

export function toHex(_bytes: Uint8Array): string {
  throw new Error('to be written');
}

/** `undefined` for what is not an even number of hex digits. */
export function fromHex(_text: string): Uint8Array | undefined {
  throw new Error('to be written');
}
