// Rows of a chunk as fresh plain objects. This is the inner loop of every job, and the content security
// policy forbids to write code for each table, which would be fastest. So: a copy of a template, which has its
// shape from the start, and one line of code for each of the first columns, which the engine then learns
// apart (twice as fast for three columns as a loop over their names).

import type { Row } from './column.ts';
import type { ValueReader } from './column-reader.ts';

const UNROLLED = 8;
const none: ValueReader = () => null;

/** Makes row `index`. */
export function createRowMaker(names: readonly string[], readers: readonly ValueReader[]): (index: number) => Row {
  const template: Row = {};
  // A column may be called `__proto__`: defined, not assigned.
  for (const name of names)
    Object.defineProperty(template, name, { value: null, enumerable: true, configurable: true, writable: true });
  const fill = createFirstColumns(names, readers);
  const count = names.length;
  if (count <= UNROLLED) return (index) => fill({ ...template }, index);
  return (index) => {
    const row = fill({ ...template }, index);
    for (let column = UNROLLED; column < count; column += 1)
      row[names[column] ?? ''] = (readers[column] ?? none)(index);
    return row;
  };
}

function createFirstColumns(
  names: readonly string[],
  readers: readonly ValueReader[],
): (row: Row, index: number) => Row {
  const count = names.length;
  const [n0 = '', n1 = '', n2 = '', n3 = '', n4 = '', n5 = '', n6 = '', n7 = ''] = names;
  const [r0 = none, r1 = none, r2 = none, r3 = none, r4 = none, r5 = none, r6 = none, r7 = none] = readers;
  return (row, index) => {
    if (count === 0) return row;
    row[n0] = r0(index);
    if (count === 1) return row;
    row[n1] = r1(index);
    if (count === 2) return row;
    row[n2] = r2(index);
    if (count === 3) return row;
    row[n3] = r3(index);
    if (count === 4) return row;
    row[n4] = r4(index);
    if (count === 5) return row;
    row[n5] = r5(index);
    if (count === 6) return row;
    row[n6] = r6(index);
    if (count === 7) return row;
    row[n7] = r7(index);
    return row;
  };
}
