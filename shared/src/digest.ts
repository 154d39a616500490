// The running digest of a slot: a 64-bit sum (two uint32) of hash(key, version) over its records,
// tombstones too, so that a write changes it in constant time and the order does not matter.

import { xxHash32 } from 'js-xxhash';
import type { SlotDigest } from './slot-frame.ts';
import type { Key } from './key.ts';
import type { Version } from './value-record.ts';

export const EMPTY_DIGEST: SlotDigest = { high: 0, low: 0, records: 0 };

const UINT32 = 2 ** 32;
/** Two unlike seeds make the halves of one 64-bit hash. */
const LOW_SEED = 0;
const HIGH_SEED = 0x9e37_79b1;

const encoder = new TextEncoder();

export function addToDigest(digest: SlotDigest, key: Key, version: Version): SlotDigest {
  const hash = hashOf(key, version);
  const low = digest.low + hash.low;
  const carry = low >= UINT32 ? 1 : 0;
  return { high: (digest.high + hash.high + carry) % UINT32, low: low % UINT32, records: digest.records + 1 };
}

export function removeFromDigest(digest: SlotDigest, key: Key, version: Version): SlotDigest {
  const hash = hashOf(key, version);
  const low = digest.low - hash.low;
  const borrow = low < 0 ? 1 : 0;
  const high = digest.high - hash.high - borrow;
  return { high: (high + 2 * UINT32) % UINT32, low: (low + UINT32) % UINT32, records: digest.records - 1 };
}

export function digestsEqual(a: SlotDigest, b: SlotDigest): boolean {
  return a.high === b.high && a.low === b.low && a.records === b.records;
}

/** Of epoch and counter (big-endian) and the key's UTF-8. */
function hashOf(key: Key, version: Version): { readonly high: number; readonly low: number } {
  const text = encoder.encode(key);
  const bytes = new Uint8Array(8 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, version.epoch);
  view.setUint32(4, version.counter);
  bytes.set(text, 8);
  return { high: xxHash32(bytes, HIGH_SEED), low: xxHash32(bytes, LOW_SEED) };
}
