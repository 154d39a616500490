// Which of this browser's stores a tab takes: one that no open tab holds, so that a store and the
// identity in it are found again after a reload, a closed tab or a killed browser; in doubt a new one.
//
// With Web Locks the lock of a store's name says it all. On plain http there are none: tabs that are
// awake answer for theirs over a BroadcastChannel, the registrar says of the others whether the
// identity has a living incarnation, and a claim in localStorage settles who of two tabs that ask at
// once may have it. Nothing comes from sessionStorage, which a duplicated tab copies.

import { type Clock, type PeerId, parsePeerId, type Random, randomHex, sleep } from '@shoal/shared';
import type { LocalMemory } from './local-memory.ts';

export interface TakenStore {
  /** Of the database. */
  readonly name: string;
  /** Remembers the identity, once it is known, for the tabs of later. */
  remember(id: PeerId): void;
  /** Resolves when another tab may have it. */
  release(): Promise<void>;
}

type Release = () => Promise<void>;

export interface StoreChoice {
  readonly mesh: string;
  readonly memory: LocalMemory;
  readonly clock: Clock;
  readonly random: Random;
  /** Absent where the page is no secure context. */
  readonly locks: LockManager | undefined;
  /** Stores that this page tried and could not use: of another mesh, or taken over by somebody. */
  readonly except: ReadonlySet<string>;
  /** Databases of this browser, by name: they outlive a killed browser, which may have written no localStorage yet. */
  databases(): Promise<readonly string[]>;
  /** Whose store it is. Asked only where there are no locks. */
  identityOf(name: string): Promise<PeerId | undefined>;
  /** Whether these identities have a living incarnation. Asked only where there are no locks; if it rejects, all might. */
  areAlive(ids: readonly PeerId[]): Promise<readonly boolean[]>;
}

interface KnownStore {
  readonly name: string;
  readonly id?: PeerId;
  readonly usedAtMs: number;
}

/** Until the lock of a page that is gone is free. */
const UNLOCKED_MS = 100;
/** Of more, the oldest are not tried: each may take a moment. */
const KNOWN_MAX = 32;
/** Tabs of one browser answer within a few milliseconds, busy ones too. */
const ANSWER_MS = 150;
/** A page that was reloaded or closed is seen to be gone by then. */
const GONE_TRIES = 5;
const GONE_MS = 200;

export async function takeStore(choice: StoreChoice): Promise<TakenStore> {
  const registry = createRegistry(choice);
  const hold = choice.locks === undefined ? await createClaims(choice) : createLocks(choice, choice.locks);
  const known = (await withDatabases(choice, registry.list())).filter(({ name }) => !choice.except.has(name));
  for (let pass = 0; pass < hold.passes && known.length > 0; pass += 1) {
    if (pass > 0) await sleep(choice.clock, UNLOCKED_MS);
    for (const store of known) {
      const release = await hold.take(store);
      if (release !== undefined) return taken(store.name, registry, release);
    }
  }
  const name = `${beginningOf(choice.mesh)}${randomHex(choice.random, 8)}`;
  const release = await hold.takeNew(name);
  return taken(name, registry, release);
}

/** Those that were noted, newest first, then those that only the browser knows of. */
async function withDatabases(
  { mesh, databases }: StoreChoice,
  noted: readonly KnownStore[],
): Promise<readonly KnownStore[]> {
  const names = new Set(noted.map(({ name }) => name));
  const others = (await databases()).filter((name) => name.startsWith(beginningOf(mesh)) && !names.has(name));
  return [...noted, ...others.map((name) => ({ name, usedAtMs: 0 }))];
}

function beginningOf(mesh: string): string {
  return `shoal/${mesh}/`;
}

function taken(name: string, registry: Registry, release: Release): TakenStore {
  registry.note(name);
  return { name, release, remember: (id) => registry.note(name, id) };
}

interface Hold {
  /** How often to go through the known stores. */
  readonly passes: number;
  /** The way to let go, or undefined if a living tab has it, or might. */
  take(store: KnownStore): Promise<Release | undefined>;
  takeNew(name: string): Promise<Release>;
}

function createLocks({ mesh }: StoreChoice, locks: LockManager): Hold {
  const lock = (name: string): Promise<Release | undefined> =>
    new Promise((resolve, reject) => {
      // The lock is held until the promise that its holder returns is settled.
      const ended: Promise<unknown> = locks.request(`shoal-store/${mesh}/${name}`, { ifAvailable: true }, (granted) => {
        if (granted === null) return resolve(undefined);
        return new Promise<void>((letGo) =>
          resolve(async () => {
            letGo();
            await ended;
          }),
        );
      });
      ended.catch(reject);
    });
  return {
    // The lock of a page that is being reloaded may be there for a moment longer than the page.
    passes: 2,
    take: ({ name }) => lock(name),
    takeNew: async (name) => (await lock(name)) ?? (() => Promise.resolve()),
  };
}

type TabMessage =
  | { readonly kind: 'who-holds'; readonly asked: string }
  | { readonly kind: 'held'; readonly store: string };

async function createClaims({ mesh, memory, clock, random, areAlive, identityOf }: StoreChoice): Promise<Hold> {
  const tab = randomHex(random, 8);
  const channel = new BroadcastChannel(`shoal-stores/${mesh}`);
  const held = new Set<string>();
  const own = new Set<string>();
  channel.addEventListener('message', ({ data }: MessageEvent<TabMessage>) => {
    if (data.kind === 'held') held.add(data.store);
    else for (const store of own) channel.postMessage({ kind: 'held', store } satisfies TabMessage);
  });
  const ask = async (): Promise<void> => {
    channel.postMessage({ kind: 'who-holds', asked: tab } satisfies TabMessage);
    await sleep(clock, ANSWER_MS);
  };
  const claimName = (name: string): string => `claim/${name}`;
  const holdIt = (name: string): Release => {
    own.add(name);
    channel.postMessage({ kind: 'held', store: name } satisfies TabMessage);
    return () => {
      own.delete(name);
      memory.set(claimName(name), '');
      return Promise.resolve();
    };
  };
  await ask();

  return {
    passes: 1,
    take: async ({ name, id: noted }) => {
      if (held.has(name)) return undefined;
      const id = noted ?? (await identityOf(name));
      if (id === undefined || !(await isGone(id, clock, areAlive))) return undefined;
      memory.set(claimName(name), tab);
      // Whoever asks at the same time has written its claim by the end of this: the last one has it.
      await ask();
      return held.has(name) || memory.get(claimName(name)) !== tab ? undefined : holdIt(name);
    },
    takeNew: async (name) => holdIt(name),
  };
}

/** False in doubt. A page that was just closed may still count as living for a moment. */
async function isGone(id: PeerId, clock: Clock, areAlive: StoreChoice['areAlive']): Promise<boolean> {
  for (let attempt = 0; attempt < GONE_TRIES; attempt += 1) {
    try {
      const [isAlive] = await areAlive([id]);
      if (isAlive === false) return true;
    } catch {
      // No registrar, so nobody knows: joining will say why.
      return false;
    }
    await sleep(clock, GONE_MS);
  }
  return false;
}

interface Registry {
  /** Newest first. */
  list(): readonly KnownStore[];
  note(name: string, id?: PeerId): void;
}

const ENTRY = 'store/';

/** An entry for each store: tabs that come at once don't overwrite each other's. */
function createRegistry({ memory, clock }: StoreChoice): Registry {
  const read = (name: string): KnownStore | undefined => parseStore(name, memory.get(ENTRY + name));
  return {
    list: () =>
      memory
        .names(ENTRY)
        .flatMap((entry) => read(entry.slice(ENTRY.length)) ?? [])
        .sort((a, b) => b.usedAtMs - a.usedAtMs)
        .slice(0, KNOWN_MAX),
    note: (name, id = read(name)?.id) => {
      memory.set(ENTRY + name, JSON.stringify({ usedAtMs: clock.wallMs(), ...(id === undefined ? {} : { id }) }));
    },
  };
}

/** What a stranger or an older release may have written there is left out. */
function parseStore(name: string, text: string | undefined): KnownStore | undefined {
  try {
    const parsed: unknown = JSON.parse(text ?? 'null');
    if (typeof parsed !== 'object' || parsed === null || !('usedAtMs' in parsed) || typeof parsed.usedAtMs !== 'number')
      return undefined;
    const id = 'id' in parsed ? parsePeerId(parsed.id) : undefined;
    return { name, usedAtMs: parsed.usedAtMs, ...(id === undefined ? {} : { id }) };
  } catch {
    return undefined;
  }
}
