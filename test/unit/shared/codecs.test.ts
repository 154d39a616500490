// Records, tables and digests as bytes and sums.

import {
  addToDigest,
  alignedTo8,
  decodeRecordHead,
  decodeRows,
  digestsEqual,
  EMPTY_DIGEST,
  encodeRecordHead,
  encodeRows,
  packValues,
  removeFromDigest,
  unpackValues,
  type Configuration,
  type RecordHead,
  type Slot,
} from '@shoal/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyKey, anyRecordHead, anyRow, anyVersion } from './frame-arbitraries.ts';
import { seeded } from './seed.ts';

const anyHead = anyRecordHead as unknown as fc.Arbitrary<RecordHead>;
const anyRows = fc.array(anyRow, { maxLength: 6 }) as unknown as fc.Arbitrary<Configuration[]>;

describe('a record head', () => {
  test('comes back as it was stored', () => {
    fc.assert(
      fc.property(anyHead, (head) => {
        expect(decodeRecordHead(encodeRecordHead(head))).toEqual(head);
      }),
      seeded,
    );
  });

  test('is nothing, and no throw, when its bytes are damaged', () => {
    fc.assert(
      fc.property(anyHead, fc.nat(), fc.nat(255), (head, at, value) => {
        const bytes = encodeRecordHead(head);
        bytes[at % bytes.length] = value;
        const decoded = decodeRecordHead(bytes);
        if (decoded !== undefined) expect(decodeRecordHead(encodeRecordHead(decoded))).toEqual(decoded);
        expect(decodeRecordHead(bytes.subarray(0, at % bytes.length))).toBeUndefined();
      }),
      { ...seeded, numRuns: 1_000 },
    );
  });
});

describe('packed values', () => {
  const anyValues = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 6 });

  test('come back, each from a multiple of 8', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const packed = packValues(values);
        const views =
          unpackValues(
            packed,
            values.map((value) => value.length),
          ) ?? [];
        expect(views.map((view) => [...view])).toEqual(values.map((value) => [...value]));
        for (const view of views) expect((view.byteOffset - packed.byteOffset) % 8).toBe(0);
      }),
      seeded,
    );
  });

  test('of one value are that value, not a copy', () => {
    const value = new Uint8Array(5);

    expect(packValues([value])).toBe(value);
  });

  test('of other sizes than said are nothing', () => {
    expect(unpackValues(new Uint8Array(9), [8, 2])).toBeUndefined();
    expect(unpackValues(new Uint8Array(alignedTo8(9)), [9])).toBeUndefined();
    expect(unpackValues(new Uint8Array(1), [])).toBeUndefined();
  });
});

describe('rows of the table', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        expect(decodeRows(encodeRows(rows))).toEqual(rows);
      }),
      seeded,
    );
  });

  test('are nothing, and no throw, when their bytes are damaged or cut off', () => {
    fc.assert(
      fc.property(anyRows, fc.nat(), fc.nat(255), (rows, at, value) => {
        const bytes = encodeRows(rows);
        expect(decodeRows(bytes.subarray(0, at % bytes.length))).toBeUndefined();
        bytes[at % bytes.length] = value;
        const decoded = decodeRows(bytes);
        if (decoded !== undefined) expect(decodeRows(encodeRows(decoded))).toEqual(decoded);
      }),
      { ...seeded, numRuns: 1_000 },
    );
  });

  test('of 4,096 slots, three copies each on 50 members, fit into 100 KB', () => {
    const member = (number: number) => ({
      member: number.toString(16).padStart(32, '0'),
      incarnation: number.toString(16).padStart(16, '0'),
      durability: 'strict',
    });
    const rows = Array.from({ length: 4_096 }, (_, slot) => {
      const copies = [slot % 50, (slot + 7) % 50, (slot + 19) % 50].map((number) => member(number));
      return {
        slot: slot as Slot,
        epoch: slot,
        owner: copies[0]?.member,
        copies,
        dropped: [],
        settled: true,
        emptyBefore: 1,
      };
    }) as unknown as Configuration[];
    const bytes = encodeRows(rows);

    expect(bytes.length).toBeLessThan(100_000);
    expect(decodeRows(bytes)).toEqual(rows);
  });
});

describe('a digest', () => {
  const anyRecords = fc.array(fc.record({ key: anyKey, version: anyVersion }), { maxLength: 20 });

  test('does not depend on the order in which records came', () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(), (records, turn) => {
        const sum = (list: typeof records) =>
          list.reduce((digest, { key, version }) => addToDigest(digest, key, version), EMPTY_DIGEST);
        const at = records.length === 0 ? 0 : turn % records.length;
        expect(sum([...records.slice(at), ...records.slice(0, at)])).toEqual(sum(records));
      }),
      seeded,
    );
  });

  test('is empty again when all that was added is removed', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        let digest = EMPTY_DIGEST;
        for (const { key, version } of records) digest = addToDigest(digest, key, version);
        for (const { key, version } of records) digest = removeFromDigest(digest, key, version);
        expect(digestsEqual(digest, EMPTY_DIGEST)).toBe(true);
      }),
      seeded,
    );
  });

  test('tells another version, another key and a record more', () => {
    fc.assert(
      fc.property(anyKey, anyKey, anyVersion, (key, other, version) => {
        const one = addToDigest(EMPTY_DIGEST, key, version);
        const later = { epoch: version.epoch, counter: (version.counter + 1) % 2 ** 32 };
        expect(digestsEqual(one, addToDigest(EMPTY_DIGEST, key, later))).toBe(false);
        if (other !== key) expect(digestsEqual(one, addToDigest(EMPTY_DIGEST, other, version))).toBe(false);
        expect(digestsEqual(one, addToDigest(one, key, version))).toBe(false);
      }),
      seeded,
    );
  });
});
