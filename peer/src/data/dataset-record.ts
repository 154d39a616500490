// A dataset's record: what it is, and the keys of its chunks. It is a JSON value at `~dataset/NAME`,
// written after all chunks, so that whoever sees it sees all of the dataset.

import { type Key, MeshError, parseKey, requireKey, limits, type Version } from '@shoal/shared';
import type { DatasetInfo } from '../api.ts';
import type { RawOptions, Values } from '../ports/values.ts';
import type { Column, ColumnType } from './column.ts';

export const DATASET_PREFIX = '~dataset/';
const CHUNK_PREFIX = '~chunk/';
export const CHUNK_MEDIA_TYPE = 'application/vnd.apache.arrow.stream';
const RECORD_MEDIA_TYPE = 'application/json';
const FORMAT = 1;

export interface ChunkEntry {
  readonly key: Key;
  readonly rows: number;
  /** Number of its first row in the dataset. */
  readonly firstRow: number;
  readonly bytes: number;
}

export interface DatasetRecord {
  readonly id: string;
  readonly info: DatasetInfo;
  readonly chunks: readonly ChunkEntry[];
  /** Chunks of a dataset that this one replaced or of one being dropped, still to be deleted. */
  readonly leftovers: readonly Key[];
  /** Being dropped: its chunks go, and to readers it is gone. */
  readonly isDropped: boolean;
}

export interface StoredDataset {
  readonly record: DatasetRecord;
  readonly version: Version;
}

/** Letters, digits, `-`, `_`, `.` and spaces, first a letter or digit, at most 64 characters. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._ -]*$/u;

/** Throws `bad-argument` with the rule. */
export function requireDatasetName(name: unknown): string {
  if (
    typeof name === 'string' &&
    name.length <= limits.nameChars &&
    NAME.test(name) &&
    name.trim() === name &&
    name.isWellFormed()
  )
    return name;
  throw new MeshError(
    'bad-argument',
    `${JSON.stringify(name)} is no name for a dataset: 1 to ${limits.nameChars} letters, digits, "-", "_", "." and spaces, first a letter or digit.`,
  );
}

export function datasetKey(name: string): Key {
  return requireKey(`${DATASET_PREFIX}${requireDatasetName(name)}`);
}

export function chunkKey(datasetId: string, index: number, hash: string): Key {
  return requireKey(`${CHUNK_PREFIX}${datasetId}/${index}/${hash}`);
}

/** The record as it is stored, also of one being dropped. */
export async function readStoredDataset(
  values: Values,
  name: string,
  options: RawOptions = {},
): Promise<StoredDataset | undefined> {
  const raw = await values.get(datasetKey(name), options);
  return raw === undefined ? undefined : { record: decodeDatasetRecord(raw.bytes, name), version: raw.version };
}

/** Rejects `no-dataset`. */
export async function readDatasetRecord(
  values: Values,
  name: string,
  options: RawOptions = {},
): Promise<DatasetRecord> {
  const stored = await readStoredDataset(values, name, options);
  if (stored !== undefined && !stored.record.isDropped) return stored.record;
  throw new MeshError('no-dataset', `There is no dataset "${name}" in this mesh.`, { detail: { dataset: name } });
}

/** `expected` null: only if there is none of that name. */
export async function writeDatasetRecord(
  values: Values,
  record: DatasetRecord,
  options: RawOptions & { readonly expected: Version | null },
): Promise<Version> {
  const bytes = new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...record }));
  const { version } = await values.put(datasetKey(record.info.name), bytes, {
    ...options,
    mediaType: RECORD_MEDIA_TYPE,
  });
  return version;
}

/** Throws `bad-value` for what is no record. */
export function decodeDatasetRecord(bytes: Uint8Array, name: string): DatasetRecord {
  const record = parseRecord(parseJson(bytes));
  if (record?.info.name === name) return record;
  throw new MeshError('bad-value', `What lies at "${DATASET_PREFIX}${name}" is no record of a dataset.`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // No JSON is no record.
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseRecord(value: unknown): DatasetRecord | undefined {
  if (!isFields(value) || value['format'] !== FORMAT || typeof value['id'] !== 'string') return undefined;
  const info = parseInfo(value['info']);
  const chunks = parseList(value['chunks'], parseChunk);
  const leftovers = parseList(value['leftovers'], parseChunkKey);
  if (info === undefined || chunks === undefined || leftovers === undefined || typeof value['isDropped'] !== 'boolean')
    return undefined;
  return { id: value['id'], info, chunks, leftovers, isDropped: value['isDropped'] };
}

function parseChunk(value: unknown): ChunkEntry | undefined {
  if (!isFields(value)) return undefined;
  const { key: keyText, rows, firstRow, bytes } = value;
  const key = parseChunkKey(keyText);
  return key !== undefined && isCount(rows) && isCount(firstRow) && isCount(bytes)
    ? { key, rows, firstRow, bytes }
    : undefined;
}

/** Another key would be read, and deleted with the dataset. */
function parseChunkKey(text: unknown): Key | undefined {
  const key = parseKey(text);
  return key?.startsWith(CHUNK_PREFIX) === true ? key : undefined;
}

function parseInfo(value: unknown): DatasetInfo | undefined {
  if (!isFields(value)) return undefined;
  const { name, source, columns, firstBrokenLine, invalidUtf8, unknownNames } = value;
  const numbers = ['rowCount', 'sizeBytes', 'chunkCount', 'brokenLines', 'createdAtMs'];
  const parsedColumns = parseList(columns, parseColumn);
  if (
    typeof name !== 'string' ||
    typeof source !== 'string' ||
    parsedColumns === undefined ||
    !numbers.every((field) => isCount(value[field]))
  )
    return undefined;
  if (![firstBrokenLine, invalidUtf8].every((count) => count === undefined || isCount(count))) return undefined;
  if (unknownNames !== undefined && !isFields(unknownNames)) return undefined;
  return value as unknown as DatasetInfo;
}

const TYPES: ReadonlySet<unknown> = new Set<ColumnType>(['bool', 'int', 'float', 'string', 'timestamp', 'json']);

function parseColumn(value: unknown): Column | undefined {
  if (!isFields(value) || typeof value['name'] !== 'string' || !TYPES.has(value['type'])) return undefined;
  return isCount(value['missing']) && isCount(value['unfit']) ? (value as unknown as Column) : undefined;
}

function parseList<T>(value: unknown, parse: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const parsed = value.map(parse);
  return parsed.every((item): item is T & {} => item !== undefined) ? (parsed as T[]) : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
