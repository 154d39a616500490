// The database under `idb-storage`: opened with its four object stores, and handed out in the form of
// idb-keyval's store functions.

import type { UseStore } from 'idb-keyval';
import { MeshError } from '@shoal/shared';

export type StoreName = 'heads' | 'values' | 'meta' | 'aside';

const VERSION = 1;

/** Rejects `storage` with a sentence if the browser lets the page store nothing. */
export function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      const text = error instanceof Error ? error.message : String(error);
      reject(
        new MeshError('storage', `This browser lets the page store nothing (${text}); allow site data and reload.`, {
          cause: error,
        }),
      );
    };
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, VERSION);
    } catch (error) {
      return fail(error);
    }
    request.onupgradeneeded = () => {
      const { result: db } = request;
      db.createObjectStore('heads');
      db.createObjectStore('values');
      db.createObjectStore('meta');
      db.createObjectStore('aside', { autoIncrement: true });
    };
    request.onerror = () => fail(request.error);
    request.onblocked = () => fail('it is being deleted');
    request.onsuccess = () => resolve(request.result);
    return undefined;
  });
}

/** A store function over the first of `names`; the transaction spans them all. */
export function useStores(
  db: IDBDatabase,
  names: readonly StoreName[],
  durability: IDBTransactionDurability = 'relaxed',
): UseStore {
  const [first = 'meta'] = names;
  return async (mode, callback) => callback(db.transaction([...names], mode, { durability }).objectStore(first));
}
