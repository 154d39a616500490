import { expect, test } from 'vitest';
import { contentHeight, ROW_HEIGHT, windowAt } from '../../../web/src/widgets/table-window.ts';

const VIEW = 400;

test.each([1, 10, 200_000, 3_000_000, 100_000_000])('the last of %i rows is drawn at the very end', (rowCount) => {
  const end = windowAt(rowCount, contentHeight(rowCount) - VIEW, VIEW);

  expect(end.last).toBe(rowCount - 1);
  const lastRowEnds = end.top + (end.last - end.first + 1) * ROW_HEIGHT;
  expect(lastRowEnds).toBeCloseTo(Math.max(contentHeight(rowCount), Math.min(rowCount * ROW_HEIGHT, VIEW)), 3);
});

test.each([1, 10, 200_000, 100_000_000])('the first of %i rows is drawn at the beginning', (rowCount) => {
  expect(windowAt(rowCount, 0, VIEW)).toMatchObject({ first: 0, top: 0 });
});

test('a table is never taller than browsers can make it', () => {
  expect(contentHeight(1_000_000_000)).toBeLessThan(17_000_000);
});

test('every row of a table comes by as one scrolls', () => {
  const rowCount = 400_000;
  let next = 0;
  for (let top = 0; top <= contentHeight(rowCount); top += 200) {
    const { first, last } = windowAt(rowCount, top, VIEW);
    expect(first).toBeLessThanOrEqual(next);
    next = last + 1;
  }
  expect(next).toBe(rowCount);
});

test('an empty table has no rows to draw', () => {
  expect(windowAt(0, 0, VIEW)).toEqual({ first: 0, last: -1, top: 0 });
});
