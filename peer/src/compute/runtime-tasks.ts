// Running a UDF inside a worker: over the rows of a chunk, over the states of an aggregate, once with
// arguments, or dry on a few rows.

import { limits, MeshError } from '@shoal/shared';
import type { Chunk, ChunkCodec } from '../data/chunk.ts';
import type { Row } from '../data/column.ts';
import { decodeCloneable } from './cloneable-reader.ts';
import { encodeCloneable } from './cloneable-writer.ts';
import { createRowGuard } from './row-guard.ts';
import type { UdfContext } from './runtime-context.ts';
import { failureOf, type LoadedUdf, type UserFunction } from './runtime-module.ts';
import {
  FAILURES_KEPT,
  type ChunkCall,
  type ChunkDone,
  type ChunkResult,
  type DryCall,
  type DryDone,
  type JoinCall,
  type RuntimeFailure,
} from './runtime-protocol.ts';

/** A row that threw, on its way out: `runtime` makes the failure of it. */
export class RowError extends Error {
  override readonly name = 'RowError';
  readonly failure: RuntimeFailure;
  constructor(failure: RuntimeFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

interface Rows {
  readonly count: number;
  readonly columns: readonly string[];
  row(index: number): Row;
  readonly firstRow: number;
}

interface Run {
  readonly udf: LoadedUdf;
  readonly ctx: UdfContext;
  readonly params: unknown;
  readonly skipErrors: boolean;
}

interface Failures {
  count: number;
  readonly kept: RuntimeFailure[];
}

export async function runChunk(
  udf: LoadedUdf,
  ctx: UdfContext,
  call: ChunkCall,
  codec: ChunkCodec,
): Promise<ChunkDone> {
  const chunk = codec.decode(call.bytes);
  const rows: Rows = {
    count: chunk.rowCount,
    columns: chunk.columns.map(({ name }) => name),
    row: (index) => chunk.row(index),
    firstRow: call.firstRow,
  };
  const failures: Failures = { count: 0, kept: [] };
  const run: Run = { udf, ctx, params: call.params, skipErrors: call.skipErrors };
  const done = (rowsOut: number, result: ChunkResult): ChunkDone => ({
    form: udf.form,
    rowsIn: chunk.rowCount,
    rowsOut,
    failedRows: failures.count,
    failures: failures.kept,
    result,
  });
  if (udf.form === 'aggregate') {
    const state = await visitRows(run, rows, failures);
    return done(0, { kind: 'state', bytes: encodeResult(state, 'the state') });
  }
  const out = await selectRows(run, rows, failures);
  return done(out.length, encodeRows(udf, chunk, out, codec));
}

export async function dryRun(udf: LoadedUdf, ctx: UdfContext, call: DryCall): Promise<DryDone> {
  const columns = [...new Set(call.rows.flatMap((row) => Object.keys(row)))];
  const rows: Rows = { count: call.rows.length, columns, row: (index) => ({ ...call.rows[index] }), firstRow: 0 };
  const run: Run = { udf, ctx, params: call.params, skipErrors: false };
  const failures: Failures = { count: 0, kept: [] };
  if (udf.form !== 'aggregate') {
    return { form: udf.form, output: encodeResult(await selectRows(run, rows, failures), 'the result') };
  }
  // In two parts, so that the join is tried too.
  const half = Math.ceil(rows.count / 2);
  const rest: Rows = { ...rows, count: rows.count - half, row: (index) => rows.row(index + half), firstRow: half };
  const states = [await visitRows(run, { ...rows, count: half }, failures), await visitRows(run, rest, failures)];
  const bytes = states.map((state) => encodeResult(state, 'the state'));
  return { form: udf.form, output: await joinStates(udf, ctx, { ...call, states: bytes, finish: true }) };
}

/** `encoded`: an array. */
export async function callOnce(udf: LoadedUdf, ctx: UdfContext, encoded: Uint8Array): Promise<Uint8Array> {
  const only = udf.part('default');
  if (only === undefined)
    throw new MeshError('bad-udf', 'To be called, a function file exports a plain function by default.');
  const args = decodeCloneable(encoded);
  return encodeResult(await only(...(Array.isArray(args) ? (args as readonly unknown[]) : []), ctx), 'the result');
}

export async function joinStates(udf: LoadedUdf, ctx: UdfContext, call: JoinCall): Promise<Uint8Array> {
  const join = requirePart(udf, 'join');
  const [first, ...others] = call.states;
  let state = first === undefined ? await requirePart(udf, 'init')(call.params, ctx) : decodeCloneable(first);
  for (const bytes of others) {
    const joined = await join(state, decodeCloneable(bytes), call.params, ctx);
    if (joined !== undefined) state = joined;
  }
  const finish = call.finish ? udf.part('finish') : undefined;
  if (finish === undefined) return encodeResult(state, call.finish ? 'the result' : 'the state');
  return encodeResult(await finish(state, call.params, ctx), 'the result');
}

async function visitRows(run: Run, rows: Rows, failures: Failures): Promise<unknown> {
  const visit = requirePart(run.udf, 'visit');
  let state = await requirePart(run.udf, 'init')(run.params, run.ctx);
  await eachRow(run, rows, failures, (row) => {
    const next = visit(state, row, run.params, run.ctx);
    if (isThenable(next)) {
      return next.then((later) => {
        if (later !== undefined) state = later;
      });
    }
    if (next !== undefined) state = next;
    return undefined;
  });
  return state;
}

async function selectRows(run: Run, rows: Rows, failures: Failures): Promise<Row[]> {
  const out: Row[] = [];
  const isFilter = run.udf.form === 'filter';
  const user = requirePart(run.udf, isFilter ? 'filter' : run.udf.form === 'function' ? 'default' : 'map');
  const take = (row: Row, result: unknown): void => {
    // A copy: the guard is no matter of encoders.
    if (!isFilter) out.push(asRow(result));
    else if (result) out.push({ ...row });
  };
  await eachRow(run, rows, failures, (row) => {
    const result = user(row, run.params, run.ctx);
    if (isThenable(result)) return result.then((later) => take(row, later));
    take(row, result);
    return undefined;
  });
  return out;
}

/** One row after the other: an `await` only where the function gave a promise. */
async function eachRow(
  run: Run,
  rows: Rows,
  failures: Failures,
  visit: (row: Row) => Promise<void> | PromiseLike<void> | undefined,
): Promise<void> {
  const guard = createRowGuard(rows.columns);
  for (let index = 0; index < rows.count; index += 1) {
    const row = guard(rows.row(index));
    try {
      const later = visit(row);
      if (later !== undefined) await later;
    } catch (thrown) {
      const failure = failureOf(thrown, run.udf.sourceName, { rowNumber: rows.firstRow + index, row });
      if (!run.skipErrors) throw new RowError(failure);
      failures.count += 1;
      if (failures.kept.length < FAILURES_KEPT) failures.kept.push(failure);
    }
  }
}

/** What a map returns: a plain object is a row, anything else its only column. */
function asRow(result: unknown): Row {
  const isRow =
    typeof result === 'object' &&
    result !== null &&
    !Array.isArray(result) &&
    !(result instanceof Date) &&
    !ArrayBuffer.isView(result) &&
    !(result instanceof Map) &&
    !(result instanceof Set);
  const row: Row = isRow ? { ...result } : { value: result ?? null };
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'function' || typeof value === 'symbol') {
      throw new MeshError(
        'bad-result',
        `The column "${name}" of the result is a ${typeof value}, which can't be sent.`,
        { detail: { place: name } },
      );
    }
    // What is no scalar is looked through, so that the error names the place.
    if (typeof value === 'object' && value !== null) encodeCloneable(value, `The column "${name}" of the result`);
  }
  return row;
}

function encodeRows(udf: LoadedUdf, chunk: Chunk, rows: readonly Row[], codec: ChunkCodec): ChunkResult {
  const columns = udf.form === 'filter' ? chunk.columns : codec.inferColumns(rows);
  if (rows.length === 0) return { kind: 'chunk', columns: udf.form === 'filter' ? columns : [] };
  const bytes = codec.encode(columns, rows);
  checkSize(bytes, 'The result of one chunk');
  return { kind: 'chunk', bytes, columns };
}

function encodeResult(value: unknown, name: string): Uint8Array {
  const bytes = encodeCloneable(value, name);
  checkSize(bytes, `What is sent of ${name}`);
  return bytes;
}

function checkSize(bytes: Uint8Array, what: string): void {
  if (bytes.length <= limits.valueBytes) return;
  throw new MeshError('bad-result', `${what} has ${bytes.length} bytes; at most ${limits.valueBytes} are carried.`);
}

function requirePart(udf: LoadedUdf, name: Parameters<LoadedUdf['part']>[0]): UserFunction {
  const part = udf.part(name);
  if (part === undefined) throw new MeshError('bad-udf', `The default export has no ${name}; it is a ${udf.form}.`);
  return part;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
