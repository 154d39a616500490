import { expect, test } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatRoundTrip,
  formatShare,
  plural,
  prettyJson,
} from '../../../web/src/model/format.ts';

test('sizes, times and shares are short', () => {
  expect([0, 999, 1_000, 9_863_892, 5e9].map(formatBytes)).toEqual(['0 B', '999 B', '1.0 KB', '9.9 MB', '5.0 GB']);
  expect([0.2, 12, 1_234, 61_000].map(formatDuration)).toEqual(['< 1 ms', '12 ms', '1.23 s', '1 min 1 s']);
  expect([0.84, 14.2].map(formatRoundTrip)).toEqual(['0.8 ms', '14 ms']);
  expect([formatShare(1_365, 4_096), formatShare(1, 4_096), formatShare(0, 0)]).toEqual(['33 %', '0.0 %', '0 %']);
  expect([plural(1, 'row'), plural(2_000, 'row')]).toEqual(['1 row', '2,000 rows']);
});

test('a value is shown though JSON has no form for it', () => {
  const value: Record<string, unknown> = { big: 10n, none: Number.NaN, map: new Map([['a', 1]]), set: new Set([2]) };
  value['self'] = value;

  expect(JSON.parse(prettyJson(value))).toEqual({
    big: '10n',
    none: 'NaN',
    map: { a: 1 },
    set: [2],
    self: '(seen above)',
  });
});
