// One hand-off, at the learner (rule 26): becomes an exact copy of what the owner has. The owner's
// record replaces this one's even if that one's version is higher, and what the owner lacks goes;
// except writes above the owner's counter at `begin`: they came live.

import {
  addToDigest,
  compareVersions,
  EMPTY_DIGEST,
  limits,
  MeshError,
  removeFromDigest,
  type BeginFrame,
  type Key,
  type PartFrame,
  type PeerId,
  type RecordHead,
  type RecordsFrame,
  type ReplicateFrame,
  type SlotDigest,
  type SlotFrame,
  type Version,
} from '@shoal/shared';
import { unpackRecords } from './moved-records.ts';
import type { RecordToWrite } from './slot-records.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

/** Frames of one hand-off not yet worked off; the owner waits for answers, so only live writes can pile up. */
const QUEUE_MOST = limits.slotWaiting;
const REMOVED_AT_ONCE = 256;

interface Entry {
  readonly version: Version;
  readonly tombstone: boolean;
  readonly writtenAtMs: number;
  /** The owner has it, as far as parts have come. */
  isListed: boolean;
}

export interface Learner {
  /** Takes it in turn. */
  receive(frame: SlotFrame): void;
  /** Nothing more is stored or answered. */
  stop(): void;
  /** The same, when it becomes a copy: whether all that it accepted is on storage. */
  finish(): Promise<boolean>;
  /** What it holds, for the owner that it becomes. */
  readonly digest: SlotDigest;
  tombstones(): Iterable<{ readonly key: Key; readonly version: Version; readonly writtenAtMs: number }>;
}

export function createLearner(
  context: StoreContext,
  cell: SlotCell,
  options: { readonly from: PeerId; readonly begin: BeginFrame },
): Learner {
  const { from, begin } = options;
  const head = { slot: cell.slot, epoch: begin.epoch, number: begin.number };
  const index = new Map<Key, Entry>();
  const writing = new Set<Promise<void>>();
  const wanted = new Set<Key>();
  let digest = EMPTY_DIGEST;
  let isStopped = false;
  let hasFailed = false;
  let queued = 0;

  const send = (frame: SlotFrame): void => {
    if (!isStopped) context.deps.send(from, frame);
  };

  const fail = (error: unknown): void => {
    if (isStopped) return;
    context.deps.logger.warn('learner failed', { slot: cell.slot, error: String(error) });
    send({ kind: 'resign', slot: cell.slot, epoch: begin.epoch });
    context.dispatch(cell, { kind: 'unlearn', number: begin.number });
  };

  const isLive = (version: Version): boolean =>
    compareVersions(version, { epoch: begin.epoch, counter: begin.counter }) > 0;

  const forget = (key: Key): void => {
    const entry = index.get(key);
    if (entry === undefined) return;
    digest = removeFromDigest(digest, key, entry.version);
    index.delete(key);
  };

  const note = (key: Key, { version, tombstone, writtenAtMs }: RecordHead, isListed: boolean): void => {
    forget(key);
    digest = addToDigest(digest, key, version);
    index.set(key, { version, tombstone, writtenAtMs, isListed });
  };

  const store = (records: readonly RecordToWrite[]): Promise<void> => {
    if (records.length === 0) return Promise.all(writing).then(() => undefined);
    let bytes = 0;
    for (const { value } of records) bytes += value?.byteLength ?? 0;
    context.spent(bytes);
    const write = context.records.write(cell.slot, records).finally(() => {
      writing.delete(write);
      cell.storing.delete(write);
    });
    writing.add(write);
    cell.storing.add(write);
    write.catch(() => (hasFailed = true));
    return write;
  };

  const start = async (): Promise<void> => {
    await context.records.load(cell.slot, cell.row?.emptyBefore ?? 0, begin.epoch, (key, recordHead) => {
      if (!isStopped) note(key, recordHead, false);
    });
    send({ kind: 'begun', ...head, digest });
  };

  const replicate = (frame: ReplicateFrame): void => {
    const fresh = unpackRecords(frame).filter(({ key, head: { version } }) => {
      const entry = index.get(key);
      return entry === undefined || compareVersions(entry.version, version) < 0;
    });
    for (const record of fresh) note(record.key, record.head, true);
    context.memory.add(cell.slot, frame.requestId, frame.version);
    // Not awaited here: the next frame may come while this one is written.
    store(fresh).then(() => send({ kind: 'stored', ...head, version: frame.version }), fail);
  };

  const part = async (frame: PartFrame): Promise<void> => {
    wanted.clear();
    for (const { key, version } of frame.keys) {
      const entry = index.get(key);
      if (entry !== undefined) entry.isListed = true;
      if (entry === undefined || (!isLive(entry.version) && compareVersions(entry.version, version) !== 0))
        wanted.add(key);
    }
    if (frame.toKey === undefined) await removeUnlisted();
    send({ kind: 'want', ...head, keys: [...wanted] });
  };

  /** Only when all parts have come: storages may order keys differently, so a part's range says nothing. */
  const removeUnlisted = async (): Promise<void> => {
    const gone = [...index].filter(([, entry]) => !entry.isListed && !isLive(entry.version)).map(([key]) => key);
    for (let first = 0; first < gone.length; first += REMOVED_AT_ONCE) {
      const keys = gone.slice(first, first + REMOVED_AT_ONCE);
      for (const key of keys) forget(key);
      await context.records.remove(cell.slot, keys);
    }
  };

  const takeRecords = async (frame: RecordsFrame): Promise<void> => {
    const fresh = unpackRecords(frame).filter(({ key, head: { version } }) => {
      wanted.delete(key);
      const entry = index.get(key);
      return entry === undefined || !isLive(entry.version) || compareVersions(entry.version, version) < 0;
    });
    for (const record of fresh) note(record.key, record.head, true);
    await store(fresh);
    send({ kind: 'want', ...head, keys: [...wanted] });
  };

  const handle = async (frame: SlotFrame): Promise<void> => {
    queued -= 1;
    if (isStopped) return;
    switch (frame.kind) {
      case 'replicate':
        return replicate(frame);
      case 'part':
        return part(frame);
      case 'records':
        return takeRecords(frame);
      case 'check':
        await Promise.all(writing);
        return send({ kind: 'report', ...head, digest });
      default:
        return undefined;
    }
  };

  context.memory.open(cell.slot, begin.reachMs ?? 0, begin.remembered);
  const { jobs } = cell;
  let chain = context.ready
    .then(() => jobs)
    .then(() => Promise.allSettled(cell.storing))
    .then(start);
  chain.catch(fail);
  cell.jobs = chain.catch(() => undefined);

  const stop = (): void => {
    isStopped = true;
    // What begins next on this slot's storage waits for what was begun here.
    cell.jobs = Promise.allSettled([cell.jobs, chain, ...writing]).then(() => undefined);
  };

  return {
    receive(frame) {
      queued += 1;
      if (queued > QUEUE_MOST) return fail(new MeshError('busy', 'Too many frames of one hand-off.'));
      chain = chain.then(() => handle(frame));
      chain.catch(fail);
    },
    stop,
    async finish() {
      stop();
      await cell.jobs;
      return !hasFailed;
    },
    get digest() {
      return digest;
    },
    *tombstones() {
      for (const [key, { version, tombstone, writtenAtMs }] of index)
        if (tombstone) yield { key, version, writtenAtMs };
    },
  };
}
