// A file as a table, before its types are known: which parser reads it, what its columns are called, and
// how a row's values are found by column.

import type { FileFormat } from '../api.ts';
import { type Fitter, jsonFitter, textFitter, typeOfJson, typeOfText } from './cell-values.ts';
import type { ColumnType } from './column.ts';
import { createJsonArrayParser } from './readers/json-array.ts';
import { createNdjsonParser } from './readers/ndjson.ts';
import type { RowParser } from './readers/row-parser.ts';
import { createTextLinesParser } from './readers/text-lines.ts';

/** How rows lie in what a parser gives. */
export type RowShape =
  /** By position; the names are the header's. */
  | { readonly kind: 'cells'; readonly names: readonly string[] }
  /** By name; what is no object has one column, `value`. */
  | { readonly kind: 'objects' }
  /** One column, `line`. */
  | { readonly kind: 'lines' };

const VALUE_COLUMN = 'value';
export const LINE_COLUMN = 'line';

export interface FileLayout {
  readonly format: FileFormat;
  /** Of CSV. */
  readonly delimiter: string;
  readonly onlyCr: boolean;
}

/** Lays out CSV; the others need no look at their text. */
export async function layOut(format: FileFormat, name: string, head: string): Promise<FileLayout> {
  if (format !== 'csv') return { format, delimiter: '', onlyCr: false };
  const { detectDelimiter } = await import('./readers/csv.ts');
  const onlyCr = head.includes('\r') && !head.includes('\n');
  const delimiter = /\.(tsv|tab)$/i.test(name) ? '\t' : detectDelimiter(onlyCr ? head.replaceAll('\r', '\n') : head);
  return { format, delimiter, onlyCr };
}

/** `midway`: for a sample that begins between two rows, which have `width` cells. */
export async function createRowParser(layout: FileLayout, midway?: { readonly width: number }): Promise<RowParser> {
  switch (layout.format) {
    case 'csv': {
      const { createCsvParser } = await import('./readers/csv.ts');
      return createCsvParser({ ...layout, ...midway });
    }
    case 'ndjson':
      return createNdjsonParser();
    case 'json-array':
      return createJsonArrayParser({ startInside: midway !== undefined });
    case 'text':
      return createTextLinesParser();
  }
}

/** The names of a header, each made one that no other column has. */
export function columnNames(header: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return header.map((cell, index) => {
    const base = cell.trim().length === 0 ? `column_${index + 1}` : cell.trim();
    let name = base;
    for (let suffix = 2; taken.has(name); suffix += 1) name = `${base}_${suffix}`;
    taken.add(name);
    return name;
  });
}

/** The row as an object: itself, or `{ value }` for a scalar or list. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : { [VALUE_COLUMN]: value };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function typeOfValue(shape: RowShape, value: unknown): ColumnType | undefined {
  if (shape.kind === 'objects') return typeOfJson(value);
  return typeof value === 'string' ? typeOfText(value) : undefined;
}

export function fitterOf(shape: RowShape, type: ColumnType): Fitter {
  // An empty line is a line; an empty cell is missing.
  if (shape.kind === 'lines') return (value) => (typeof value === 'string' ? value : null);
  return shape.kind === 'cells' ? textFitter(type) : jsonFitter(type);
}
