// Rows of a file to columns of the chunk under construction, with the count of what was missing, did not
// fit or was in no column.

import type { DatasetInfo } from '../api.ts';
import type { Fitter } from './cell-values.ts';
import { type ColumnBuffers, type ColumnBuilder, createColumnBuilder } from './column-builder.ts';
import type { Column } from './column.ts';
import type { SourceRow } from './readers/row-parser.ts';
import type { Sampled } from './sample.ts';
import { asObject, fitterOf, type RowShape } from './table-source.ts';

export interface TableBuilder {
  add(row: SourceRow): void;
  /** Columns of the rows added since the last time. */
  takeChunk(): readonly ColumnBuffers[];
  counts(): Pick<DatasetInfo, 'columns' | 'unknownNames'>;
}

interface CountedColumn {
  readonly column: Column;
  readonly builder: ColumnBuilder;
  readonly fit: Fitter;
  missing: number;
  unfit: number;
  firstUnfitLine: number | undefined;
}

interface UnknownNames {
  count: number;
  readonly firstName: string;
  readonly firstLine: number;
}

export function createTableBuilder({ shape, columns }: Sampled): TableBuilder {
  const counted: readonly CountedColumn[] = columns.map((column) => ({
    column,
    builder: createColumnBuilder(column.type),
    fit: fitterOf(shape, column.type),
    missing: 0,
    unfit: 0,
    firstUnfitLine: undefined,
  }));
  const adder = createRowAdder(shape, counted);
  return {
    add: adder.add,
    takeChunk: () => counted.map(({ builder }) => builder.take()),
    counts: () => ({
      columns: counted.map(({ column, missing, unfit, firstUnfitLine }) => ({
        ...column,
        missing,
        unfit,
        ...(firstUnfitLine === undefined ? {} : { firstUnfitLine }),
      })),
      ...(adder.unknown() === undefined ? {} : { unknownNames: adder.unknown() as UnknownNames }),
    }),
  };
}

function addCell(column: CountedColumn, value: unknown, line: number): void {
  const fit = column.fit(value);
  if (fit === null) column.missing += 1;
  else if (fit === undefined) {
    column.missing += 1;
    column.unfit += 1;
    column.firstUnfitLine ??= line;
  }
  column.builder.add(fit ?? null);
}

function createRowAdder(
  shape: RowShape,
  columns: readonly CountedColumn[],
): { add(row: SourceRow): void; unknown(): UnknownNames | undefined } {
  if (shape.kind === 'objects') return createObjectAdder(columns);
  const unknown = (): undefined => undefined;
  if (shape.kind === 'lines') {
    return {
      add: ({ value, line }) => {
        for (const column of columns) addCell(column, value, line);
      },
      unknown,
    };
  }
  return {
    add: ({ value, line }) => {
      const cells = value as readonly string[];
      columns.forEach((column, index) => addCell(column, cells[index], line));
    },
    unknown,
  };
}

function createObjectAdder(columns: readonly CountedColumn[]): {
  add(row: SourceRow): void;
  unknown(): UnknownNames | undefined;
} {
  const known = new Set(columns.map(({ column }) => column.name));
  let unknown: UnknownNames | undefined;
  return {
    add({ value, line }) {
      const row = asObject(value);
      let found = 0;
      for (const column of columns) {
        const { name } = column.column;
        const isThere = Object.hasOwn(row, name);
        if (isThere) found += 1;
        addCell(column, isThere ? row[name] : null, line);
      }
      const names = Object.keys(row);
      if (names.length === found) return;
      for (const name of names) {
        if (known.has(name)) continue;
        unknown ??= { count: 0, firstName: name, firstLine: line };
        unknown.count += 1;
      }
    },
    unknown: () => unknown,
  };
}
