// Datasets as users meet them: listed, opened, dropped.

import { type Key, MeshError, type PeerId, toMeshError } from '@shoal/shared';
import type { Dataset, DatasetInfo } from '../api.ts';
import type { RawOptions, Values } from '../ports/values.ts';
import { forEachBounded } from './bounded.ts';
import type { ChunkCodec } from './chunk.ts';
import type { Row } from './column.ts';
import {
  DATASET_PREFIX,
  type DatasetRecord,
  datasetKey,
  decodeDatasetRecord,
  readDatasetRecord,
  type StoredDataset,
  writeDatasetRecord,
} from './dataset-record.ts';

/** Deletes and reads at once. */
export const AT_ONCE = 8;

/** By name. */
export async function listDatasets(values: Values, options: RawOptions = {}): Promise<readonly DatasetInfo[]> {
  const keys: Key[] = [];
  for await (const { key } of values.list(DATASET_PREFIX, options)) keys.push(key);
  const infos: DatasetInfo[] = [];
  await forEachBounded(keys, AT_ONCE, async (key) => {
    // Dropped since it was listed: no dataset any more.
    const raw = await values.get(key, options);
    if (raw === undefined) return;
    const record = readableRecord(raw.bytes, key.slice(DATASET_PREFIX.length));
    if (record?.isDropped === false) infos.push(record.info);
  });
  return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is no record is no dataset: it must not hide the others. */
function readableRecord(bytes: Uint8Array, name: string): DatasetRecord | undefined {
  try {
    return decodeDatasetRecord(bytes, name);
  } catch {
    return undefined;
  }
}

export interface DatasetDeps {
  readonly values: Values;
  readonly codec: () => Promise<ChunkCodec>;
}

/** Rejects `no-dataset`. */
export async function openDataset(deps: DatasetDeps, name: string, options: RawOptions = {}): Promise<Dataset> {
  const record = await readDatasetRecord(deps.values, name, options);
  return {
    info: record.info,
    head: (count, callOptions = {}) => readHead(deps, record, { count, options: callOptions }),
    whereabouts: (callOptions = {}) => readWhereabouts(deps.values, record, callOptions),
  };
}

/** Rejects `no-dataset`. If it fails on the way, dropping again goes on; readers see nothing of it from the start. */
export async function dropDataset(values: Values, name: string, options: RawOptions = {}): Promise<void> {
  const raw = await values.get(datasetKey(name), options);
  if (raw === undefined)
    throw new MeshError('no-dataset', `There is no dataset "${name}" in this mesh.`, { detail: { dataset: name } });
  const { version } = raw;
  const record = readableRecord(raw.bytes, name);
  // Of what is no record nothing else is known.
  if (record === undefined) await values.delete(datasetKey(name), { ...options, expected: version });
  else await dropStored(values, { record, version }, options);
}

/** Rejects `version` if it is no longer what was read. */
export async function dropStored(values: Values, stored: StoredDataset, options: RawOptions): Promise<void> {
  const version = await markDropped(values, stored, options);
  await deleteChunks(values, chunksOf(stored.record), options);
  await values.delete(datasetKey(stored.record.info.name), { ...options, expected: version });
}

/** All keys under which the dataset, or one that it replaced, still has chunks. */
export function chunksOf(record: DatasetRecord): readonly Key[] {
  return [...record.chunks.map(({ key }) => key), ...record.leftovers];
}

/** Deletes all that can be deleted, and then rejects with the first error if there was any. */
export async function deleteChunks(values: Values, keys: readonly Key[], options: RawOptions): Promise<void> {
  let failure: MeshError | undefined;
  await forEachBounded(keys, AT_ONCE, async (key) => {
    try {
      await values.delete(key, options);
    } catch (error) {
      failure ??= toMeshError(error);
    }
  });
  if (failure !== undefined) throw failure;
}

async function markDropped(values: Values, { record, version }: StoredDataset, options: RawOptions) {
  if (record.isDropped) return version;
  return writeDatasetRecord(values, { ...record, isDropped: true }, { ...options, expected: version });
}

async function readHead(
  { values, codec }: DatasetDeps,
  record: DatasetRecord,
  ask: { readonly count: number; readonly options: RawOptions },
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  if (ask.count <= 0) return rows;
  const { decode } = await codec();
  for (const { key, firstRow } of record.chunks) {
    const raw = await values.get(key, { ...ask.options, contentNamed: true });
    if (raw === undefined)
      throw new MeshError(
        'lost',
        `The chunk of "${record.info.name}" that begins at row ${firstRow} is gone; load the file again.`,
        { detail: { key } },
      );
    const chunk = decode(raw.bytes);
    for (let index = 0; index < chunk.rowCount; index += 1) {
      rows.push(chunk.row(index));
      if (rows.length >= ask.count) return rows;
    }
  }
  return rows;
}

async function readWhereabouts(values: Values, record: DatasetRecord, options: RawOptions) {
  const held = await values.holders(
    record.chunks.map(({ key }) => key),
    options,
  );
  const names = new Map(values.members().map(({ id, name }) => [id, name]));
  const byMember = new Map<PeerId, { chunks: number; bytes: number }>();
  for (const { member, sizeBytes } of held.values()) {
    const sum = byMember.get(member) ?? { chunks: 0, bytes: 0 };
    byMember.set(member, { chunks: sum.chunks + 1, bytes: sum.bytes + sizeBytes });
  }
  return [...byMember].map(([member, sum]) => ({ member, name: names.get(member) ?? member.slice(0, 8), ...sum }));
}
