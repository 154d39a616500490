// Reading records in IndexedDB: one of them, the heads of a slot page by page, the slots that there are.
// Names are `SLOT:KEY`, SLOT four hex digits.

import { promisifyRequest, type UseStore } from 'idb-keyval';
import { isMeshError, MeshError, type Slot } from '@shoal/shared';
import type { StoredRecord } from '@shoal/peer';

/** Heads read in one transaction. */
export const SCAN_PAGE = 256;
/** The character behind `:`, so above every key of a slot. */
const BEHIND = ';';

function slotText(slot: Slot): string {
  return slot.toString(16).padStart(4, '0');
}

/** Under which a record lies; of an empty key: what all names of the slot begin with. */
export function nameOf(slot: Slot, key: string): string {
  return `${slotText(slot)}:${key}`;
}

/** What was stored as bytes. */
export function asBytes(stored: unknown): Uint8Array | undefined {
  return stored instanceof Uint8Array ? stored : undefined;
}

/** Head and value in one transaction: of the same write. */
export async function getRecord(records: UseStore, name: string): Promise<StoredRecord | undefined> {
  const [head, value] = await records('readonly', (store) =>
    Promise.all([
      promisifyRequest<unknown>(store.get(name)),
      promisifyRequest<unknown>(store.transaction.objectStore('values').get(name)),
    ]),
  );
  const bytes = asBytes(head);
  return bytes === undefined ? undefined : { head: bytes, value: asBytes(value) };
}

/** Names and heads of the slot behind the name `after`, at most a page. */
export async function scanPage(
  heads: UseStore,
  slot: Slot,
  after: string,
): Promise<readonly (readonly [string, Uint8Array])[]> {
  const range = IDBKeyRange.bound(after, `${slotText(slot)}${BEHIND}`, true, true);
  const [names, found] = await heads('readonly', (store) =>
    Promise.all([
      promisifyRequest(store.getAllKeys(range, SCAN_PAGE)),
      promisifyRequest<unknown[]>(store.getAll(range, SCAN_PAGE)),
    ]),
  );
  return names.flatMap((name, index) => {
    const head = asBytes(found[index]);
    return typeof name === 'string' && head !== undefined ? [[name, head] as const] : [];
  });
}

/** From slot to slot by a cursor that skips what lies between. */
export function slotsOf(heads: UseStore): Promise<readonly Slot[]> {
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

/** Whatever the browser threw, as an error with a code. */
export function storageError(error: unknown): MeshError {
  if (isMeshError(error)) return error;
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'QuotaExceededError')
    return new MeshError('storage-full', 'The browser gives this page no more storage.', { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  return new MeshError('storage', `The browser's storage failed: ${text}`, { cause: error });
}
