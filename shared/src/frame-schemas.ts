// The head of every frame kind as a schema: what a member takes from another, with all bounds. What
// passes has the types of frame.ts; what a payload must be in length is said beside it.

import * as v from 'valibot';
import {
  copyCount,
  count,
  digest,
  durability,
  errorWire,
  flag,
  free,
  freeSpace,
  incarnation,
  key,
  keyVersion,
  listOf,
  mediaType,
  meshId,
  milliseconds,
  movedRecord,
  pathId,
  peerId,
  remembered,
  requestId,
  row,
  slot,
  uint32,
  valueSize,
  version,
} from './frame-fields.ts';
import type { Frame, FrameKind } from './frame.ts';
import { limits } from './limits.ts';
import { meshNameSchema } from './signaling.ts';

/** A frame without what stands elsewhere: its kind in the header, its payload behind the head. */
export type HeadOf<Kind extends FrameKind> = Omit<Extract<Frame, { readonly kind: Kind }>, 'kind' | 'payload'>;

const requestHead = { id: requestId, ageMs: milliseconds, remainingMs: milliseconds, forwarded: flag };
const slotHead = { slot, epoch: uint32 };
const handOff = { ...slotHead, number: uint32 };
const keyVersions = listOf(keyVersion, limits.listedPerFrame);
const movedRecords = listOf(movedRecord, limits.listedPerFrame);
const rememberedRequests = listOf(remembered, limits.rememberedPerFrame);
const tableEpoch = { term: uint32, tableEpoch: uint32 };

const ended = v.exactOptional(v.pipe(v.string(), v.maxLength(limits.errorChars)));

const write = v.object({
  key,
  op: v.picklist(['put', 'delete']),
  expected: v.exactOptional(v.nullable(version)),
  mediaType,
  contentNamed: flag,
  ttlMs: v.exactOptional(milliseconds),
  sizeBytes: valueSize,
});

const result = v.variant('kind', [
  v.object({ kind: v.literal('value'), version, mediaType, contentNamed: flag, sizeBytes: valueSize }),
  v.object({ kind: v.literal('absent'), version: v.exactOptional(version) }),
  v.object({ kind: v.literal('unchanged'), version }),
  v.object({ kind: v.literal('done'), version, copies: copyCount }),
  v.object({ kind: v.literal('moved'), row }),
  v.object({ kind: v.literal('refused'), error: errorWire, version: v.exactOptional(version) }),
]);

export const frameSchemas: { readonly [Kind in FrameKind]: v.GenericSchema<unknown, HeadOf<Kind>> } = {
  get: v.object({
    ...requestHead,
    ...slotHead,
    key,
    range: v.exactOptional(v.object({ offset: count, length: count })),
    newerThan: v.exactOptional(version),
    wait: flag,
  }),
  put: v.object({
    ...requestHead,
    ...slotHead,
    minCopies: copyCount,
    writes: v.pipe(
      listOf(write, limits.writesPerPut),
      v.minLength(1),
      v.check(
        (writes) => writes.length === 1 || new Set(writes.map((one) => one.key)).size === writes.length,
        'a key twice',
      ),
    ),
  }),
  data: v.object({ id: requestId, result }),
  blob: v.pipe(
    v.object({
      ...requestHead,
      service: v.pipe(v.string(), v.minLength(1), v.maxLength(limits.nameChars)),
      part: v.picklist(['ask', 'note', 'answer', 'refused']),
      body: v.optional(free),
    }),
    v.transform((head) => ({ ...head, body: head.body })),
  ),
  cancel: v.object({ id: requestId }),

  hello: v.object({
    versions: v.pipe(listOf(uint32, 8), v.minLength(1)),
    mesh: meshNameSchema,
    meshId,
    member: peerId,
    incarnation,
    ...tableEpoch,
    durability,
    fragmentBytes: v.pipe(uint32, v.minValue(limits.fragmentBytesLeast), v.maxValue(limits.frameBytes)),
  }),
  heartbeat: v.object({ number: uint32, ...tableEpoch }),
  alive: v.object({ number: uint32, incarnation, ...tableEpoch, freeBytes: freeSpace, lease: flag }),
  goodbye: v.object({}),
  credit: v.object({ bytes: count }),
  forward: v.object({ to: peerId, path: pathId, ended }),
  forwarded: v.object({ from: peerId, path: pathId, ended }),

  replicate: v.object({
    ...slotHead,
    version,
    requestId,
    ageMs: milliseconds,
    number: v.exactOptional(uint32),
    records: movedRecords,
  }),
  stored: v.object({ ...slotHead, version, number: v.exactOptional(uint32) }),
  'other-epoch': v.object(slotHead),
  resign: v.object(slotHead),
  'take-epoch': v.object(slotHead),
  taken: v.object({
    ...slotHead,
    digest,
    remembered: rememberedRequests,
    stoppedMs: v.exactOptional(milliseconds),
  }),
  'settle-keys': v.object({ ...slotHead, keys: keyVersions, last: flag }),
  'settle-records': v.object({ ...slotHead, records: movedRecords }),
  'drop-tombstones': v.object({ ...slotHead, keys: keyVersions }),

  begin: v.object({
    ...handOff,
    counter: uint32,
    digest,
    remembered: rememberedRequests,
    reachMs: v.exactOptional(milliseconds),
  }),
  begun: v.object({ ...handOff, digest }),
  part: v.object({ ...handOff, fromKey: v.exactOptional(key), toKey: v.exactOptional(key), keys: keyVersions }),
  want: v.object({ ...handOff, keys: listOf(key, limits.listedPerFrame) }),
  records: v.object({ ...handOff, records: movedRecords }),
  check: v.object({ ...handOff, digest }),
  report: v.object({ ...handOff, digest, leases: v.exactOptional(flag) }),
  end: v.object(handOff),
};
