// One registrar for a data folder: a lock file with the process that holds it. A holder that is dead is
// no holder. A process id alone would not do: in a container the next start has the same one, so the
// start time of the process (where the platform tells it) stands beside it.

import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MeshError } from '@shoal/shared';

const LOCK = 'lock';
const TRIES = 5;
/** Locks of this process, by path: it may not take one twice either. */
const held = new Set<string>();

export interface FolderLock {
  release(): Promise<void>;
}

/** Throws `locked` while another living process, or another registrar of this one, has the folder. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK);
  if (held.has(path)) throw lockedError(folder, process.pid);
  held.add(path);
  const own = join(folder, `${LOCK}.${process.pid}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(own, `${process.pid} ${await startOf(process.pid)}\n`, { flag: 'wx' });
    await take(folder, path, own);
  } catch (error) {
    held.delete(path);
    throw error;
  } finally {
    await rm(own, { force: true });
  }
  return {
    async release() {
      if (!held.delete(path)) return;
      await rm(path, { force: true });
    },
  };
}

async function take(folder: string, path: string, own: string): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (await linked(own, path)) return;
    const seen = await readOrNothing(path);
    if (seen === undefined) continue;
    const pid = await livingHolder(seen);
    if (pid !== undefined) throw lockedError(folder, pid);
    await removeStale(path, own, seen);
  }
  throw lockedError(folder, undefined);
}

/** A link is made only if there is no such name: who makes it has the lock. */
async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moved away and looked at again: another process may have removed the stale lock, and made its own. */
async function removeStale(path: string, own: string, seen: string): Promise<void> {
  const aside = `${own}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readOrNothing(aside)) !== seen) await linked(aside, path);
  await rm(aside, { force: true });
}

async function livingHolder(text: string): Promise<number | undefined> {
  const [pidText, start] = text.trim().split(' ');
  const pid = Number(pidText);
  // Its own id, and not held here: left by an earlier process with the same number.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return undefined;
  }
  const startNow = await startOf(pid);
  return start === undefined || startNow === '-' || startNow === start ? pid : undefined;
}

/** When a process began, in the platform's own count; `-` where that is not told. */
async function startOf(pid: number): Promise<string> {
  const stat = await readOrNothing(`/proc/${pid}/stat`);
  // The name, in brackets, may itself hold blanks and brackets.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // Not there, or not ours to read: both tell nothing.
    return undefined;
  }
}

function lockedError(folder: string, pid: number | undefined): MeshError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new MeshError('locked', `The data folder ${folder} is in use by ${who}: end it, or use another folder.`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
