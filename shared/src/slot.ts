// A slot is one of the equal parts of the hash space. Everybody computes a key's slot, so the
// golden values of its test must never change.

import { assert } from './assert.ts';
import { hashKey, type Key } from './key.ts';

/** 0 to slot count − 1. */
export type Slot = number & { readonly __brand: 'Slot' };

/** `undefined` unless it is a slot of a mesh of `slotCount` slots. */
export function parseSlot(value: unknown, slotCount: number): Slot | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < slotCount
    ? (value as Slot)
    : undefined;
}

/** The slot of a key: the top bits of its hash. `slotCount` is a power of two, at most 65,536. */
export function slotOfKey(key: Key, slotCount: number): Slot {
  return slotOfHash(hashKey(key), slotCount);
}

export function slotOfHash(hash: number, slotCount: number): Slot {
  assert(slotCount >= 1 && slotCount <= 65_536 && Number.isInteger(Math.log2(slotCount)), () => `${slotCount} slots`);
  return Math.floor(hash / (2 ** 32 / slotCount)) as Slot;
}
