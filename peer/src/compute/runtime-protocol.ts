// What a member and the program inside its workers say to each other: calls by Comlink, and notes as plain
// messages beside them on the same port, which go out even from a loop that never ends.

import type { JsonValue } from '../api.ts';
import type { Column } from '../data/column.ts';
import type { UdfForm } from './udf.ts';
import type { MeshErrorCode } from '@shoal/shared';

/** A module of its own for each job: what one job leaves in a variable is not there for the next. */
export interface LoadableUdf {
  /** Same instance, same module. */
  readonly instance: string;
  readonly code: string;
  /** What stacks call the module; `sourceNameOf` makes it. */
  readonly sourceName: string;
}

export interface TaskContext {
  readonly member: { readonly id: string; readonly name: string };
  /** The same seed, the same numbers of `ctx.random`. */
  readonly seed: string;
  readonly chunk?: number;
}

export interface ChunkCall {
  readonly udf: LoadableUdf;
  readonly context: TaskContext;
  readonly params: JsonValue;
  /** Transferred. */
  readonly bytes: Uint8Array;
  /** The number of its first row in the whole dataset. */
  readonly firstRow: number;
  readonly skipErrors: boolean;
}

export interface DryCall {
  readonly udf: LoadableUdf;
  readonly context: TaskContext;
  readonly params: JsonValue;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface FunctionCall {
  readonly udf: LoadableUdf;
  readonly context: TaskContext;
  /** An encoded array. */
  readonly args: Uint8Array;
}

/** Calls of one function, in this order, until the slice of time is over: at least the first. */
export interface ManyCall {
  readonly udf: LoadableUdf;
  readonly context: TaskContext;
  readonly calls: readonly { readonly seed: string; readonly args: Uint8Array }[];
}

export type CallResult =
  | { readonly kind: 'done'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly failure: RuntimeFailure };

export interface JoinCall {
  readonly udf: LoadableUdf;
  readonly context: TaskContext;
  readonly params: JsonValue;
  /** Encoded, in the order of their chunks. None: the state of no rows. */
  readonly states: readonly Uint8Array[];
  /** The result, instead of the state. */
  readonly finish: boolean;
}

/** What a UDF did wrong, as the worker knows it: lines of the compiled module, which are those of the source. */
export interface RuntimeFailure {
  readonly code: MeshErrorCode;
  readonly message: string;
  readonly rowNumber?: number;
  /** Encoded. */
  readonly row?: Uint8Array;
  readonly line?: number;
  readonly column?: number;
  readonly stack?: string;
}

export interface Printed {
  readonly level: 'log' | 'info' | 'warn' | 'error' | 'debug';
  /** An encoded array. */
  readonly values: Uint8Array;
  readonly line?: number;
}

export type ChunkResult =
  /** No bytes: no rows. */
  | { readonly kind: 'chunk'; readonly bytes?: Uint8Array; readonly columns: readonly Column[] }
  | { readonly kind: 'state'; readonly bytes: Uint8Array };

export interface ChunkDone {
  readonly form: UdfForm;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly failedRows: number;
  /** The first 20. */
  readonly failures: readonly RuntimeFailure[];
  readonly result: ChunkResult;
}

export interface DryDone {
  readonly form: UdfForm;
  /** Encoded: an array of rows, or the value. */
  readonly output: Uint8Array;
}

/** Comlink carries only the message of an error; so failures are answers. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T; readonly droppedLines: number }
  | { readonly kind: 'failed'; readonly failure: RuntimeFailure; readonly droppedLines: number };

/** The calls that a worker answers, one at a time. */
export interface RuntimeCalls {
  ready(): true;
  form(udf: LoadableUdf): Promise<Outcome<UdfForm>>;
  runChunk(call: ChunkCall): Promise<Outcome<ChunkDone>>;
  dryRun(call: DryCall): Promise<Outcome<DryDone>>;
  call(call: FunctionCall): Promise<Outcome<Uint8Array>>;
  callMany(call: ManyCall): Promise<Outcome<readonly CallResult[]>>;
  join(call: JoinCall): Promise<Outcome<Uint8Array>>;
}

/** What travels beside the calls. Comlink ignores what is not its own. */
export type RuntimeNote =
  | { readonly shoal: 'printed'; readonly line: Printed }
  | { readonly shoal: 'progress'; readonly fraction: number }
  | { readonly shoal: 'get'; readonly id: number; readonly key: string };

/** The answer to `get`. */
export type RuntimeAnswer = {
  readonly shoal: 'got';
  readonly id: number;
  readonly value?: { readonly bytes: Uint8Array; readonly mediaType: string };
  readonly error?: string;
};

export const FAILURES_KEPT = 20;

/** Stacks name the module by this, so that its frames can be told from all others. */
export function sourceNameOf(id: string, fileName: string): string {
  return `shoal-udf/${id.slice(0, 8)}/${fileName.replaceAll(/[^\p{L}\p{N}._-]/gu, '_').slice(-60)}`;
}

export function isRuntimeNote(data: unknown): data is RuntimeNote {
  return typeof data === 'object' && data !== null && 'shoal' in data && typeof data.shoal === 'string';
}
