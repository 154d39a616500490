// Fields of signaling's payloads that several of them have, as schemas.

import * as v from 'valibot';
import type { Incarnation, MeshId, PeerId } from './ids.ts';
import { parseIncarnation, parseMeshId, parsePeerId } from './ids.ts';
import { limits } from './limits.ts';
import type { Slot } from './slot.ts';

export const peerId = v.custom<PeerId>((value) => parsePeerId(value) !== undefined, 'not a member id');
export const incarnation = v.custom<Incarnation>(
  (value) => parseIncarnation(value) !== undefined,
  'not an incarnation',
);
export const meshId = v.custom<MeshId>((value) => parseMeshId(value) !== undefined, 'not a mesh id');
export const uint32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
export const slot = v.pipe(
  uint32,
  v.maxValue(65_535),
  v.transform((value) => value as Slot),
);
export const count = v.pipe(v.number(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
export const hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`)));
export const name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(limits.nameChars));
export const tableEpoch = v.object({ term: uint32, epoch: uint32 });
export const bytes = v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes');
export const durability = v.picklist(['strict', 'relaxed']);
