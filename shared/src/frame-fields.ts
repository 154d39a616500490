// The fields that frames are made of, as schemas with their bounds. Checks are single functions
// where they can be: a member decodes a frame for every request.

import * as v from 'valibot';
import type { Configuration, Copy } from './configuration.ts';
import type { KeyVersion, MovedRecord, RememberedRequest, SlotDigest } from './slot-frame.ts';
import type { Incarnation, MeshId, PathId, PeerId, RequestId } from './ids.ts';
import { parseIncarnation, parseMeshId, parsePathId, parsePeerId, parseRequestId } from './ids.ts';
import { parseKey, type Key } from './key.ts';
import { limits } from './limits.ts';
import { isMeshErrorCode, type MeshErrorCode, type MeshErrorWire } from './mesh-error.ts';
import type { Slot } from './slot.ts';
import type { RecordHead, Version } from './value-record.ts';

const wholeUpTo = (most: number) => (value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

/** Levels of nesting of what a frame carries without a form of its own. */
const FREE_DEPTH = 64;
/** Members that hold one slot, and copies dropped from it: far above any wished number. */
const COPIES_MOST = 64;

export const flag = v.boolean();
export const uint32 = v.custom<number>(wholeUpTo(0xffff_ffff), 'not a uint32');
/** Bytes or a count: whole, exact in a double. */
export const count = v.custom<number>(wholeUpTo(Number.MAX_SAFE_INTEGER), 'not a count');
/** What a storage says is free: endless if it can't be told. */
export const freeSpace = v.custom<number>((value) => typeof value === 'number' && value >= 0, 'not a number of bytes');
/** A span of time: may have a fraction, is never endless. */
export const milliseconds = v.custom<number>(
  (value) => typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER,
  'not a time in milliseconds',
);
export const copyCount = v.custom<number>(wholeUpTo(COPIES_MOST), `not a number of copies up to ${COPIES_MOST}`);
export const valueSize = v.custom<number>(wholeUpTo(limits.valueBytes), 'over the size of a value');
export const slot = v.custom<Slot>(wholeUpTo(65_535), 'not a slot');
export const key = v.custom<Key>((value) => parseKey(value) !== undefined, 'not a key');
export const peerId = v.custom<PeerId>((value) => parsePeerId(value) !== undefined, 'not a member id');
export const incarnation = v.custom<Incarnation>(
  (value) => parseIncarnation(value) !== undefined,
  'not an incarnation',
);
export const pathId = v.custom<PathId>((value) => parsePathId(value) !== undefined, 'not a path');
export const meshId = v.custom<MeshId>((value) => parseMeshId(value) !== undefined, 'not a mesh id');
export const requestId = v.custom<RequestId>((value) => parseRequestId(value) !== undefined, 'not a request id');
export const durability = v.picklist(['strict', 'relaxed']);

const MEDIA_TYPE = /^[\x20-\x7e]*$/;
/** Printable ASCII; empty for a delete. */
export const mediaType = v.custom<string>(
  (value) => typeof value === 'string' && value.length <= limits.mediaTypeBytes && MEDIA_TYPE.test(value),
  'not a media type',
);

/** Anything, if it is not nested so deep that whoever walks it would fail. */
export const free = v.custom<unknown>(
  (value) => isShallow(value, FREE_DEPTH),
  `nested deeper than ${FREE_DEPTH} levels`,
);

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  if (levels === 0) return false;
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return inner.every((item) => isShallow(item, levels - 1));
}

export const version = v.object({ epoch: uint32, counter: uint32 }) satisfies v.GenericSchema<unknown, Version>;

export const digest = v.object({ high: uint32, low: uint32, records: uint32 }) satisfies v.GenericSchema<
  unknown,
  SlotDigest
>;

export const keyVersion = v.object({ key, version }) satisfies v.GenericSchema<unknown, KeyVersion>;

export const recordHead = v.object({
  version,
  requestId,
  tombstone: flag,
  contentNamed: flag,
  expiresAtMs: v.exactOptional(milliseconds),
  mediaType,
  sizeBytes: valueSize,
  writtenAtMs: milliseconds,
}) satisfies v.GenericSchema<unknown, RecordHead>;

export const movedRecord = v.object({ key, head: recordHead }) satisfies v.GenericSchema<unknown, MovedRecord>;

export const remembered = v.object({
  id: requestId,
  version,
  ageMs: milliseconds,
}) satisfies v.GenericSchema<unknown, RememberedRequest>;

const copy = v.object({ member: peerId, incarnation, durability }) satisfies v.GenericSchema<unknown, Copy>;

export const row = v.object({
  slot,
  epoch: uint32,
  owner: peerId,
  copies: v.pipe(v.array(copy), v.maxLength(COPIES_MOST)),
  dropped: v.pipe(v.array(copy), v.maxLength(COPIES_MOST)),
  settled: flag,
  emptyBefore: uint32,
}) satisfies v.GenericSchema<unknown, Configuration>;

export const errorWire = v.object({
  code: v.custom<MeshErrorCode>(isMeshErrorCode, 'not an error code'),
  message: v.pipe(v.string(), v.maxLength(limits.errorChars)),
  detail: v.exactOptional(
    v.pipe(
      v.record(v.string(), v.unknown()),
      v.check((value) => isShallow(value, FREE_DEPTH)),
    ),
  ),
}) satisfies v.GenericSchema<unknown, MeshErrorWire>;

/** What one frame lists, at most `most`. */
export function listOf<Item>(item: v.GenericSchema<unknown, Item>, most: number) {
  return v.pipe(v.array(item), v.maxLength(most));
}
