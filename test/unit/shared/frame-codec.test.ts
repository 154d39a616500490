import {
  decodeFrame,
  encodeFrame,
  limits,
  NO_PAYLOAD,
  requireKey,
  type Frame,
  type GetFrame,
  type Slot,
} from '@shoal/shared';
import { describe, expect, test } from 'vitest';

const get: GetFrame = {
  kind: 'get',
  id: 'ada0ada0ada0ada0.17' as GetFrame['id'],
  ageMs: 0,
  remainingMs: 30_000,
  forwarded: false,
  slot: 812 as Slot,
  epoch: 57,
  key: requireKey('hello'),
  wait: false,
};
const blob = (body: unknown, payload = NO_PAYLOAD): Frame => ({
  kind: 'blob',
  id: get.id,
  ageMs: 0,
  remainingMs: 1,
  forwarded: false,
  service: 'list',
  part: 'ask',
  body,
  payload,
});

/** The frame with a field that its type would not let through. */
function withField(field: string, value: unknown): Uint8Array {
  return encodeFrame({ ...get, [field]: value });
}

describe('a head', () => {
  const wrong: readonly (readonly [string, string, unknown])[] = [
    ['a key of 513 bytes', 'key', 'x'.repeat(513)],
    ['a key of 171 characters with 3 bytes each', 'key', '€'.repeat(171)],
    ['an empty key', 'key', ''],
    ['a slot over 65,535', 'slot', 65_536],
    ['an epoch that is no uint32', 'epoch', 2 ** 32],
    ['an epoch with a fraction', 'epoch', 1.5],
    ['a request id of another form', 'id', 'ada.17'],
    ['a time that never ends', 'remainingMs', Infinity],
    ['a time that is no number', 'ageMs', NaN],
    ['a negative time', 'ageMs', -1],
    ['a flag that is no flag', 'wait', 1],
    ['a missing field', 'key', undefined],
    ['a null where absent is meant', 'range', null],
    ['a range without length', 'range', { offset: 1 }],
  ];

  test.each(wrong)('is refused with %s, naming the field', (_what, field, value) => {
    const decoded = decodeFrame(withField(field, value));

    expect(decoded).toHaveProperty('error.code', 'bad-frame');
    expect(decoded).toHaveProperty('error.message', expect.stringContaining(`at ${field}`));
  });

  test('drops fields that its kind does not have', () => {
    expect(decodeFrame(withField('extra', 1))).toEqual({ ok: get });
  });

  test('keeps a key of 512 bytes', () => {
    expect(decodeFrame(withField('key', 'x'.repeat(512)))).toHaveProperty('ok.key.length', 512);
  });

  test('is refused with a string that is not UTF-8, which a lenient decoder would make another key of', () => {
    const bytes = encodeFrame(get);
    const at = Buffer.from(bytes).indexOf('hello');
    bytes[at + 1] = 0xff;

    expect(decodeFrame(bytes)).toHaveProperty(
      'error.message',
      'The head of a get frame has a string that is not UTF-8.',
    );
  });

  test('is refused when a list promises more items than there are bytes, before room is made for them', () => {
    // 1 MiB of arrays, each inside the one before and each said to have 16 million items.
    const head = new Uint8Array(1024 * 1024);
    for (let at = 0; at + 5 <= head.length; at += 5) head.set([0xdd, 0, 0xff, 0xff, 0xff], at);

    expect(decodeFrame(frameOf(4, head))).toHaveProperty('error.message', 'The head of a blob frame is cut off.');
  });

  test('is refused when what it carries freely is nested too deep to be walked', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 80; level += 1) deep = [deep];

    expect(decodeFrame(encodeFrame(blob(deep)))).toHaveProperty(
      'error.message',
      expect.stringContaining('nested deeper'),
    );
  });

  test('is refused over one MiB, at both ends', () => {
    expect(() => encodeFrame(blob('x'.repeat(limits.frameHeadBytes)))).toThrow(
      expect.objectContaining({ code: 'bad-frame' }),
    );
    const head = new Uint8Array(limits.frameHeadBytes + 8);
    expect(decodeFrame(frameOf(4, head))).toHaveProperty('error.code', 'bad-frame');
  });

  test('is not made of what MessagePack has no form for', () => {
    expect(() => encodeFrame(blob(() => 1))).toThrow(expect.objectContaining({ code: 'bad-frame' }));
    // The encoder is as good as before.
    expect(decodeFrame(encodeFrame(get))).toEqual({ ok: get });
  });
});

describe('a payload', () => {
  test('is a view on the bytes that came', () => {
    const bytes = encodeFrame(blob(undefined, new Uint8Array([1, 2, 3])));
    const decoded = decodeFrame(bytes);

    expect(decoded).toHaveProperty('ok.payload', new Uint8Array([1, 2, 3]));
    expect('ok' in decoded && 'payload' in decoded.ok && decoded.ok.payload.buffer).toBe(bytes.buffer);
  });

  test('of the largest value goes through', () => {
    const payload = new Uint8Array(limits.valueBytes);
    const result = {
      kind: 'value',
      version: { epoch: 1, counter: 1 },
      mediaType: '',
      contentNamed: false,
      sizeBytes: payload.length,
    } as const;
    const decoded = decodeFrame(encodeFrame({ kind: 'data', id: get.id, result, payload }));

    expect(decoded).toHaveProperty('ok.payload.length', limits.valueBytes);
  });

  test('of a frame over the limit is refused at both ends', () => {
    expect(() => encodeFrame(blob(undefined, new Uint8Array(limits.frameBytes)))).toThrow(
      expect.objectContaining({ code: 'bad-frame' }),
    );
    expect(decodeFrame(new Uint8Array(limits.frameBytes + 1))).toHaveProperty('error.code', 'bad-frame');
  });

  test('that disagrees with the sizes in the head is not sent', () => {
    const write = { key: get.key, op: 'put', mediaType: '', contentNamed: false, sizeBytes: 6 } as const;
    const put = { ...get, kind: 'put', minCopies: 1, writes: [write], payload: new Uint8Array(5) } as const;

    expect(() => encodeFrame(put)).toThrow(expect.objectContaining({ code: 'bad-frame' }));
  });

  test('of a put that names a key twice is refused', () => {
    const write = { key: get.key, op: 'delete', mediaType: '', contentNamed: false, sizeBytes: 0 } as const;
    const put = { ...get, kind: 'put', minCopies: 1, writes: [write, write], payload: NO_PAYLOAD } as const;

    expect(decodeFrame(encodeFrame(put))).toHaveProperty('error.message', expect.stringContaining('a key twice'));
  });
});

/** A frame of kind number `kind` around any head. */
function frameOf(kind: number, head: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + Math.ceil(head.length / 8) * 8);
  bytes.set([1, kind], 0);
  new DataView(bytes.buffer).setUint32(4, head.length);
  bytes.set(head, 16);
  return bytes;
}
