// A set of slots as bytes, one bit each: 512 bytes for the 4,096 of a mesh, however many there are in it.

import type { Slot } from './slot.ts';

export function encodeSlotSet(slots: Iterable<Slot>, slotCount: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(slotCount / 8));
  for (const slot of slots) bytes[slot >> 3] = (bytes[slot >> 3] ?? 0) | (1 << (slot & 7));
  return bytes;
}

export function isInSlotSet(bytes: Uint8Array, slot: Slot): boolean {
  return ((bytes[slot >> 3] ?? 0) & (1 << (slot & 7))) !== 0;
}
