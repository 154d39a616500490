// The running digest of a slot: a 64-bit sum (two uint32) of hash(key, version) over its records,
// tombstones too, so that a write changes it in constant time and the order does not matter.

import type { SlotDigest } from './frame.ts';
import type { Key } from './key.ts';
import type { Version } from './value-record.ts';

export const EMPTY_DIGEST: SlotDigest = { high: 0, low: 0, records: 0 };

export function addToDigest(_digest: SlotDigest, _key: Key, _version: Version): SlotDigest {
  throw new Error('to be written');
}

export function removeFromDigest(_digest: SlotDigest, _key: Key, _version: Version): SlotDigest {
  throw new Error('to be written');
}

export function digestsEqual(_a: SlotDigest, _b: SlotDigest): boolean {
  throw new Error('to be written');
}
