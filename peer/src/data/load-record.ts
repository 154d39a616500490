// A load's own record, at `~load/ID` from before its first chunk to its end: what a loader that is killed
// leaves behind can be found by it. Whoever changes it first decides: the loader, who deletes it when the
// dataset's record is written, or others, who mark it `deleting` before they touch a chunk.

import { type Incarnation, type Key, type PeerId, requireKey, type Version } from '@shoal/shared';
import type { RawOptions, Values } from '../ports/values.ts';
import { deleteChunks, dropStored } from './dataset.ts';
import { readStoredDataset } from './dataset-record.ts';

export const LOAD_PREFIX = '~load/';
const MEDIA_TYPE = 'application/json';
const FORMAT = 1;
/** Slots move while keys are listed: listed again until none is left, so often at most. */
const LISTINGS_MOST = 5;

export interface LoadRecord {
  readonly id: string;
  /** Of the dataset. */
  readonly name: string;
  readonly member: PeerId;
  readonly incarnation: Incarnation;
  readonly startedAtMs: number;
  readonly state: 'loading' | 'deleting';
  /** When somebody first found that its loader is not in the mesh. */
  readonly missedAtMs?: number;
}

export interface StoredLoad {
  readonly record: LoadRecord;
  readonly version: Version;
}

export function loadKey(id: string): Key {
  return requireKey(`${LOAD_PREFIX}${id}`);
}

/** Undefined also for what is no record of this form. */
export async function readLoad(values: Values, key: Key, options: RawOptions): Promise<StoredLoad | undefined> {
  const raw = await values.get(key, options);
  const record = raw === undefined ? undefined : parseRecord(parseJson(raw.bytes));
  return raw === undefined || record === undefined ? undefined : { record, version: raw.version };
}

/** `expected` null: only if there is none. */
export async function writeLoad(
  values: Values,
  record: LoadRecord,
  options: RawOptions & { readonly expected: Version | null },
): Promise<Version> {
  const bytes = new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...record }));
  const { version } = await values.put(loadKey(record.id), bytes, { ...options, mediaType: MEDIA_TYPE });
  return version;
}

/** Deletes a load's chunks, and its record last; or its record alone if the dataset stands. Whatever is interrupted can be done again, by anybody. `keys`: the chunks, where they are known. */
export async function removeLoad(
  values: Values,
  { record, version: found }: StoredLoad,
  { keys, ...options }: RawOptions & { readonly keys?: readonly Key[] },
): Promise<void> {
  let version = found;
  if (record.state === 'loading') {
    const stands = (await readStoredDataset(values, record.name, options))?.record.id === record.id;
    if (stands) {
      await values.delete(loadKey(record.id), { ...options, expected: version });
      return;
    }
    version = await writeLoad(values, { ...record, state: 'deleting' }, { ...options, expected: version });
  }
  if (keys === undefined) await deleteListed(values, record.id, options);
  else await deleteChunks(values, keys, options);
  // Written by a loader that did not know yet that it was too late.
  const late = await readStoredDataset(values, record.name, options);
  if (late?.record.id === record.id) await dropStored(values, late, options);
  await values.delete(loadKey(record.id), { ...options, expected: version });
}

async function deleteListed(values: Values, id: string, options: RawOptions): Promise<void> {
  for (let round = 0; round < LISTINGS_MOST; round += 1) {
    const keys: Key[] = [];
    for await (const { key } of values.list(`~chunk/${id}/`, options)) keys.push(key);
    if (keys.length === 0) return;
    await deleteChunks(values, keys, options);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // No JSON is no record.
    return undefined;
  }
}

function parseRecord(value: unknown): LoadRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const texts = ['id', 'name', 'member', 'incarnation'];
  const isWhole =
    fields['format'] === FORMAT &&
    texts.every((field) => typeof fields[field] === 'string') &&
    typeof fields['startedAtMs'] === 'number' &&
    (fields['state'] === 'loading' || fields['state'] === 'deleting') &&
    ['undefined', 'number'].includes(typeof fields['missedAtMs']);
  return isWhole ? (value as LoadRecord) : undefined;
}
