// What a member stores, on a disk that outlives its processes. Reads and writes take their time; a batch
// that was not reported when its process died is there, whole, or not, whatever became of the others.
// The disk can be slow, failing or full, and it can be lost.

import { limits, MeshError, type Durability, type Key, type Slot } from '@shoal/shared';
import type { ScannedHead, Storage, StorageWrite, StoredRecord } from '@shoal/peer';
import type { SimProcess } from './sim-process.ts';
import type { Draw, World } from './world.ts';

export interface SimDisk {
  /** The storage of one process; the disk may have another after it. */
  open(process: SimProcess): Storage;
  /** From now on each access takes so much longer. */
  slow(extraMs: number): void;
  /** The share of writes that fail; half of those leave what they wrote. */
  failing(share: number): void;
  full(isFull: boolean): void;
  /** Power is lost, and of a relaxed disk the batches of the last moments, each with an even chance. No process has it open. */
  loseTail(tailMs: number): void;
  /** What it holds of a slot, for comparing. */
  contentOf(slot: Slot): string;
  /** Everything on it is gone; a process that has it open is told. */
  lose(): void;
  /** As a folder that is removed: whoever has it open is told, and may go on with what nobody else will find. */
  remove(): void;
  /** All that is on it, and to put it on another one. */
  image(): DiskImage;
  restore(image: DiskImage): void;
  readonly isLost: boolean;
  /** Accesses of living processes that are not ended. */
  busy(): number;
}

/** What a loss of power may take of a relaxed disk is younger. */
const TAIL_MS = 3_000;

export type DiskImage = Contents;

interface Contents {
  readonly slots: Map<Slot, Map<Key, StoredRecord>>;
  readonly meta: Map<string, Uint8Array>;
  readonly aside: StoredRecord[];
}

interface Written {
  readonly atMs: number;
  readonly batch: readonly StorageWrite[];
  readonly before: readonly Before[];
}

interface Before {
  readonly slot: Slot;
  readonly key: Key;
  readonly record: StoredRecord | undefined;
}

interface DiskState {
  contents: Contents;
  /** Of a relaxed disk: what a loss of power may take, and what there was before it. */
  readonly tail: Written[];
  readonly durability: Durability;
  extraMs: number;
  failing: number;
  isFull: boolean;
  isLost: boolean;
  lastWriteMs: number;
  readonly opened: OpenDisk[];
  readonly gone: Set<(reason: string) => void>;
}

export function createDisk(world: World, options: { readonly name: string; readonly durability: Durability }): SimDisk {
  const draw = world.random(`disk ${options.name}`);
  const state: DiskState = {
    contents: nothing(),
    tail: [],
    durability: options.durability,
    extraMs: 0,
    failing: 0,
    isFull: false,
    isLost: false,
    lastWriteMs: 0,
    opened: [],
    gone: new Set(),
  };
  return {
    open: (process) => openStorage({ world, draw, state, process, open: { count: 0 } }),
    slow: (extraMs) => (state.extraMs = extraMs),
    failing: (share) => (state.failing = share),
    full: (isFull) => (state.isFull = isFull),
    loseTail(tailMs) {
      const { contents, tail } = state;
      const kept = tail.filter(({ atMs }) => atMs < world.nowMs() - tailMs || draw.chance(0.5));
      // Back to before, and what is kept again, in order.
      for (const { before } of tail.toReversed()) for (const record of before) restore(contents, record);
      for (const { batch } of kept) for (const write of batch) apply(contents, write);
      tail.length = 0;
    },
    contentOf: (slot) => describe(state.contents.slots.get(slot)),
    lose() {
      state.isLost = true;
      tellGone(state);
    },
    remove() {
      state.contents = nothing();
      tellGone(state);
    },
    image: () => structuredClone(state.contents),
    restore: (image) => (state.contents = structuredClone(image)),
    get isLost() {
      return state.isLost;
    },
    busy: () =>
      state.opened.filter(({ process }) => process.state !== 'dead').reduce((sum, { open }) => sum + open.count, 0),
  };
}

function nothing(): Contents {
  return { slots: new Map(), meta: new Map(), aside: [] };
}

function tellGone({ gone }: DiskState): void {
  const told = [...gone];
  gone.clear();
  for (const tell of told) tell('it was removed');
}

interface OpenDisk {
  readonly world: World;
  readonly draw: Draw;
  readonly state: DiskState;
  readonly process: SimProcess;
  /** Accesses that are not ended. */
  readonly open: { count: number };
}

/** Most accesses are quick, some wait for the disk. */
function accessMs({ draw, state }: OpenDisk): number {
  return (draw.chance(0.1) ? draw.between(0, 15) : draw.between(0, 1)) + state.extraMs * draw.next();
}

/** Looks at the disk at some instant, and tells later. Writes land in the order in which they were asked for. */
function access<T>(disk: OpenDisk, what: 'write' | 'read', look: () => T): Promise<T> {
  const { world, draw, state, process, open } = disk;
  return new Promise((resolve, reject) => {
    if (process.state === 'dead') return;
    open.count += 1;
    const takesMs = accessMs(disk);
    let looksMs = takesMs * draw.next();
    if (what === 'write') {
      state.lastWriteMs = Math.max(state.lastWriteMs, world.nowMs() + looksMs);
      looksMs = state.lastWriteMs - world.nowMs();
    }
    world.after(looksMs, () => {
      let tell: () => void;
      try {
        const seen = look();
        tell = () => resolve(seen);
      } catch (error) {
        tell = () => reject(error);
      }
      world.after(Math.max(0, takesMs - looksMs), () =>
        process.deliver(`disk ${what}`, () => {
          open.count -= 1;
          tell();
        }),
      );
    });
  });
}

function openStorage(disk: OpenDisk): Storage {
  const { state, process, draw } = disk;
  state.opened.push(disk);
  const { contents } = state;
  let isClosed = false;
  const writing = new Set<Promise<void>>();
  const open = (): void => {
    if (isClosed) throw new MeshError('closed', 'This storage is closed.');
    if (state.isLost) throw new MeshError('storage', 'This storage is gone.');
  };

  const carryOut = (batch: readonly StorageWrite[]): void => {
    const before = batch.map(({ slot, key }): Before => ({ slot, key, record: contents.slots.get(slot)?.get(key) }));
    for (const write of batch) apply(contents, write);
    if (state.durability === 'strict') return;
    const { tail } = state;
    tail.push({ atMs: disk.world.nowMs(), batch, before });
    while ((tail[0]?.atMs ?? Infinity) < disk.world.nowMs() - TAIL_MS) tail.shift();
  };

  /** A process that died meanwhile has written this batch or not. */
  const put = (batch: readonly StorageWrite[]): void => {
    if (state.isLost) throw new MeshError('storage', 'This storage is gone.');
    if (process.state === 'dead' && draw.chance(0.5)) return;
    const isGrowing = batch.some(({ kind }) => kind === 'put');
    if (state.isFull && isGrowing) throw new MeshError('storage-full', 'This disk is full.');
    const isFailing = draw.chance(state.failing);
    if (!isFailing || draw.chance(0.5)) carryOut(batch);
    if (isFailing) throw new MeshError('storage', 'This disk fails.');
  };

  const write = (batch: readonly StorageWrite[]): Promise<void> => {
    const copied = batch.map(copyOf);
    const written = access(disk, 'write', () => put(copied));
    const ended = written.then(
      () => void writing.delete(ended),
      () => void writing.delete(ended),
    );
    writing.add(ended);
    return written;
  };

  const recordOf = (slot: Slot, key: Key): StoredRecord | undefined => contents.slots.get(slot)?.get(key);

  return {
    durability: state.durability,
    get: async (slot, key) => (open(), access(disk, 'read', () => recordOf(slot, key))),
    getHead: async (slot, key) => (open(), access(disk, 'read', () => recordOf(slot, key)?.head)),
    write: async (batch) => (open(), write(batch)),
    async *scan(slot, { afterKey, signal } = {}): AsyncGenerator<ScannedHead> {
      open();
      const keys = await access(disk, 'read', () => [...(contents.slots.get(slot)?.keys() ?? [])].toSorted());
      for (const key of keys) {
        if (afterKey !== undefined && key <= afterKey) continue;
        signal?.throwIfAborted();
        open();
        const record = recordOf(slot, key);
        if (record !== undefined) yield { key, head: record.head };
      }
    },
    slots: async () => (open(), access(disk, 'read', () => [...contents.slots.keys()].toSorted((a, b) => a - b))),
    getMeta: async (name) => (open(), access(disk, 'read', () => contents.meta.get(name))),
    putMeta: async (name, value) => {
      open();
      const copy = value.slice();
      await access(disk, 'write', () => {
        if (process.state !== 'dead' || draw.chance(0.5)) contents.meta.set(name, copy);
      });
    },
    async asideUsage() {
      open();
      let bytes = 0;
      for (const { head, value } of contents.aside) bytes += head.byteLength + (value?.byteLength ?? 0);
      return { records: contents.aside.length, bytes };
    },
    freeBytes: async () => (open(), state.isFull ? 0 : 100 * limits.storageReserveBytes),
    onGone(gone) {
      const tell = (reason: string): void => process.deliver('disk gone', () => gone(reason));
      state.gone.add(tell);
      return () => state.gone.delete(tell);
    },
    async close() {
      isClosed = true;
      await Promise.all(writing);
    },
  };
}

function copyOf(write: StorageWrite): StorageWrite {
  if (write.kind !== 'put') return write;
  const { head, value } = write.record;
  return { ...write, record: { head: head.slice(), value: value?.slice() } };
}

function restore(contents: Contents, { slot, key, record }: Before): void {
  if (record === undefined) apply(contents, { kind: 'delete', slot, key });
  else apply(contents, { kind: 'put', slot, key, record });
}

function describe(records: ReadonlyMap<Key, StoredRecord> | undefined): string {
  const hex = (bytes: Uint8Array | undefined): string =>
    bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
  return [...(records ?? [])]
    .map(([key, { head, value }]) => `${key} ${hex(head)} ${hex(value)}`)
    .toSorted()
    .join('\n');
}

function apply(contents: Contents, write: StorageWrite): void {
  const { slot, key } = write;
  const records = contents.slots.get(slot) ?? new Map<Key, StoredRecord>();
  if (write.kind === 'put') {
    records.set(key, write.record);
    contents.slots.set(slot, records);
    return;
  }
  const record = records.get(key);
  if (write.kind === 'aside' && record !== undefined) contents.aside.push(record);
  records.delete(key);
  if (records.size === 0) contents.slots.delete(slot);
}
