// The rows of a result, which lie on the members: fetched by pages as they are looked at, all of them
// to be sorted, and in order to be downloaded.

import type { ResultTable } from '@shoal/peer';
import { type ReadonlySignal, signal } from '@preact/signals';
import { formatCell } from './format.ts';
import type { PlainRow } from './datasets.ts';

/** What a table on the screen reads. */
export interface RowSource {
  readonly rowCount: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Grows when rows have come or their order has changed. */
  readonly version: ReadonlySignal<number>;
  row(index: number): PlainRow | undefined;
  /** These rows are on the screen: fetches what is missing. */
  want(first: number, last: number): void;
}

export type SortState =
  | { readonly kind: 'none' }
  | { readonly kind: 'fetching'; readonly column: string; readonly done: number }
  | { readonly kind: 'sorted'; readonly column: string; readonly descending: boolean }
  | { readonly kind: 'failed'; readonly message: string };

export type DownloadFormat = 'csv' | 'ndjson';

export interface ResultRows extends RowSource {
  readonly sort: ReadonlySignal<SortState>;
  /** Ascending, then descending, then as computed. */
  sortBy(column: string): Promise<void>;
  /** The whole table as text, part by part, in the computed order. */
  download(format: DownloadFormat, signal: AbortSignal): AsyncIterable<string>;
  close(): Promise<void>;
}

const PAGE_ROWS = 256;
const PAGES_KEPT = 64;
const FETCH_ROWS = 8_192;
/** All rows are held while sorted: more would not fit a tab. */
const SORTABLE_ROWS = 2_000_000;

export function createResultRows(table: ResultTable): ResultRows {
  const version = signal(0);
  const sort = signal<SortState>({ kind: 'none' });
  const closed = new AbortController();
  const pages = new Map<number, readonly PlainRow[] | 'coming'>();
  let all: readonly PlainRow[] | undefined;
  let order: Uint32Array | undefined;

  const fetchPage = async (page: number): Promise<void> => {
    pages.set(page, 'coming');
    try {
      pages.set(page, await table.rows(page * PAGE_ROWS, PAGE_ROWS, { signal: closed.signal }));
      evict(pages, page);
      version.value += 1;
    } catch (error) {
      pages.delete(page);
      if (!closed.signal.aborted) sort.value = { kind: 'failed', message: messageOf(error) };
    }
  };

  const fetchAll = async (column: string): Promise<readonly PlainRow[]> => {
    const rows: PlainRow[] = [];
    while (rows.length < table.rowCount) {
      sort.value = { kind: 'fetching', column, done: rows.length };
      const part = await table.rows(rows.length, FETCH_ROWS, { signal: closed.signal });
      if (part.length === 0) break;
      for (const row of part) rows.push(row);
    }
    return rows;
  };

  return {
    rowCount: table.rowCount,
    columns: table.columns,
    version,
    sort,
    row: (index) => {
      if (all !== undefined && order !== undefined) return all[order[index] ?? -1];
      const page = pages.get(Math.floor(index / PAGE_ROWS));
      return typeof page === 'object' ? page[index % PAGE_ROWS] : undefined;
    },
    want: (first, last) => {
      if (order !== undefined || closed.signal.aborted) return;
      for (let page = Math.floor(first / PAGE_ROWS); page <= Math.floor(last / PAGE_ROWS); page += 1) {
        if (!pages.has(page)) void fetchPage(page);
      }
    },
    sortBy: async (column) => {
      const now = sort.peek();
      if (now.kind === 'fetching') return;
      if (now.kind === 'sorted' && now.column === column && now.descending) {
        order = undefined;
        sort.value = { kind: 'none' };
        version.value += 1;
        return;
      }
      if (table.rowCount > SORTABLE_ROWS) {
        sort.value = {
          kind: 'failed',
          message: `Tables of more than ${SORTABLE_ROWS} rows are not sorted here: download this one.`,
        };
        return;
      }
      const descending = now.kind === 'sorted' && now.column === column;
      try {
        all ??= await fetchAll(column);
        order = sortedOrder(all, column, descending);
        sort.value = { kind: 'sorted', column, descending };
        version.value += 1;
      } catch (error) {
        sort.value = closed.signal.aborted ? { kind: 'none' } : { kind: 'failed', message: messageOf(error) };
      }
    },
    download: (format, signalled) => writeTable(table, format, signalled),
    close: async () => {
      closed.abort();
      await table.close();
    },
  };
}

/** Rows that are all here already. */
export function rowsAtHand(columns: RowSource['columns'], rows: readonly PlainRow[]): RowSource {
  return { rowCount: rows.length, columns, version: signal(0), row: (index) => rows[index], want: () => undefined };
}

function evict(pages: Map<number, readonly PlainRow[] | 'coming'>, newest: number): void {
  pages.set(newest, pages.get(newest) ?? []);
  for (const page of pages.keys()) {
    if (pages.size <= PAGES_KEPT) return;
    if (page !== newest) pages.delete(page);
  }
}

/** Missing values last, whichever way. Equal values keep their order. */
function sortedOrder(rows: readonly PlainRow[], column: string, descending: boolean): Uint32Array {
  const order = Uint32Array.from(rows, (_row, i) => i);
  const sign = descending ? -1 : 1;
  return order.sort((i, j) => {
    const a = rows[i]?.[column] ?? null;
    const b = rows[j]?.[column] ?? null;
    if (a === null || b === null) return a === b ? i - j : a === null ? 1 : -1;
    return sign * compare(a, b) || i - j;
  });
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const left = formatCell(a);
  const right = formatCell(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

async function* writeTable(table: ResultTable, format: DownloadFormat, signalled: AbortSignal): AsyncIterable<string> {
  const names = table.columns.map(({ name }) => name);
  if (format === 'csv') yield `${names.map(csvCell).join(',')}\r\n`;
  for (let first = 0; first < table.rowCount; first += FETCH_ROWS) {
    const rows = await table.rows(first, FETCH_ROWS, { signal: signalled });
    const lines = rows.map((row) =>
      format === 'csv'
        ? `${names.map((name) => csvCell(formatCell(row[name]))).join(',')}\r\n`
        : `${JSON.stringify(row)}\n`,
    );
    yield lines.join('');
  }
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
