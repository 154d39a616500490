// A load: read, put, and write the record last. What fails or is cancelled takes its chunks along.

import {
  type Clock,
  createDeadline,
  type Incarnation,
  isMeshError,
  type Key,
  MeshError,
  type Random,
  randomHex,
  throwIfAborted,
  type Version,
} from '@shoal/shared';
import type { DatasetInfo, LoadOptions, LoadSource } from '../api.ts';
import type { RawOptions, Values } from '../ports/values.ts';
import {
  CHUNK_MEDIA_TYPE,
  type ChunkEntry,
  chunkKey,
  type DatasetRecord,
  readStoredDataset,
  requireDatasetName,
  type StoredDataset,
  writeDatasetRecord,
} from './dataset-record.ts';
import { chunksOf, deleteChunks } from './dataset.ts';
import { createLoadClaim } from './load-claim.ts';
import { type EncodedChunk, readChunks, type ReadChunks, type ReadSummary } from './read-chunks.ts';

export type { ReadChunks } from './read-chunks.ts';

/** Chunks on their way at once: enough to fill a link, and some 20 MiB at most. */
const PUTS_AT_ONCE = 8;
/** For one chunk, on a slow link. */
const PUT_TIMEOUT_MS = 60_000;
/** For tidying up after a load whose own time is over. */
const TIDY_TIMEOUT_MS = 10_000;

export interface LoadDeps {
  readonly values: Values;
  /** Of this member: a load whose loader's process is gone is removed by others. */
  readonly incarnation: Incarnation;
  readonly clock: Clock;
  readonly random: Random;
  /** Where files are read; by default right here. */
  readonly readChunks?: ReadChunks | undefined;
}

/** Rejects `exists`, `bad-argument`, `bad-file`, the signal's error, or that of a put; then nothing of the load is left. */
export async function loadDataset(deps: LoadDeps, source: LoadSource, options: LoadOptions): Promise<DatasetInfo> {
  const name = requireDatasetName(options.name);
  const controller = new AbortController();
  const endTime = limitTime(deps.clock, controller, options);
  try {
    throwIfAborted(controller.signal);
    const before = await readStoredDataset(deps.values, name, { signal: controller.signal });
    refuseExisting(before, name, options.replace === true);
    const load = createLoad(deps, { source, options, controller, name, before });
    return await load.run();
  } finally {
    endTime();
  }
}

/** Aborts `controller` with the caller's signal and, if it gave a time, when that is over. Returns the way to stop. */
function limitTime(clock: Clock, controller: AbortController, { name, timeoutMs, signal }: LoadOptions): () => void {
  const abort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  const tooLong = (): void =>
    controller.abort(new MeshError('deadline', `Loading "${name}" took longer than ${timeoutMs ?? 0} ms.`));
  const stopTimer = timeoutMs === undefined ? undefined : clock.setTimer(tooLong, timeoutMs);
  return () => {
    signal?.removeEventListener('abort', abort);
    stopTimer?.();
  };
}

function refuseExisting(before: StoredDataset | undefined, name: string, replace: boolean): void {
  if (before === undefined || replace || before.record.isDropped) return;
  throw new MeshError(
    'exists',
    `There is a dataset "${name}" already. Replace it, drop it first, or take another name.`,
    { detail: { dataset: name } },
  );
}

interface LoadSetup {
  readonly source: LoadSource;
  readonly options: LoadOptions;
  readonly controller: AbortController;
  readonly name: string;
  readonly before: StoredDataset | undefined;
}

function createLoad(
  { values, incarnation, clock, random, readChunks: read = readChunks }: LoadDeps,
  setup: LoadSetup,
): { run(): Promise<DatasetInfo> } {
  const { source, options, controller, name, before } = setup;
  const { signal } = controller;
  const id = randomHex(random, 16);
  const claim = createLoadClaim(values, {
    id,
    name,
    member: values.self,
    incarnation,
    startedAtMs: clock.wallMs(),
    state: 'loading',
  });
  const chunks: ChunkEntry[] = [];
  /** Put or perhaps put: what a failure has to delete. */
  const begun: Key[] = [];
  const open = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let chunksPut = 0;
  let rows = 0;
  let bytesRead = 0;

  const report = (): void =>
    options.onProgress?.({ bytesRead, sizeBytes: Math.max(source.sizeBytes, bytesRead), rows, chunksPut });

  async function put(chunk: EncodedChunk): Promise<void> {
    const key = chunkKey(id, chunk.index, chunk.hash);
    const sizeBytes = chunk.bytes.length;
    begun.push(key);
    await values.put(key, chunk.bytes, {
      mediaType: CHUNK_MEDIA_TYPE,
      contentNamed: true,
      signal,
      timeoutMs: PUT_TIMEOUT_MS,
    });
    chunks.push({ key, rows: chunk.rows, firstRow: chunk.firstRow, bytes: sizeBytes });
    chunksPut += 1;
    report();
  }

  /** Begins to put; resolves when there is room for another. */
  async function enqueue(chunk: EncodedChunk): Promise<void> {
    const promise = put(chunk)
      .catch((error: unknown) => {
        failure ??= { error };
        controller.abort(error);
      })
      .finally(() => open.delete(promise));
    open.add(promise);
    if (open.size >= PUTS_AT_ONCE) await Promise.race(open);
  }

  async function readAndPut(): Promise<ReadSummary> {
    let summary: ReadSummary | undefined;
    const { textColumns, format } = options;
    // Only what can be cloned: the reading may be in a worker.
    const readOptions = {
      ...(textColumns === undefined ? {} : { textColumns }),
      ...(format === undefined ? {} : { format }),
    };
    for await (const item of read(source, readOptions, { signal })) {
      throwIfAborted(signal);
      if (item.kind === 'summary') {
        summary = item;
        ({ rowCount: rows, sizeBytes: bytesRead } = item.counts);
      } else if (item.kind === 'chunk') {
        if (item.index === 0) await claim.begin({ signal });
        await enqueue(item);
      } else {
        ({ bytesRead, rows } = item);
        report();
      }
    }
    await Promise.all(open);
    throwIfAborted(signal);
    report();
    if (summary === undefined) throw new MeshError('internal', `Reading "${source.name}" ended without a summary.`);
    return summary;
  }

  async function writeRecord(summary: ReadSummary): Promise<DatasetInfo> {
    chunks.sort((a, b) => a.firstRow - b.firstRow);
    const info: DatasetInfo = {
      name,
      ...summary.counts,
      chunkCount: chunks.length,
      createdAtMs: clock.wallMs(),
      source: source.name,
    };
    const leftovers = before === undefined ? [] : chunksOf(before.record);
    const record: DatasetRecord = { id, info, chunks, leftovers, isDropped: false };
    const version = await writeOrExplain(record);
    await claim.finish({ signal });
    if (leftovers.length > 0) await tidyReplaced(record, version);
    return info;
  }

  async function writeOrExplain(record: DatasetRecord): Promise<Version> {
    try {
      return await writeDatasetRecord(values, record, { expected: before?.version ?? null, signal });
    } catch (error) {
      if (!isMeshError(error) || error.code !== 'version') throw error;
      throw new MeshError(
        'exists',
        `Somebody else has just loaded, replaced or dropped "${name}"; nothing of yours was changed there. Load it again.`,
        { cause: error },
      );
    }
  }

  /** The dataset stands. Chunks that can't be deleted now stay in the record, for the next replace or drop. */
  async function tidyReplaced(record: DatasetRecord, version: Version): Promise<void> {
    await tidy(async (fresh) => {
      await deleteChunks(values, record.leftovers, fresh);
      await writeDatasetRecord(values, { ...record, leftovers: [] }, { ...fresh, expected: version });
    });
  }

  /** With time of its own: the load's may be over. What it can't do it leaves; the load's own outcome stands. */
  async function tidy(work: (fresh: RawOptions) => Promise<void>): Promise<void> {
    const fresh = createDeadline(clock, TIDY_TIMEOUT_MS, {
      reason: () => new MeshError('deadline', `Tidying up after "${name}" took too long.`),
    });
    try {
      await work({ signal: fresh.signal, timeoutMs: TIDY_TIMEOUT_MS });
    } catch {
      // The error that ended the load, or its success, matters more to the caller.
    } finally {
      fresh.end();
    }
  }

  async function undo(error: unknown): Promise<void> {
    controller.abort(error);
    await Promise.all(open);
    // Whether the record was written is not known after `unknown-outcome` or a deadline: then its chunks stay.
    await tidy((fresh) => claim.abandon(begun, fresh));
  }

  return {
    async run() {
      try {
        return await writeRecord(await readAndPut());
      } catch (error) {
        const cause = failure?.error ?? error;
        await undo(cause);
        throw cause;
      }
    },
  };
}
