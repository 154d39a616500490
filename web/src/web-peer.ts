// The member of a page: peer over the browser's adapters. The page uses `startMember`; programs that
// are bundled with Shoal use `join`, which is the twin of node-peer's.

import {
  createMemoryStorage,
  createPeer,
  createSimplePeerTransport,
  createSocketIoRendezvous,
  loadIdentity,
  type Mesh,
  type Rendezvous,
  type Storage,
  storedIdentity,
} from '@shoal/peer';
import {
  type Clock,
  createDeferred,
  createSystemRandom,
  isMeshError,
  limits,
  type Logger,
  MeshError,
  type PeerId,
  type Random,
  silentLogger,
} from '@shoal/shared';
import { createCageWorkerHost } from './adapters/cage-worker-host.ts';
import { type TakenStore, takeStore } from './adapters/identity.ts';
import { createIdbStorage } from './adapters/idb-storage.ts';
import { createLocalMemory, type LocalMemory } from './adapters/local-memory.ts';
import { createPageChunkReader } from './adapters/page-loader.ts';
import { createWorkerClock } from './adapters/worker-clock.ts';

export interface JoinOptions {
  /** The server; by default the one that gave this page. */
  readonly url?: string;
  readonly mesh?: string;
  readonly token?: string;
  readonly name?: string;
  readonly workers?: number;
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

export interface MemberOptions extends JoinOptions {
  readonly clock?: Clock;
  readonly onStep?: (step: 'store' | 'registrar' | 'admission') => void;
}

export interface Member {
  readonly mesh: Mesh;
  readonly store: { readonly kind: 'indexed-db' | 'memory'; readonly refusal?: string };
  /** Keeps the name with the store, for the tab that takes it next. */
  rememberName(name: string): void;
}

/** Joins a mesh from a page. Resolves when this page is a member. Rejects with a code that says why not. */
export async function join(options: JoinOptions = {}): Promise<Mesh> {
  return (await startMember(options)).mesh;
}

const JOIN_TIMEOUT_MS = 10_000;
/** Stores that this page can't use: of another mesh of the same name, or taken over by somebody else. */
const unusable = new Set<string>();

let pageClock: Clock | undefined;

/** One for the page: its worker ticks for all members. */
export function clockOfPage(): Clock {
  pageClock ??= createWorkerClock();
  return pageClock;
}

export async function startMember(options: MemberOptions = {}): Promise<Member> {
  if (typeof RTCPeerConnection === 'undefined')
    throw new MeshError('no-webrtc', 'This browser makes no WebRTC data channels.');
  const place = placeOf(options);
  for (;;) {
    const opened = await openStore(place);
    options.onStep?.('registrar');
    try {
      return await joinWith(place, opened);
    } catch (error) {
      await opened.storage.close();
      await opened.taken?.release();
      if (!isMeshError(error) || error.code !== 'wrong-mesh' || opened.taken === undefined) throw error;
      // What this browser stored is of an earlier mesh of that name: kept, and another store taken.
      unusable.add(opened.taken.name);
    }
  }
}

interface Place {
  readonly options: MemberOptions;
  readonly url: string;
  readonly mesh: string;
  readonly clock: Clock;
  readonly memory: LocalMemory;
}

function placeOf(options: MemberOptions): Place {
  const mesh = options.mesh ?? 'main';
  return {
    options,
    mesh,
    url: options.url ?? location.origin,
    clock: options.clock ?? clockOfPage(),
    memory: createLocalMemory(`shoal/${mesh}/`),
  };
}

interface OpenedStore {
  readonly storage: Storage;
  readonly taken: TakenStore | undefined;
  readonly refusal?: string;
}

/** The browser may refuse to store anything: then the member lives in memory, and says so. */
async function openStore(place: Place): Promise<OpenedStore> {
  place.options.onStep?.('store');
  let taken: TakenStore | undefined;
  try {
    taken = await takeStore({
      mesh: place.mesh,
      memory: place.memory,
      clock: place.clock,
      random: createSystemRandom(),
      locks: lockManager(),
      except: unusable,
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

async function joinWith(place: Place, { storage, taken, refusal }: OpenedStore): Promise<Member> {
  const { options, mesh: meshName, clock, memory } = place;
  const random = createSystemRandom();
  const rendezvous = createRendezvous(place);
  const workerHost = createCageWorkerHost();
  const { id } = await loadIdentity(storage, random);
  taken?.remember(id);
  options.onStep?.('admission');
  const mesh = await createPeer(
    {
      storage,
      rendezvous,
      createTransport: (context) =>
        createSimplePeerTransport({
          ...context,
          rtc: browserRtc(),
          clock,
          random,
          logger: options.logger ?? silentLogger,
        }),
      workerHost,
      readChunks: createPageChunkReader(),
      clock,
      random,
      logger: options.logger ?? silentLogger,
    },
    {
      mesh: meshName,
      name: options.name ?? recallName(memory, taken?.name) ?? suggestName(random),
      kind: 'tab',
      workers: options.workers ?? defaultWorkers(),
      domain: browserId(memory, random),
      ephemeral: taken === undefined,
      joinTimeoutMs: JOIN_TIMEOUT_MS,
    },
  );
  sayGoodbyeOnPagehide(mesh, rendezvous);
  mesh.on('stopped', ({ error }) => {
    if (error?.code === 'replaced' && taken !== undefined) unusable.add(taken.name);
    void taken?.release();
  });
  const rememberName = (name: string): void => {
    if (taken !== undefined) memory.set(nameKey(taken.name), name);
  };
  rememberName(mesh.name);
  return {
    mesh,
    rememberName,
    store:
      taken === undefined ? { kind: 'memory', ...(refusal === undefined ? {} : { refusal }) } : { kind: 'indexed-db' },
  };
}

const SWIMMERS = [
  'anchovy',
  'barbel',
  'bream',
  'capelin',
  'char',
  'cisco',
  'dace',
  'goby',
  'herring',
  'loach',
  'minnow',
  'mullet',
  'roach',
  'sardine',
  'shad',
  'smelt',
  'sprat',
  'tench',
  'tetra',
  'wrasse',
] as const;

/** A name to start with, so that two tabs are told apart at once. */
function suggestName(random: Random): string {
  return SWIMMERS[Math.floor(random.next() * SWIMMERS.length)] ?? 'sprat';
}

function nameKey(store: string): string {
  return `name/${store}`;
}

function recallName(memory: LocalMemory, store: string | undefined): string | undefined {
  return store === undefined ? undefined : memory.get(nameKey(store));
}

function createRendezvous({ url, mesh, options: { token } }: Place): Rendezvous {
  return createSocketIoRendezvous({ url, mesh, ...(token === undefined ? {} : { token }) });
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

/** Asks the registrar over a connection of its own, since there is no member yet. */
async function askAlive(place: Place, ids: readonly PeerId[]): Promise<readonly boolean[]> {
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

/** A page that goes away says so at once: there is no time for more. */
function sayGoodbyeOnPagehide(mesh: Mesh, rendezvous: Rendezvous): void {
  const goodbye = (): void => {
    rendezvous.request('goodbye', {}).catch(() => undefined);
    mesh.leave().catch(() => undefined);
  };
  globalThis.addEventListener('pagehide', goodbye);
  mesh.on('stopped', () => globalThis.removeEventListener('pagehide', goodbye));
}

function browserRtc() {
  return { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate };
}

/** Types say that it is always there; on plain http it is not. */
function lockManager(): LockManager | undefined {
  return 'locks' in navigator ? navigator.locks : undefined;
}

function defaultWorkers(): number {
  return Math.min(Math.max(navigator.hardwareConcurrency - 1, 1), limits.workersMax);
}

/** Tabs of one browser profile fail together. */
function browserId(memory: LocalMemory, random: Random): string {
  const known = memory.get('browser');
  if (known !== undefined) return known;
  const fresh = `browser-${Array.from(random.bytes(8), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  memory.set('browser', fresh);
  return fresh;
}
