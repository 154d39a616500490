// A loader's hold on its load: its record is there before the first chunk, and gone when the load has
// ended. Deleting it is the moment at which a load has succeeded: until then others may have taken it for
// abandoned, and removed it.

import { isMeshError, type Key, MeshError, type Version } from '@shoal/shared';
import type { RawOptions, Values } from '../ports/values.ts';
import { deleteChunks, dropStored } from './dataset.ts';
import { readStoredDataset } from './dataset-record.ts';
import { loadKey, type LoadRecord, readLoad, removeLoad, writeLoad } from './load-record.ts';

/** Others may mark the record meanwhile: read and tried again so often at most. */
const TRIES_MOST = 5;

export interface LoadClaim {
  begin(options: RawOptions): Promise<void>;
  /** The dataset's record is written. Rejects `no-registrar` if others have removed the load. */
  finish(options: RawOptions): Promise<void>;
  /** Deletes these chunks, unless the dataset stands. Rejects if not all is gone; others will go on. */
  abandon(chunks: readonly Key[], options: RawOptions): Promise<void>;
}

export function createLoadClaim(values: Values, record: LoadRecord): LoadClaim {
  const { id, name } = record;
  const key = loadKey(id);
  let hasBegun = false;
  let version: Version | undefined;

  /** True if the record was deleted as it was last read; false if somebody has changed or deleted it. */
  async function deleteRecord(options: RawOptions): Promise<boolean> {
    if (version === undefined) return false;
    try {
      return await values.delete(key, { ...options, expected: version });
    } catch (error) {
      if (isMeshError(error) && error.code === 'version') return false;
      throw error;
    }
  }

  async function isOurs(options: RawOptions): Promise<boolean> {
    for (let tries = 0; tries < TRIES_MOST; tries += 1) {
      if (await deleteRecord(options)) return true;
      const stored = await readLoad(values, key, options);
      if (stored === undefined || stored.record.state === 'deleting') return false;
      version = stored.version;
    }
    return true;
  }

  return {
    async begin(options) {
      hasBegun = true;
      version = await writeLoad(values, record, { ...options, expected: null });
    },
    async finish(options) {
      if (!hasBegun) return;
      // The dataset stands. If the record can't be deleted now, others find that out.
      const ours = await isOurs(options).catch(() => true);
      if (ours) return;
      throw new MeshError(
        'no-registrar',
        `This member was out of the mesh for a while, so that others took the load of "${name}" for abandoned and removed it. Load it again.`,
        { detail: { dataset: name } },
      );
    },
    async abandon(chunks, options) {
      if (!hasBegun) return;
      const stored = await readLoad(values, key, options);
      if (stored !== undefined) return removeLoad(values, stored, { ...options, keys: chunks });
      // Others have removed what they found; this member may have put more since.
      await deleteChunks(values, chunks, options);
      const late = await readStoredDataset(values, name, options);
      if (late?.record.id === id) await dropStored(values, late, options);
    },
  };
}
