// `Storage` in the browser, through idb-keyval: one database for each identity, with group commit and
// range scans by a store function of our own (idb-keyval's makes one object store for each database
// and takes no durability). Records are relaxed, as browsers are; facts such as the identity strict.
// Needs neither Web Locks nor `navigator.storage`, which a page on plain http has not.

import { get, promisifyRequest, set } from 'idb-keyval';
import { MeshError, type Key } from '@shoal/shared';
import { createGroupCommit, type ScannedHead, type Storage, type StorageWrite } from '@shoal/peer';
import { openDatabase, useStores, type StoreName } from './idb-database.ts';
import { asBytes, getRecord, nameOf, SCAN_PAGE, scanPage, slotsOf, storageError } from './idb-reading.ts';

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
          for (const write of batches.flat())
            carryOut(
              transaction,
              write,
              (bytes) => (usage = { records: usage.records + 1, bytes: usage.bytes + bytes }),
            );
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
      if (error instanceof DOMException && error.name === 'InvalidStateError')
        gone("The browser closed this tab's store.");
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
        const page = await reading(() => scanPage(heads, slot, after));
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
