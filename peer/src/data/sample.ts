// Column names and types from samples: the file's start, and where it can be read out of order also its
// middle and end. A file that fits into the samples is looked at whole.

import type { LoadSource } from '../api.ts';
import type { Column } from './column.ts';
import { createTypeInference, type TypeInference } from './infer-types.ts';
import type { SourceRow } from './readers/row-parser.ts';
import {
  asObject,
  columnNames,
  createRowParser,
  type FileLayout,
  LINE_COLUMN,
  type RowShape,
  typeOfValue,
} from './table-source.ts';

/** Bytes of the start that are looked at, and of the middle and the end. */
export const HEAD_BYTES = 256 * 1024;
const PART_BYTES = 128 * 1024;

export interface Sampled {
  readonly shape: RowShape;
  readonly columns: readonly Column[];
}

export interface SampleOptions {
  readonly textColumns: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
}

/** `head` is the text of the first `HEAD_BYTES`; `isWhole` if there is no more. */
export async function sampleColumns(
  source: LoadSource,
  layout: FileLayout,
  head: { readonly text: string; readonly isWhole: boolean },
  options: SampleOptions,
): Promise<Sampled> {
  if (layout.format === 'text') return { shape: { kind: 'lines' }, columns: [{ name: LINE_COLUMN, type: 'string' }] };
  const inference = createTypeInference();
  const parser = await createRowParser(layout);
  const rows = [...parser.push(head.text)];
  // The last row of a head is cut off unless the file ends there; a file that ends wrongly is said so by the reading.
  if (head.isWhole && layout.format !== 'json-array') rows.push(...parser.end());
  const shape = shapeOf(layout, rows);
  learn(inference, shape, shape.kind === 'cells' ? rows.slice(1) : rows);
  if (!head.isWhole && source.slice !== undefined) {
    const size = source.sizeBytes;
    // Found in the middle of JSON may be a part of a row: a row has names that other rows have.
    const isAlike = (value: unknown): boolean => {
      const names = Object.keys(asObject(value));
      return names.filter((name) => inference.has(name)).length * 2 >= names.length;
    };
    const middle = Math.max(HEAD_BYTES, Math.floor(size / 2));
    for (const from of [middle, Math.max(middle + PART_BYTES, size - PART_BYTES)]) {
      if (from >= size) continue;
      const bytes = await source.slice(
        from,
        Math.min(size, from + PART_BYTES),
        options.signal === undefined ? {} : { signal: options.signal },
      );
      learn(inference, shape, await samplePart(layout, shape, { text: new TextDecoder().decode(bytes), isAlike }));
    }
  }
  return { shape, columns: inference.columns(options.textColumns) };
}

function shapeOf(layout: FileLayout, rows: readonly SourceRow[]): RowShape {
  if (layout.format !== 'csv') return { kind: 'objects' };
  return { kind: 'cells', names: columnNames(cellsOf(rows[0])) };
}

function learn(inference: TypeInference, shape: RowShape, rows: readonly SourceRow[]): void {
  if (shape.kind === 'cells') {
    // A header alone has columns too.
    for (const name of shape.names) inference.add(name, undefined);
    for (const row of rows) {
      const cells = cellsOf(row);
      shape.names.forEach((name, index) => inference.add(name, typeOfValue(shape, cells[index])));
    }
    return;
  }
  for (const { value } of rows) {
    for (const [name, part] of Object.entries(asObject(value))) inference.add(name, typeOfValue(shape, part));
  }
}

/** Rows of a part that begins anywhere: from where a row seems to begin, and only if they look like the table's. */
async function samplePart(
  layout: FileLayout,
  shape: RowShape,
  { text, isAlike }: { readonly text: string; readonly isAlike: (value: unknown) => boolean },
): Promise<readonly SourceRow[]> {
  const start = rowStart(layout, text);
  if (start === undefined) return [];
  const width = shape.kind === 'cells' ? shape.names.length : 0;
  const parser = await createRowParser(layout, { width });
  try {
    const rows = parser.push(text.slice(start));
    if (shape.kind !== 'cells') return rows.filter(({ value }) => isAlike(value));
    // Within a quoted cell everything is shifted: then most rows have another width.
    const whole = rows.filter((row) => cellsOf(row).length === width);
    return whole.length * 10 >= (rows.length + parser.broken.count) * 9 ? whole : [];
  } catch {
    // It began in the middle of something. A sample less; the reading itself will tell what is wrong.
    return [];
  }
}

function rowStart(layout: FileLayout, text: string): number | undefined {
  if (layout.format === 'json-array') {
    const match = /[}\]]\s*,(?=\s*[{[])/.exec(text);
    return match === null ? undefined : match.index + match[0].length;
  }
  const end = text.search(layout.onlyCr ? /\r/ : /\n/);
  return end < 0 ? undefined : end + 1;
}

function cellsOf(row: SourceRow | undefined): readonly string[] {
  return Array.isArray(row?.value) ? (row.value as readonly string[]) : [];
}
