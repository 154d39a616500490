// The store of a page's member, opened: one that no other tab holds, or memory if the browser refuses.

import {
  createMemoryStorage,
  createSocketIoRendezvous,
  type Rendezvous,
  type Storage,
  storedIdentity,
} from '@shoal/peer';
import { type Clock, createDeferred, createSystemRandom, type PeerId } from '@shoal/shared';
import { createIdbStorage } from './adapters/idb-storage.ts';
import { type TakenStore, takeStore } from './adapters/identity.ts';
import type { LocalMemory } from './adapters/local-memory.ts';

/** Where a member is to be, and with what. */
export interface StorePlace {
  readonly url: string;
  readonly mesh: string;
  readonly token: string | undefined;
  readonly clock: Clock;
  readonly memory: LocalMemory;
  /** Stores that this page can't use. */
  readonly unusable: ReadonlySet<string>;
}

export interface OpenedStore {
  readonly storage: Storage;
  readonly taken: TakenStore | undefined;
  readonly refusal?: string;
}

/** The browser may refuse to store anything: then the member lives in memory, and says so. */
export async function openStore(place: StorePlace): Promise<OpenedStore> {
  let taken: TakenStore | undefined;
  try {
    taken = await takeStore({
      mesh: place.mesh,
      memory: place.memory,
      clock: place.clock,
      random: createSystemRandom(),
      locks: lockManager(),
      except: place.unusable,
      databases: databaseNames,
      identityOf: identityIn,
      areAlive: (ids) => askAlive(place, ids),
    });
    return { storage: await createIdbStorage(taken.name), taken };
  } catch (error) {
    await taken?.release();
    return {
      storage: createMemoryStorage(),
      taken: undefined,
      refusal: error instanceof Error ? error.message : String(error),
    };
  }
}

/** To the server, as that mesh. */
export function createRendezvous({ url, mesh, token }: StorePlace): Rendezvous {
  return createSocketIoRendezvous({ url, mesh, ...(token === undefined ? {} : { token }) });
}

/** Asks the registrar over a connection of its own, since there is no member yet. */
async function askAlive(place: StorePlace, ids: readonly PeerId[]): Promise<readonly boolean[]> {
  const rendezvous = createRendezvous(place);
  const up = createDeferred<void>();
  rendezvous.connect({
    up: () => up.resolve(),
    down: up.reject,
    refused: up.reject,
    heard: () => undefined,
    event: () => undefined,
  });
  try {
    await up.promise;
    return (await rendezvous.request('lookup', { members: [...ids] })).alive;
  } finally {
    await rendezvous.close();
  }
}

/** None in a browser that does not tell. */
async function databaseNames(): Promise<readonly string[]> {
  if (!('databases' in indexedDB)) return [];
  return (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
}

async function identityIn(name: string): Promise<PeerId | undefined> {
  const storage = await createIdbStorage(name);
  try {
    return await storedIdentity(storage);
  } finally {
    await storage.close();
  }
}

/** Types say that it is always there; on plain http it is not. */
function lockManager(): LockManager | undefined {
  return 'locks' in navigator ? navigator.locks : undefined;
}
