// Any frame, for properties: every kind with every field, bounded so that a run stays quick.

import type { Frame, FrameKind, Key, Slot } from '@shoal/shared';
import { packValues, parseKey } from '@shoal/shared';
import fc from 'fast-check';

const uint32 = fc.nat(0xffff_ffff);
const milliseconds = fc.oneof(
  fc.nat(),
  fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }).map((ms) => ms + 0),
);
const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: digits, maxLength: digits });
const bytes = fc.uint8Array({ maxLength: 40 });

export const anyKey: fc.Arbitrary<Key> = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .map((text) => parseKey(text))
  .filter((key) => key !== undefined);
export const anyVersion = fc.record({ epoch: uint32, counter: uint32 });
const peerId = hex(32);
const incarnation = hex(16);
const requestId = fc.tuple(incarnation, fc.nat()).map(([life, count]) => `${life}.${count}`);
const slot = fc.nat(65_535) as unknown as fc.Arbitrary<Slot>;
const mediaType = fc.constantFrom('', 'text/plain', 'application/json');
const digest = fc.record({ high: uint32, low: uint32, records: uint32 });
const keyVersions = fc.array(fc.record({ key: anyKey, version: anyVersion }), { maxLength: 5 });
const remembered = fc.array(fc.record({ id: requestId, version: anyVersion, ageMs: milliseconds }), { maxLength: 3 });
const durability = fc.constantFrom('strict', 'relaxed');
const copies = fc.array(fc.record({ member: peerId, incarnation, durability }), { maxLength: 3 });
export const anyRow = fc.record({
  slot,
  epoch: uint32,
  owner: peerId,
  copies,
  dropped: copies,
  settled: fc.boolean(),
  emptyBefore: uint32,
});

const headFields = {
  version: anyVersion,
  requestId,
  tombstone: fc.boolean(),
  contentNamed: fc.boolean(),
  expiresAtMs: milliseconds,
  mediaType,
  sizeBytes: fc.nat(64 * 1024 * 1024),
  writtenAtMs: milliseconds,
};
const optional = <T extends Record<string, fc.Arbitrary<unknown>>, K extends keyof T>(fields: T, ...names: K[]) =>
  fc.record(fields, { requiredKeys: Object.keys(fields).filter((name) => !names.includes(name as K)) as never });
export const anyRecordHead = optional(headFields, 'expiresAtMs');

/** Records with their values: a head says just the size of its value. */
const records = fc
  .array(fc.record({ key: anyKey, head: anyRecordHead, value: bytes }), { maxLength: 4 })
  .map((list) => ({
    records: list.map(({ key, head, value }) => ({ key, head: { ...(head as object), sizeBytes: value.length } })),
    payload: packValues(list.map(({ value }) => value)),
  }));

const request = { id: requestId, ageMs: milliseconds, remainingMs: milliseconds, forwarded: fc.boolean() };
const at = { slot, epoch: uint32 };
const handOff = { ...at, number: uint32 };
const table = { term: uint32, tableEpoch: uint32 };
const result = fc.oneof(
  fc.record({
    kind: fc.constant('value'),
    version: anyVersion,
    mediaType,
    contentNamed: fc.boolean(),
    sizeBytes: fc.constant(40),
  }),
  optional({ kind: fc.constant('absent'), version: anyVersion }, 'version'),
  fc.record({ kind: fc.constant('unchanged'), version: anyVersion }),
  fc.record({ kind: fc.constant('done'), version: anyVersion, copies: fc.nat(5) }),
  fc.record({ kind: fc.constant('moved'), row: anyRow }),
  optional(
    {
      kind: fc.constant('refused'),
      error: optional(
        {
          code: fc.constantFrom('busy', 'version'),
          message: fc.string(),
          detail: fc.dictionary(fc.constantFrom('key', 'row'), fc.integer()),
        },
        'detail',
      ),
      version: anyVersion,
    },
    'version',
  ),
);
const writes = fc
  .uniqueArray(
    fc.tuple(
      optional(
        {
          key: anyKey,
          op: fc.constantFrom('put', 'delete'),
          expected: fc.oneof(fc.constant(null), anyVersion),
          mediaType,
          contentNamed: fc.boolean(),
          ttlMs: milliseconds,
        },
        'expected',
        'ttlMs',
      ),
      bytes,
    ),
    { minLength: 1, maxLength: 4, selector: ([write]) => (write as { key: Key }).key },
  )
  .map((list) => ({
    writes: list.map(([write, value]) => ({ ...(write as object), sizeBytes: value.length })),
    payload: packValues(list.map(([, value]) => value)),
  }));

const fields: { readonly [Kind in FrameKind]: fc.Arbitrary<object> } = {
  get: optional(
    {
      ...request,
      ...at,
      key: anyKey,
      range: fc.record({ offset: fc.nat(), length: fc.nat() }),
      newerThan: anyVersion,
      wait: fc.boolean(),
    },
    'range',
    'newerThan',
  ),
  put: fc
    .tuple(fc.record({ ...request, ...at, minCopies: fc.nat(3) }), writes)
    .map(([head, rest]) => ({ ...head, ...rest })),
  data: fc.tuple(requestId, result, bytes).map(([id, what, payload]) => ({
    id,
    result: what,
    payload: (what as { kind: string }).kind === 'value' ? payload : new Uint8Array(0),
  })),
  blob: fc.record({
    ...request,
    service: fc.constantFrom('task', 'list'),
    part: fc.constantFrom('ask', 'note', 'answer', 'refused'),
    body: fc.oneof(
      fc.constant(undefined),
      fc.constant(null),
      fc.integer(),
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.boolean()),
      fc.record({ rows: fc.nat() }),
    ),
    payload: bytes,
  }),
  cancel: fc.record({ id: requestId }),
  hello: fc.record({
    versions: fc.array(uint32, { minLength: 1, maxLength: 8 }),
    mesh: fc.constantFrom('main', 'a.b-c'),
    meshId: peerId,
    member: peerId,
    incarnation,
    ...table,
    durability,
    fragmentBytes: fc.integer({ min: 1024, max: 65_536 }),
  }),
  heartbeat: fc.record({ number: uint32, ...table }),
  alive: fc.record({
    number: uint32,
    incarnation,
    ...table,
    freeBytes: fc.oneof(fc.nat(), fc.constant(Infinity)),
    lease: fc.boolean(),
  }),
  goodbye: fc.constant({}),
  credit: fc.record({ bytes: fc.nat() }),
  forward: optional({ to: peerId, path: incarnation, ended: fc.string(), payload: bytes }, 'ended'),
  forwarded: optional({ from: peerId, path: incarnation, ended: fc.string(), payload: bytes }, 'ended'),
  replicate: fc
    .tuple(optional({ ...handOff, version: anyVersion, requestId, ageMs: milliseconds }, 'number'), records)
    .map(([head, rest]) => ({ ...(head as object), ...rest })),
  stored: optional({ ...handOff, version: anyVersion }, 'number'),
  'other-epoch': fc.record(at),
  resign: fc.record(at),
  'take-epoch': fc.record(at),
  taken: fc.record({ ...at, digest, remembered }),
  'settle-keys': fc.record({ ...at, keys: keyVersions, last: fc.boolean() }),
  'settle-records': fc.tuple(fc.record(at), records).map(([head, rest]) => ({ ...head, ...rest })),
  'drop-tombstones': fc.record({ ...at, keys: keyVersions }),
  begin: fc.record({ ...handOff, counter: uint32, digest, remembered }),
  begun: fc.record({ ...handOff, digest }),
  part: optional({ ...handOff, fromKey: anyKey, toKey: anyKey, keys: keyVersions }, 'fromKey', 'toKey'),
  want: fc.record({ ...handOff, keys: fc.array(anyKey, { maxLength: 5 }) }),
  records: fc.tuple(fc.record(handOff), records).map(([head, rest]) => ({ ...head, ...rest })),
  check: fc.record({ ...handOff, digest }),
  report: fc.record({ ...handOff, digest }),
  end: fc.record(handOff),
};

/** A frame of any kind. */
export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  ...Object.entries(fields).map(([kind, arbitrary]) =>
    arbitrary.map((rest) => ({ kind, ...rest }) as unknown as Frame),
  ),
);
