// `Storage` on disk, over LevelDB. Each batch is synced before it is acknowledged (strict), many at a
// time by group commit. Keys: `h/SLOT/KEY` heads, `v/SLOT/KEY` values, `m/NAME` facts, and what was put
// aside as `a/NUMBER/SLOT/KEY` with `b/…` for its value; SLOT is four hex digits.

import { mkdir, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { isMeshError, MeshError, type Key, type Slot } from '@shoal/shared';
import { createGroupCommit, type ScannedHead, type Storage, type StorageWrite, type StoredRecord } from '@shoal/peer';
import { createHealingLevel, type HealingLevel, type Level, type Operation } from './healing-level.ts';

type Batch = readonly StorageWrite[];

interface AsideUsage {
  readonly records: number;
  readonly bytes: number;
}

/** LevelDB keeps this file in each folder: when it is gone, so is the folder. */
const SENTINEL = 'CURRENT';
/** How often it is looked for. LevelDB itself goes on writing into removed files without a word. */
const SENTINEL_MS = 1_000;
/** Heads read at once: nothing is held open between two pages. */
const SCAN_PAGE = 256;
const ASIDE = 'm/~aside';
const NO_BYTES = new Uint8Array(0);
/** Above every key of a slot: the character behind `/`. */
const BEHIND = '0';

/** Opens or makes the store in `folder`. Rejects `locked` while another process has it, `storage` if it can't be had. */
export async function openLevelStorage(folder: string): Promise<Storage> {
  const place = resolve(folder, 'store');
  const db: Level = new ClassicLevel(place, { keyEncoding: 'utf8', valueEncoding: 'view' });
  try {
    await mkdir(place, { recursive: true });
    await db.open();
    const aside = parseUsage(await db.get(ASIDE));
    return levelStorage(createHealingLevel(db, place), { place, aside, inode: (await stat(place)).ino });
  } catch (error) {
    await db.close().catch(() => undefined);
    throw openError(folder, error);
  }
}

function levelStorage(
  db: HealingLevel,
  opened: { readonly place: string; readonly aside: AsideUsage; readonly inode: number },
): Storage {
  const { place } = opened;
  const listeners = new Set<(reason: string) => void>();
  let aside = opened.aside;
  let closing: Promise<void> | undefined;
  let isGone = false;
  let lookedAtMs = performance.now();

  const requireOpen = (): void => {
    if (closing !== undefined) throw new MeshError('closed', 'This storage is closed.');
    if (isGone) throw new MeshError('storage', `The data folder ${place} is gone.`);
  };

  const look = async (): Promise<void> => {
    if (closing !== undefined || isGone) return;
    lookedAtMs = performance.now();
    const found = await Promise.all([stat(place), stat(join(place, SENTINEL))]).catch(() => undefined);
    if (found?.[0].ino === opened.inode || closing !== undefined) return;
    isGone = true;
    for (const gone of [...listeners]) gone(`The data folder ${place} was removed while this member ran.`);
    listeners.clear();
  };

  const commit = async (batches: readonly Batch[]): Promise<void> => {
    const operations: Operation[] = [];
    let usage = aside;
    for (const write of batches.flat()) {
      if (write.kind !== 'aside') operations.push(...operationsOf(write));
      else usage = await putAside(db, { write, usage, operations });
    }
    if (usage !== aside) operations.push({ type: 'put', key: ASIDE, value: encodeUsage(usage) });
    await batch(operations);
    aside = usage;
  };

  const batch = async (operations: Operation[]): Promise<void> => {
    try {
      await db.batch(operations);
    } catch (error) {
      await look();
      throw writeError(error);
    }
    if (performance.now() - lookedAtMs > SENTINEL_MS) await look();
    if (isGone) throw new MeshError('storage', `The data folder ${place} is gone.`);
  };

  const groups = createGroupCommit<Batch>({ commit });
  const timer = setInterval(() => void look(), SENTINEL_MS * 2);
  timer.unref();

  return {
    durability: 'strict',
    async get(slot, key): Promise<StoredRecord | undefined> {
      requireOpen();
      // One call, one snapshot: head and value are of the same write.
      const [head, value] = await reading(db.read((level) => level.getMany([headKey(slot, key), valueKey(slot, key)])));
      return head === undefined ? undefined : { head: plain(head), value: plain(value) };
    },
    async getHead(slot, key) {
      requireOpen();
      return plain(await reading(db.read((level) => level.get(headKey(slot, key)))));
    },
    async write(writes) {
      requireOpen();
      await groups.write(writes, { bytes: bytesOf(writes), alone: writes.some(({ kind }) => kind === 'aside') });
    },
    async *scan(slot, { afterKey, signal } = {}): AsyncGenerator<ScannedHead> {
      requireOpen();
      const prefix = `h/${slotText(slot)}/`;
      let after = `${prefix}${afterKey ?? ''}`;
      for (;;) {
        const range = { gt: after, lt: `h/${slotText(slot)}${BEHIND}`, limit: SCAN_PAGE };
        const page = await reading(db.read((level) => level.iterator(range).all()));
        for (const [name, head] of page) {
          signal?.throwIfAborted();
          // What was stored under this prefix was a key.
          yield { key: name.slice(prefix.length) as Key, head: plain(head) };
          requireOpen();
          after = name;
        }
        if (page.length < SCAN_PAGE) return;
      }
    },
    async slots() {
      requireOpen();
      return reading(db.read(slotsOf));
    },
    async getMeta(name) {
      requireOpen();
      return plain(await reading(db.read((level) => level.get(`m/${name}`))));
    },
    async putMeta(name, value) {
      requireOpen();
      await batch([{ type: 'put', key: `m/${name}`, value }]);
    },
    async asideUsage() {
      requireOpen();
      return aside;
    },
    async freeBytes() {
      requireOpen();
      const { bavail, bsize } = await statfs(place);
      return bavail * bsize;
    },
    onGone(gone) {
      listeners.add(gone);
      return () => listeners.delete(gone);
    },
    async close() {
      closing ??= (async () => {
        clearInterval(timer);
        listeners.clear();
        await groups.close();
        await db.close();
      })();
      await closing;
    },
  };
}

/** LevelDB gives Node's buffers, whose `slice` is no copy. */
function plain<T extends Uint8Array | undefined>(bytes: T): T extends undefined ? undefined : Uint8Array;
function plain(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function slotText(slot: Slot): string {
  return slot.toString(16).padStart(4, '0');
}

function headKey(slot: Slot, key: Key): string {
  return `h/${slotText(slot)}/${key}`;
}

function valueKey(slot: Slot, key: Key): string {
  return `v/${slotText(slot)}/${key}`;
}

function operationsOf(write: Exclude<StorageWrite, { kind: 'aside' }>): readonly Operation[] {
  const [head, value] = [headKey(write.slot, write.key), valueKey(write.slot, write.key)];
  const gone: Operation = { type: 'del', key: value };
  if (write.kind === 'delete') return [{ type: 'del', key: head }, gone];
  const { record } = write;
  return [
    { type: 'put', key: head, value: record.head },
    record.value === undefined ? gone : { type: 'put', key: value, value: record.value },
  ];
}

async function putAside(
  db: HealingLevel,
  {
    write,
    usage,
    operations,
  }: { readonly write: StorageWrite; readonly usage: AsideUsage; readonly operations: Operation[] },
): Promise<AsideUsage> {
  const { slot, key } = write;
  const [head, value] = await reading(db.read((level) => level.getMany([headKey(slot, key), valueKey(slot, key)])));
  if (head === undefined) return usage;
  // Numbered: a key may be put aside more than once.
  const place = `${usage.records.toString(16).padStart(8, '0')}/${slotText(slot)}/${key}`;
  operations.push({ type: 'put', key: `a/${place}`, value: head }, ...operationsOf({ kind: 'delete', slot, key }));
  if (value !== undefined) operations.push({ type: 'put', key: `b/${place}`, value });
  return { records: usage.records + 1, bytes: usage.bytes + head.byteLength + (value?.byteLength ?? 0) };
}

/** From slot to slot by seeking, whatever lies between. */
async function slotsOf(db: Level): Promise<readonly Slot[]> {
  const slots: Slot[] = [];
  const names = db.keys({ gte: 'h/', lt: 'h0' });
  try {
    for (let name = await names.next(); name !== undefined; name = await names.next()) {
      const text = name.slice(2, 6);
      // Written by `slotText`.
      slots.push(Number.parseInt(text, 16) as Slot);
      names.seek(`h/${text}${BEHIND}`);
    }
  } finally {
    await names.close();
  }
  return slots;
}

function bytesOf(writes: Batch): number {
  let bytes = 0;
  for (const write of writes) {
    bytes += write.key.length;
    if (write.kind === 'put') bytes += write.record.head.byteLength + (write.record.value?.byteLength ?? 0);
  }
  return bytes;
}

function encodeUsage({ records, bytes }: AsideUsage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([records, bytes]));
}

function parseUsage(stored: Uint8Array | undefined): AsideUsage {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(stored ?? NO_BYTES) || '[0,0]');
  const [records, bytes]: readonly unknown[] = Array.isArray(parsed) ? parsed : [];
  return { records: typeof records === 'number' ? records : 0, bytes: typeof bytes === 'number' ? bytes : 0 };
}

async function reading<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new MeshError('storage', `This member's disk could not be read: ${textOf(error)}`, { cause: error });
  }
}

function writeError(error: unknown): MeshError {
  if (isMeshError(error)) return error;
  const text = textOf(error);
  const isFull = /no space left|ENOSPC|quota/i.test(text);
  if (isFull) return new MeshError('storage-full', "This member's disk is full.", { cause: error });
  return new MeshError('storage', `This member's disk could not be written: ${text}`, { cause: error });
}

function openError(folder: string, error: unknown): MeshError {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const isLocked = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'LEVEL_LOCKED';
  if (isLocked) {
    return new MeshError(
      'locked',
      `The data folder ${folder} is used by another process; stop that one or choose another folder.`,
      { cause: error },
    );
  }
  return new MeshError('storage', `The data folder ${folder} can't be opened: ${textOf(cause ?? error)}`, {
    cause: error,
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
