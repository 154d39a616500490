import { expect, test } from 'vitest';
import { requireKey, slotOfKey } from '@shoal/shared';

test('places keys of one tag in one slot', () => {
  expect(slotOfKey(requireKey('a{user}b'), 4096)).toBe(slotOfKey(requireKey('user'), 4096));
});
