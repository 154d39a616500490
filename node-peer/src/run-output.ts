// A job's result as a file, as one JSON value, or for a person: all rows as NDJSON into a pipe, the
// first ones as a table on a terminal. Rows are fetched page by page, never all at once.

import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { extname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { JobResult, ResultTable } from '@shoal/peer';
import { isMeshError, MeshError, throwIfAborted } from '@shoal/shared';
import { toCell, toCsvField, toJsonText } from './cell-text.ts';
import { badArgument } from './config.ts';
import { complain, print, printable, printLine } from './output.ts';
import { formatTable } from './text-table.ts';

const ROWS_ON_TERMINAL = 20;
const CELL_CHARS = 40;
const ROWS_AT_ONCE = 4_096;

type Sink = (text: string) => Promise<void>;
type RowFormat = 'csv' | 'ndjson' | 'json';

const FORMATS: Readonly<Record<string, RowFormat>> = {
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.json': 'json',
};

/** Gives the file's name back, or throws `bad-argument` if its extension says no format. */
export function checkOutFile(file: string): string {
  formatOf(file);
  return file;
}

export async function writeResult(
  result: JobResult,
  flags: { readonly out?: string; readonly json?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { output } = result;
  if (flags.out !== undefined)
    await writeFile(flags.out, (sink) => writeOutput(output, formatOf(flags.out ?? ''), sink, signal));
  if (flags.json === true) await printResult(result, flags.out === undefined, signal);
  else if (flags.out !== undefined) return;
  else if (output.kind === 'value')
    await printLine(
      process.stdout.isTTY ? JSON.stringify(JSON.parse(toJsonText(output.value)), null, 2) : toJsonText(output.value),
    );
  else if (process.stdout.isTTY) await printFirstRows(output.table, signal);
  else await writeRows(output.table, 'ndjson', print, signal);
}

async function printResult(result: JobResult, withRows: boolean, signal: AbortSignal): Promise<void> {
  const { jobId, output, tookMs, tasks, failedRows, failures, logs, droppedLogLines } = result;
  await print('{"output":');
  if (output.kind === 'value') {
    await print(toJsonText({ kind: 'value', value: output.value }));
  } else {
    const { rowCount, columns } = output.table;
    await print(`{"kind":"table","rowCount":${rowCount},"columns":${toJsonText(columns)}`);
    if (withRows) {
      await print(',"rows":');
      await writeRows(output.table, 'json', print, signal);
    }
    await print('}');
  }
  const rest = toJsonText({ jobId, tookMs, tasks, failedRows, failures, logs, droppedLogLines });
  await printLine(`,${rest.slice(1)}`);
}

async function printFirstRows(table: ResultTable, signal: AbortSignal): Promise<void> {
  const names = table.columns.map((column) => column.name);
  const rows = await table.rows(0, ROWS_ON_TERMINAL, { signal });
  const cells = rows.map((row) => names.map((name) => shorten(printable(toCell(row[name])))));
  await printLine(formatTable(names.map(printable), cells));
  const more = table.rowCount - rows.length;
  if (more > 0) complain(`and ${more} more rows: --out FILE writes all of them.`);
}

async function writeOutput(
  output: JobResult['output'],
  format: RowFormat,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  if (output.kind === 'table') await writeRows(output.table, format, sink, signal);
  else await sink(`${format === 'csv' ? toCsvField(output.value) : toJsonText(output.value)}\n`);
}

async function writeRows(table: ResultTable, format: RowFormat, sink: Sink, signal: AbortSignal): Promise<void> {
  const names = table.columns.map((column) => column.name);
  if (format === 'csv') await sink(`${names.map(toCsvField).join(',')}\n`);
  if (format === 'json') await sink('[');
  for (let first = 0; first < table.rowCount; first += ROWS_AT_ONCE) {
    throwIfAborted(signal);
    const rows = await table.rows(first, ROWS_AT_ONCE, { signal });
    const lines = rows.map((row) =>
      format === 'csv' ? names.map((name) => toCsvField(row[name])).join(',') : toJsonText(row),
    );
    const text = lines.join(format === 'json' ? ',\n' : '\n');
    await sink(format === 'json' ? (first === 0 ? text : `,\n${text}`) : `${text}\n`);
  }
  if (format === 'json') await sink(']');
}

/** Under another name until it is whole: a cancelled run leaves no half of a file. */
async function writeFile(file: string, write: (sink: Sink) => Promise<void>): Promise<void> {
  const unfinished = `${file}.unfinished`;
  const stream = createWriteStream(unfinished);
  const done = finished(stream);
  // Reported by the await below, or by the write that it broke.
  done.catch(() => undefined);
  try {
    await write(async (text) => {
      if (!stream.write(text)) await once(stream, 'drain');
    });
    stream.end();
    await done;
    await rename(unfinished, file);
  } catch (error) {
    stream.destroy();
    await rm(unfinished, { force: true });
    if (isMeshError(error)) throw error;
    throw new MeshError('bad-file', `Can't write ${file}: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function formatOf(file: string): RowFormat {
  const format = FORMATS[extname(file).toLowerCase()];
  if (format !== undefined) return format;
  throw badArgument(`--out takes a name that ends in ${Object.keys(FORMATS).join(', ')}: "${file}" says no format.`);
}

function shorten(text: string): string {
  return text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS - 1)}…` : text;
}
