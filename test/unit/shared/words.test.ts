// Ids, versions and errors: what foreign text may become, and what travels of an error.

import {
  compareTableEpochs,
  compareVersions,
  formatVersion,
  isMeshError,
  limits,
  makeRequestId,
  MeshError,
  parseIncarnation,
  parsePeerId,
  parseRequestId,
  parseUdfId,
  parseVersion,
  toMeshError,
  type Incarnation,
} from '@shoal/shared';
import { describe, expect, test } from 'vitest';

describe('ids', () => {
  test('are read from text of their own form only', () => {
    expect(parsePeerId('a1'.repeat(16))).toBe('a1'.repeat(16));
    expect(parseIncarnation('a1'.repeat(8))).toBe('a1'.repeat(8));
    expect(parseUdfId('a1'.repeat(32))).toBe('a1'.repeat(32));
    for (const parse of [parsePeerId, parseIncarnation, parseUdfId, parseRequestId]) {
      for (const wrong of ['', 'a1', 'A1'.repeat(16), 'a1'.repeat(33), `${'a1'.repeat(16)}\n`, 7, undefined, null]) {
        expect(parse(wrong)).toBeUndefined();
      }
    }
  });

  test('of a request are the incarnation and a counter without leading zeros', () => {
    const id = makeRequestId('ada0ada0ada0ada0' as Incarnation, 17);

    expect([id, parseRequestId(id)]).toEqual(['ada0ada0ada0ada0.17', id]);
    expect(parseRequestId('ada0ada0ada0ada0.017')).toBeUndefined();
  });
});

describe('versions', () => {
  test('are ordered by epoch, then by counter', () => {
    const versions = [
      { epoch: 2, counter: 0 },
      { epoch: 1, counter: 9 },
      { epoch: 1, counter: 10 },
    ];

    expect(versions.toSorted(compareVersions).map(formatVersion)).toEqual(['1.9', '1.10', '2.0']);
  });

  test('are read from what is shown', () => {
    expect(parseVersion('57.1204')).toEqual({ epoch: 57, counter: 1204 });
    for (const wrong of ['57', '57.', '4294967296.0', '1.4294967296', '1.2.3', '-1.0', 57.1204])
      expect(parseVersion(wrong)).toBeUndefined();
  });

  test('of the table are ordered by term, then by epoch', () => {
    expect(compareTableEpochs({ term: 1, epoch: 9 }, { term: 2, epoch: 0 })).toBeLessThan(0);
    expect(compareTableEpochs({ term: 2, epoch: 9 }, { term: 2, epoch: 8 })).toBeGreaterThan(0);
  });
});

describe('an error', () => {
  test('comes home with code, sentence and detail', () => {
    const error = new MeshError('owner-away', 'Ben is away.', { detail: { member: 'ben' } });
    const home = MeshError.fromWire(error.toWire());

    expect(home).toMatchObject({
      code: 'owner-away',
      message: 'Ben is away.',
      detail: { member: 'ben' },
      retryable: true,
    });
  });

  test('is cut to what a frame may carry', () => {
    expect(new MeshError('udf-threw', 'x'.repeat(100_000)).toWire().message).toHaveLength(limits.errorChars);
  });

  test('of another kind becomes internal, with its cause', () => {
    const thrown = new TypeError('x is not a function');

    expect(toMeshError(thrown)).toMatchObject({ code: 'internal', message: 'x is not a function', cause: thrown });
    expect(toMeshError('text')).toMatchObject({ code: 'internal', message: 'text' });
    expect(isMeshError(toMeshError(thrown))).toBe(true);
    expect(isMeshError(Object.assign(new Error('no'), { name: 'MeshError', code: 'made-up' }))).toBe(false);
  });
});
