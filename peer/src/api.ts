// What a program sees of the mesh: one object, the same in Node and in a page.

import type { Configuration, MeshError, PeerId, RecoveredSlot, Subscribable, Version } from '@shoal/shared';
import type { MemberReport, MemberView, MeshStatus, SlotView } from './api-status.ts';
import type {
  CallOptions,
  GetOptions,
  JsonValue,
  KeyEntry,
  MeshValue,
  NewerOptions,
  PutDone,
  PutOptions,
  ValueEntry,
} from './api-values.ts';
import type { Column } from './data/column.ts';

export type * from './api-status.ts';
export type * from './api-values.ts';

export interface UdfSource {
  /** An ES module, TypeScript or JavaScript, with a default export. */
  readonly source: string;
  /** As the user knows it; lines in errors are of this file. */
  readonly fileName?: string;
}

/** Where a call runs: on the key's owner, on that member, or on the least busy one. */
export interface CallTarget extends CallOptions {
  readonly key?: string;
  readonly member?: string;
}

/** A line that a UDF printed. */
export interface LogLine {
  readonly member: PeerId;
  readonly memberName: string;
  readonly level: 'log' | 'info' | 'warn' | 'error' | 'debug';
  /** The printed values, cloned. */
  readonly values: readonly unknown[];
  /** In the user's file, if it can be told. */
  readonly line?: number;
  readonly chunk?: number;
}

/** What went wrong in a UDF, for people: with the row and the place in their file. */
export interface UdfFailure {
  readonly message: string;
  readonly member: PeerId;
  readonly memberName: string;
  /** Counted from 0 over the whole dataset. */
  readonly rowNumber?: number;
  readonly row?: unknown;
  readonly fileName?: string;
  readonly line?: number;
  readonly column?: number;
  readonly stack?: string;
}

/** One task's record: where and by which worker it ran. */
export interface TaskRecord {
  readonly chunk: number;
  readonly member: PeerId;
  readonly memberName: string;
  readonly worker: number;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly failedRows: number;
  readonly startedAtMs: number;
  readonly runMs: number;
}

export interface JobProgress {
  readonly tasks: number;
  readonly done: number;
  /** From the records. */
  readonly members: readonly {
    readonly member: PeerId;
    readonly name: string;
    readonly tasks: number;
    readonly done: number;
    readonly rows: number;
  }[];
}

export interface RunOptions extends CallOptions {
  readonly dataset: string;
  readonly params?: JsonValue;
  /** Count rows that throw and show the first 20, instead of ending the job. */
  readonly skipErrors?: boolean;
  /** For each task. */
  readonly taskTimeoutMs?: number;
  readonly onProgress?: (progress: JobProgress) => void;
  readonly onLog?: (line: LogLine) => void;
}

/** A table that lies on the members: rows are fetched as they are asked for. */
export interface ResultTable {
  readonly rowCount: number;
  readonly columns: readonly Column[];
  /** Rows from `first`, at most `count`, as plain objects. */
  rows(first: number, count: number, options?: CallOptions): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Deletes what lies on the members. */
  close(): Promise<void>;
}

export interface JobResult {
  readonly jobId: string;
  readonly output:
    | { readonly kind: 'table'; readonly table: ResultTable }
    | { readonly kind: 'value'; readonly value: unknown };
  readonly tookMs: number;
  readonly tasks: readonly TaskRecord[];
  readonly failedRows: number;
  /** The first 20. */
  readonly failures: readonly UdfFailure[];
  readonly logs: readonly LogLine[];
  /** Printed beyond the bound, and not kept. */
  readonly droppedLogLines: number;
}

/** What a function did to a few rows, here and at once. */
export type DryRunResult =
  | {
      readonly kind: 'rows';
      readonly rows: readonly Readonly<Record<string, unknown>>[];
      readonly logs: readonly LogLine[];
    }
  | { readonly kind: 'value'; readonly value: unknown; readonly logs: readonly LogLine[] }
  | { readonly kind: 'failed'; readonly failure: UdfFailure; readonly logs: readonly LogLine[] };

export interface DatasetInfo {
  readonly name: string;
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly columns: readonly (Column & {
    /** Values that were missing, or did not fit and became missing. */
    readonly missing: number;
    readonly unfit: number;
    /** Line of the first that did not fit. */
    readonly firstUnfitLine?: number;
  })[];
  readonly chunkCount: number;
  /** Lines that could not be read at all. */
  readonly brokenLines: number;
  readonly firstBrokenLine?: number;
  /** Sequences of bytes that were no UTF-8 and became U+FFFD; absent if there were none. */
  readonly invalidUtf8?: number;
  /** Values under names that no sample showed, and that are in no column; absent if there were none. */
  readonly unknownNames?: { readonly count: number; readonly firstName: string; readonly firstLine: number };
  readonly createdAtMs: number;
  readonly source: string;
}

export interface Dataset {
  readonly info: DatasetInfo;
  /** The first rows. */
  head(count: number, options?: CallOptions): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Asked of the members, not computed: which of them holds how many chunks. */
  whereabouts(
    options?: CallOptions,
  ): Promise<
    readonly { readonly member: PeerId; readonly name: string; readonly chunks: number; readonly bytes: number }[]
  >;
}

/** A file in the page or on disk: read by slices. */
export interface LoadSource {
  readonly name: string;
  readonly sizeBytes: number;
  /** Slices in order; each at most some MiB. */
  slices(options: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Bytes from `from` up to `to`, where they can be read out of order: types are then sampled in the middle and at the end too. */
  slice?(from: number, to: number, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>;
}

export type FileFormat = 'csv' | 'ndjson' | 'json-array' | 'text';

export interface LoadProgress {
  readonly bytesRead: number;
  readonly sizeBytes: number;
  readonly rows: number;
  readonly chunksPut: number;
}

export interface LoadOptions extends CallOptions {
  readonly name: string;
  readonly replace?: boolean;
  /** Columns to be read as text whatever their values look like. */
  readonly textColumns?: readonly string[];
  /** By default told from the name and the first bytes. */
  readonly format?: FileFormat;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface MeshMessage {
  readonly from: PeerId;
  readonly topic: string;
  readonly value: MeshValue;
}

export interface MeshEvents {
  /** Something of `status()` changed; not more than once a tick. */
  changed: MeshStatus;
  memberJoined: MemberView;
  memberLeft: { readonly id: PeerId; readonly name: string };
  rangeMoved: { readonly rows: readonly Configuration[] };
  /** This member is out: replaced, stopped, storage gone. Nothing works afterwards. */
  stopped: { readonly error: MeshError | undefined };
}

export interface Mesh extends Subscribable<MeshEvents> {
  readonly id: PeerId;
  readonly name: string;
  status(): MeshStatus;
  /** Each slot with its copies and how safe it is, as this member sees it; made anew at each call. */
  slots(): readonly SlotView[];
  /** Asked of that member (service `status`): what only it knows. */
  statusOf(member: string, options?: CallOptions): Promise<MemberReport>;
  get(key: string, options?: GetOptions): Promise<MeshValue | undefined>;
  /** The values in the order of `keys`, all within `timeoutMs`. Rejects with the first error of a key; absence is none. */
  getMany(keys: readonly string[], options?: CallOptions): Promise<readonly (MeshValue | undefined)[]>;
  /** `unchanged`: it has no newer version than that. */
  getEntry(key: string, options: NewerOptions): Promise<ValueEntry | 'unchanged' | undefined>;
  getEntry(key: string, options?: GetOptions): Promise<ValueEntry | undefined>;
  put(key: string, value: MeshValue, options?: PutOptions): Promise<PutDone>;
  /** Puts the value if the key has that version, or, with `null`, none. Rejects `version`, telling the one that it has. */
  cas(
    key: string,
    expected: Version | null,
    value: MeshValue,
    options?: Omit<PutOptions, 'expected'>,
  ): Promise<PutDone>;
  /** True if there was something to delete. */
  delete(key: string, options?: PutOptions): Promise<boolean>;
  /** Keys of all members in order. `pattern`: `*` and `?` as in a shell; Shoal's own (`~…`) only if it begins with `~`. */
  keys(pattern?: string, options?: CallOptions): AsyncIterable<KeyEntry>;
  /** Runs the default export once with `args` and gives back what it returns. */
  call(udf: UdfSource | string, args?: readonly unknown[], target?: CallTarget): Promise<unknown>;
  /**
   * Runs the default export once for each list of arguments, on the members that take tasks or on the target's. Each
   * has its own result, as of `Promise.allSettled`, in the order of `argLists`, and `timeoutMs` for itself. A call may
   * run again if its member or worker is lost. Rejects when no call can be made: `bad-udf`, `no-workers`, the signal.
   */
  callMany(
    udf: UdfSource | string,
    argLists: readonly (readonly unknown[])[],
    target?: CallTarget,
  ): Promise<readonly PromiseSettledResult<unknown>[]>;
  /** Delivers a value to the `onMessage` listeners of a member; resolves when it has them. */
  send(member: string, topic: string, value: MeshValue, options?: CallOptions): Promise<void>;
  onMessage(
    topic: string,
    listener: (message: MeshMessage) => void,
    options?: { readonly signal?: AbortSignal },
  ): () => void;
  /** By name. Those whose records a member that is away owns are missing: `lackOf(status().members)` tells. */
  datasets(options?: CallOptions): Promise<readonly DatasetInfo[]>;
  /** Rejects `no-dataset`. */
  dataset(name: string, options?: CallOptions): Promise<Dataset>;
  load(source: LoadSource, options: LoadOptions): Promise<DatasetInfo>;
  drop(name: string, options?: CallOptions): Promise<void>;
  run(udf: UdfSource | string, options: RunOptions): Promise<JobResult>;
  /** Tries a function on these rows, on this member alone. Rejects `bad-udf` (with line and column), `udf-timeout` after a second; what the function itself does wrong is an answer. */
  dryRun(
    udf: UdfSource | string,
    rows: readonly Readonly<Record<string, unknown>>[],
    options?: CallOptions & { readonly params?: JsonValue },
  ): Promise<DryRunResult>;
  forget(member: string, options?: CallOptions): Promise<{ readonly member: PeerId; readonly slots: number }>;
  /** Serves slots all of whose copies are gone from the newest older ones that are left. */
  recover(options?: CallOptions): Promise<{ readonly slots: readonly RecoveredSlot[] }>;
  /** Asks a member to hand all that it holds to others and then to leave; resolves when it has. If this is cancelled the member goes on. */
  drain(member: string, options?: CallOptions & { readonly onProgress?: (slotsLeft: number) => void }): Promise<void>;
  /** Takes no tasks; goes on serving. */
  pause(paused: boolean): Promise<void>;
  setWorkers(count: number): Promise<void>;
  rename(name: string): Promise<void>;
  /** Hands all slots to others first (`changed` shows how far), unless there is nobody. Then leaves. */
  leave(options?: CallOptions & { readonly handOver?: boolean }): Promise<void>;
}
