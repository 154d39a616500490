// Tables on disk, one file for each mesh: written whole under a temporary name, synced, renamed, and the
// folder synced. So a file is the old one or the new one, whatever happens, and stays after a write.

import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isMeshError, MeshError, toMeshError } from '@shoal/shared';
import { lockFolder, type FolderLock } from './folder-lock.ts';
import type { TableStore } from './registrar-api.ts';

export interface TableFolder extends TableStore {
  close(): Promise<void>;
}

/** Throws `locked` if another registrar serves the folder, `storage` if it can't be made. */
export async function createTableFiles(folder: string): Promise<TableFolder> {
  const root = resolve(folder);
  const lock = await makeOwn(root);
  /** Of each mesh that was read: its file as this registrar knows it. */
  const known = new Map<string, Uint8Array | undefined>();
  return {
    async read(mesh) {
      const bytes = await readOrNothing(pathOf(root, mesh));
      known.set(mesh, bytes);
      return bytes;
    },
    async write(mesh, bytes) {
      const path = pathOf(root, mesh);
      // A lock does not tell processes of two containers apart (S5).
      if (known.has(mesh) && !isSame(await readOrNothing(path), known.get(mesh)))
        throw new MeshError('locked', `Another server has changed ${path}: end it, and start this one again.`);
      const temporary = `${path}.tmp`;
      await writeSynced(temporary, bytes);
      await rename(temporary, path);
      known.set(mesh, bytes);
      await syncFolder(root);
    },
    close: () => lock.release(),
  };
}

async function makeOwn(root: string): Promise<FolderLock> {
  try {
    await mkdir(root, { recursive: true });
    return await lockFolder(root);
  } catch (error) {
    if (isMeshError(error)) throw error;
    throw new MeshError('storage', `The data folder ${root} can't be used: ${toMeshError(error).message}.`, {
      cause: error,
    });
  }
}

async function readOrNothing(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file that was removed is made again. */
function isSame(found: Uint8Array | undefined, known: Uint8Array | undefined): boolean {
  return found === undefined || (known !== undefined && Buffer.compare(found, known) === 0);
}

/** Capitals are marked: not every file system tells `Main` from `main`. */
function pathOf(root: string, mesh: string): string {
  return join(root, `${mesh.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)}.table`);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it the new name may be gone after a loss of power, though the bytes are there. */
async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and writes names through by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
