// CSV by PapaParse's parser, fed piece by piece. It is the parser below `Papa.parse`, which can be told
// that the last row may go on; `Papa.parse` itself streams only what it fetches on its own.

import { MeshError } from '@shoal/shared';
import Papa from 'papaparse';
import { countNewlines, createBrokenCounter, type RowParser, type SourceRow, utf8Length } from './row-parser.ts';

/** A row that is longer has a quote that is never closed: less than of JSON, since it is scanned again with each piece. */
const CSV_ROW_CHARS = 4 * 1024 * 1024;
/** After so many quotes that are never closed the file is something else than CSV. */
const UNCLOSED_QUOTES_MAX = 100;

/** What PapaParse 5.7.1 has and its types leave out. */
interface PapaStep {
  readonly data: readonly (readonly string[])[];
  readonly errors: readonly { readonly code: string }[];
  /** Where the next row begins. */
  readonly meta: { readonly cursor: number };
}
interface PapaParser {
  parse(text: string, baseIndex: number, ignoreLastRow: boolean): void;
}
const { Parser } = Papa as unknown as {
  Parser: new (config: { delimiter: string; newline: string; step?: (result: PapaStep) => void }) => PapaParser;
};

export interface CsvOptions {
  readonly delimiter: string;
  /** Cells of a row; by default as many as the first row has, which is given out like the others. */
  readonly width?: number;
  /** The file's rows end with CR alone. */
  readonly onlyCr?: boolean;
}

/** The first row is the header. Short rows are filled up with missing values; rows with more cells are broken, unless the cells too many are empty. Blank lines are no rows. */
export function createCsvParser(options: CsvOptions): RowParser {
  const { delimiter } = options;
  const broken = createBrokenCounter();
  let width = options.width ?? 0;
  let rest = '';
  let line = 1;
  let unclosed = 0;

  /** Takes whole rows off the front of `text`; true if it ended in an open quote. */
  function take(text: string, isEnd: boolean, rows: SourceRow[]): boolean {
    let from = 0;
    let quoteOpen = false;
    const finish = (cells: readonly string[], to: number): void => {
      const raw = text.slice(from, to);
      from = to;
      addRow(cells, raw, rows);
      line += raw.includes('"') ? countNewlines(raw) : 1;
    };
    const step = ({ data, errors, meta }: PapaStep): void => {
      if (errors.some(({ code }) => code === 'MissingQuotes')) quoteOpen = true;
      else finish(data[0] ?? [], isEnd ? Math.max(from, meta.cursor) : meta.cursor);
    };
    new Parser({ delimiter, newline: '\n', step }).parse(text, 0, !isEnd);
    rest = text.slice(from);
    return quoteOpen;
  }

  function addRow(cells: readonly string[], raw: string, rows: SourceRow[]): void {
    if (cells.length <= 1 && (cells[0] ?? '').trim().length === 0 && !raw.includes('"')) return;
    if (width === 0) width = cells.length;
    if (cells.length > width && cells.slice(width).some((cell) => cell.length > 0)) broken.add(line);
    else rows.push({ value: cells, line, sizeBytes: utf8Length(raw) });
  }

  /** A quote that nobody closes: its line is broken, what follows is read. */
  function skipLine(): void {
    unclosed += 1;
    if (unclosed > UNCLOSED_QUOTES_MAX) {
      throw new MeshError(
        'bad-file',
        `More than ${UNCLOSED_QUOTES_MAX} quotes are not closed, the last in line ${line}: this is not CSV with "${delimiter}".`,
      );
    }
    broken.add(line);
    const end = rest.indexOf('\n');
    rest = end < 0 ? '' : rest.slice(end + 1);
    line += 1;
  }

  function normalise(text: string): string {
    if (options.onlyCr === true) return text.replaceAll('\r', '\n');
    return text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  }

  return {
    push(text) {
      const rows: SourceRow[] = [];
      let whole = normalise(rest + text);
      // A CR at the end may be half of a CRLF.
      const heldCr = whole.endsWith('\r') ? '\r' : '';
      if (heldCr.length > 0) whole = whole.slice(0, -1);
      take(whole, false, rows);
      while (rest.length > CSV_ROW_CHARS) {
        skipLine();
        take(rest, false, rows);
      }
      rest += heldCr;
      return rows;
    },
    end() {
      const rows: SourceRow[] = [];
      if (rest.endsWith('\r')) rest = rest.slice(0, -1);
      while (rest.length > 0 && take(rest, true, rows)) skipLine();
      return rows;
    },
    broken,
  };
}

const DELIMITERS = [',', '\t', ';', '|'];

/** By the first rows: the one that cuts them into the same number of cells, and into most. */
export function detectDelimiter(text: string): string {
  const { meta } = Papa.parse<readonly string[]>(text, { delimitersToGuess: [...DELIMITERS], preview: 50 });
  return DELIMITERS.includes(meta.delimiter) ? meta.delimiter : ',';
}
