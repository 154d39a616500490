// `Storage` in the browser, through idb-keyval: one database for each identity, with group commit and
// range scans by a store function of our own (idb-keyval's makes one object store for each database
// and takes no durability). Records are relaxed, as browsers are; facts such as the identity strict.
// Needs neither Web Locks nor `navigator.storage`, which a page on plain http has not.

import { get, promisifyRequest, set, type UseStore } from 'idb-keyval';
import { isMeshError, MeshError, type Key, type Slot } from '@shoal/shared';
import { createGroupCommit, type ScannedHead, type Storage, type StorageWrite, type StoredRecord } from '@shoal/peer';
import { openDatabase, useStores, type StoreName } from './idb-database.ts';

type Batch = readonly StorageWrite[];

interface AsideUsage {
  readonly records: number;
  readonly bytes: number;
}

/** A fact that is there for as long as the data are: site data may be cleared under a running tab. */
const SENTINEL = '~sentinel';
const ASIDE = '~aside';
const RECORD_STORES: readonly StoreName[] = ['heads', 'values'];
const WRITE_STORES: readonly StoreName[] = ['heads', 'values', 'meta', 'aside'];
/** Heads read in one transaction. */
const SCAN_PAGE = 256;
/** The character behind `:`, so above every key of a slot. */
const BEHIND = ';';

/** Opens or makes the database of that name. Rejects `storage` with what to do if the browser refuses. */
export async function createIdbStorage(name: string): Promise<Storage> {
  const db = await openDatabase(name);
  try {
    const meta = useStores(db, ['meta'], 'strict');
    const known = await get<unknown>(SENTINEL, meta);
    if (known === undefined) await set(SENTINEL, true, meta);
    return idbStorage(db, parseUsage(await get<unknown>(ASIDE, meta)));
  } catch (error) {
    db.close();
    throw storageError(error);
  }
}

function idbStorage(db: IDBDatabase, asideBefore: AsideUsage): Storage {
  const heads = useStores(db, ['heads']);
  const records = useStores(db, RECORD_STORES);
  const meta = useStores(db, ['meta'], 'strict');
  const all = useStores(db, WRITE_STORES);
  const listeners = new Set<(reason: string) => void>();
  let aside = asideBefore;
  let closing: Promise<void> | undefined;
  let isGone = false;

  const requireOpen = (): void => {
    if (closing !== undefined) throw new MeshError('closed', 'This storage is closed.');
    if (isGone) throw goneError();
  };

  const gone = (reason: string): void => {
    if (isGone || closing !== undefined) return;
    isGone = true;
    db.close();
    for (const tell of [...listeners]) tell(reason);
    listeners.clear();
  };
  db.addEventListener('close', () => gone("The browser closed this tab's store: its site data were cleared."));
  db.addEventListener('versionchange', () => gone("This tab's store is being deleted."));

  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    requireOpen();
    try {
      return await work();
    } catch (error) {
      throw isGone ? goneError() : storageError(error);
    }
  };

  const commit = async (batches: readonly Batch[]): Promise<void> => {
    if (isGone) throw goneError();
    let usage = aside;
    try {
      await all('readwrite', (store) => {
        const { transaction } = store;
        return whole(transaction, () => {
          const sentinel = transaction.objectStore('meta').get(SENTINEL);
          sentinel.onsuccess = () => {
            if (sentinel.result === undefined) abort(transaction);
          };
          for (const write of batches.flat()) carryOut(transaction, write, (bytes) => (usage = { records: usage.records + 1, bytes: usage.bytes + bytes }));
        });
      });
      aside = usage;
    } catch (error) {
      await checkSentinel();
      throw isGone ? goneError() : storageError(error);
    }
  };

  const checkSentinel = async (): Promise<void> => {
    try {
      if ((await get<unknown>(SENTINEL, meta)) === undefined) gone("This tab's stored data were cleared.");
    } catch (error) {
      // A connection that the browser closed can't begin a transaction.
      if (error instanceof DOMException && error.name === 'InvalidStateError') gone("The browser closed this tab's store.");
    }
  };

  const groups = createGroupCommit<Batch>({ commit });

  return {
    durability: 'relaxed',
    get: (slot, key) => reading(() => getRecord(records, nameOf(slot, key))),
    getHead: (slot, key) => reading(() => get<Uint8Array>(nameOf(slot, key), heads)),
    async write(batch) {
      requireOpen();
      await groups.write(batch, { bytes: bytesOf(batch), alone: batch.some(({ kind }) => kind === 'aside') });
    },
    async *scan(slot, { afterKey, signal } = {}): AsyncGenerator<ScannedHead> {
      const prefix = nameOf(slot, '');
      let after = `${prefix}${afterKey ?? ''}`;
      for (;;) {
        const page = await reading(() => scanPage(heads, after, `${slotText(slot)}${BEHIND}`));
        for (const [name, head] of page) {
          signal?.throwIfAborted();
          // What was stored under this prefix was a key.
          yield { key: name.slice(prefix.length) as Key, head };
          requireOpen();
          after = name;
        }
        if (page.length < SCAN_PAGE) return;
      }
    },
    slots: () => reading(() => slotsOf(heads)),
    getMeta: (name) => reading(() => get<Uint8Array>(`m/${name}`, meta)),
    putMeta: (name, value) => reading(() => set(`m/${name}`, value.slice(), meta)),
    asideUsage: () => reading(() => Promise.resolve(aside)),
    freeBytes: () => reading(freeBytes),
    onGone(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing ??= groups.close().then(() => {
        listeners.clear();
        db.close();
      });
      await closing;
    },
  };
}

function slotText(slot: Slot): string {
  return slot.toString(16).padStart(4, '0');
}

function nameOf(slot: Slot, key: string): string {
  return `${slotText(slot)}:${key}`;
}

/** Resolves when the transaction is complete. What `fill` throws takes back all of it. */
function whole(transaction: IDBTransaction, fill: () => void): Promise<void> {
  const done = promisifyRequest(transaction);
  try {
    fill();
  } catch (error) {
    abort(transaction);
    return done.then(
      () => Promise.reject(storageError(error)),
      () => Promise.reject(storageError(error)),
    );
  }
  return done.then(undefined, (error: unknown) => Promise.reject(storageError(error ?? transaction.error)));
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself: there is nothing to take back.
  }
}

function carryOut(transaction: IDBTransaction, write: StorageWrite, onAside: (bytes: number) => AsideUsage): void {
  const heads = transaction.objectStore('heads');
  const values = transaction.objectStore('values');
  const name = nameOf(write.slot, write.key);
  if (write.kind === 'put') {
    const { head, value } = write.record;
    // Copies: a view would be stored with its whole buffer.
    heads.put(head.slice(), name);
    if (value === undefined) values.delete(name);
    else values.put(value.slice(), name);
    return;
  }
  if (write.kind === 'aside') readAside(transaction, name, onAside);
  heads.delete(name);
  values.delete(name);
}

/** Requests run in their order, so these reads see the record that the deletes behind them remove. */
function readAside(transaction: IDBTransaction, name: string, onAside: (bytes: number) => AsideUsage): void {
  const head = transaction.objectStore('heads').get(name);
  const value = transaction.objectStore('values').get(name);
  value.onsuccess = () => {
    const found = { name, head: asBytes(head.result), value: asBytes(value.result) };
    if (found.head === undefined) return;
    const usage = onAside(found.head.byteLength + (found.value?.byteLength ?? 0));
    transaction.objectStore('aside').add(found);
    transaction.objectStore('meta').put([usage.records, usage.bytes], ASIDE);
  };
}

function asBytes(stored: unknown): Uint8Array | undefined {
  return stored instanceof Uint8Array ? stored : undefined;
}

async function getRecord(records: UseStore, name: string): Promise<StoredRecord | undefined> {
  const [head, value] = await records('readonly', (store) =>
    Promise.all([promisifyRequest<unknown>(store.get(name)), promisifyRequest<unknown>(store.transaction.objectStore('values').get(name))]),
  );
  const bytes = asBytes(head);
  return bytes === undefined ? undefined : { head: bytes, value: asBytes(value) };
}

async function scanPage(heads: UseStore, after: string, before: string): Promise<readonly (readonly [string, Uint8Array])[]> {
  const range = IDBKeyRange.bound(after, before, true, true);
  const [names, found] = await heads('readonly', (store) =>
    Promise.all([promisifyRequest(store.getAllKeys(range, SCAN_PAGE)), promisifyRequest<unknown[]>(store.getAll(range, SCAN_PAGE))]),
  );
  return names.flatMap((name, index) => {
    const head = asBytes(found[index]);
    return typeof name === 'string' && head !== undefined ? [[name, head] as const] : [];
  });
}

/** From slot to slot by a cursor that skips what lies between. */
function slotsOf(heads: UseStore): Promise<readonly Slot[]> {
  return heads('readonly', (store) => {
    const slots: Slot[] = [];
    const request = store.openKeyCursor();
    return new Promise((resolve, reject) => {
      request.onerror = () => reject(storageError(request.error));
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null) return resolve(slots);
        const text = String(cursor.key).slice(0, 4);
        // Written by `slotText`.
        slots.push(Number.parseInt(text, 16) as Slot);
        return cursor.continue(`${text}${BEHIND}`);
      };
    });
  });
}

async function freeBytes(): Promise<number> {
  // Not there on plain http.
  const manager: StorageManager | undefined = navigator.storage;
  const estimate = await manager?.estimate();
  if (estimate?.quota === undefined) return Infinity;
  return Math.max(0, estimate.quota - (estimate.usage ?? 0));
}

function bytesOf(batch: Batch): number {
  let bytes = 0;
  for (const write of batch) {
    bytes += write.key.length;
    if (write.kind === 'put') bytes += write.record.head.byteLength + (write.record.value?.byteLength ?? 0);
  }
  return bytes;
}

function parseUsage(stored: unknown): AsideUsage {
  const [records, bytes]: readonly unknown[] = Array.isArray(stored) ? stored : [];
  return { records: typeof records === 'number' ? records : 0, bytes: typeof bytes === 'number' ? bytes : 0 };
}

function goneError(): MeshError {
  return new MeshError('storage', "This tab's store is gone; reload the page.");
}

function storageError(error: unknown): MeshError {
  if (isMeshError(error)) return error;
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'QuotaExceededError') return new MeshError('storage-full', 'The browser gives this page no more storage.', { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  return new MeshError('storage', `The browser's storage failed: ${text}`, { cause: error });
}
