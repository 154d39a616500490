// Rows of a chunk as fresh plain objects.

import type { Row } from './column.ts';
import type { ValueReader } from './column-reader.ts';

/** Makes row `index`. A copy of a template has its shape from the start: several times faster than adding names one by one. */
export function createRowMaker(names: readonly string[], readers: readonly ValueReader[]): (index: number) => Row {
  const template: Row = {};
  // A column may be called `__proto__`: defined, not assigned.
  for (const name of names) Object.defineProperty(template, name, { value: null, enumerable: true, configurable: true, writable: true });
  const count = names.length;
  return (index) => {
    const row: Row = { ...template };
    for (let column = 0; column < count; column += 1) row[names[column] as string] = (readers[column] as ValueReader)(index);
    return row;
  };
}
