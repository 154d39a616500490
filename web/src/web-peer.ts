// The member of a page: peer over the browser's adapters. The page uses `startMember`; programs that
// are bundled with Shoal use `join`, which is the twin of node-peer's.

import {
  createPeer,
  createSimplePeerTransport,
  type IceTransportPolicy,
  loadIdentity,
  type Mesh,
  type Rendezvous,
} from '@shoal/peer';
import {
  type Clock,
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
import { createLocalMemory, type LocalMemory } from './adapters/local-memory.ts';
import { recallName, rememberName, suggestName } from './adapters/member-name.ts';
import { createPageChunkReader } from './adapters/page-loader.ts';
import { createWorkerClock } from './adapters/worker-clock.ts';
import { createRendezvous, type OpenedStore, openStore, type StorePlace } from './page-store.ts';

export interface JoinOptions {
  /** The server; by default the one that gave this page. */
  readonly url?: string;
  readonly mesh?: string;
  readonly token?: string;
  readonly name?: string;
  readonly workers?: number;
  /** `relay`: connections over TURN servers only, to all members or to those for which it says so. */
  readonly iceTransportPolicy?: IceTransportPolicy | ((member: PeerId) => IceTransportPolicy);
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

export interface MemberOptions extends JoinOptions {
  readonly clock?: Clock;
  readonly onStep?: (step: 'store' | 'registrar' | 'admission') => void;
  readonly onFrozen?: (error: MeshError) => void;
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

const JOIN_TIMEOUT_MS = 6_000;
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
    options.onStep?.('store');
    const opened = await openStore(place);
    options.onStep?.('registrar');
    try {
      return await joinWith(place, opened, options);
    } catch (error) {
      await opened.storage.close();
      await opened.taken?.release();
      if (!isMeshError(error) || error.code !== 'wrong-mesh' || opened.taken === undefined) throw error;
      // What this browser stored is of an earlier mesh of that name: kept, and another store taken.
      unusable.add(opened.taken.name);
    }
  }
}

function placeOf(options: MemberOptions): StorePlace {
  const mesh = options.mesh ?? 'main';
  return {
    mesh,
    unusable,
    token: options.token,
    url: options.url ?? location.origin,
    clock: options.clock ?? clockOfPage(),
    memory: createLocalMemory(`shoal/${mesh}/`),
  };
}

async function joinWith(place: StorePlace, opened: OpenedStore, options: MemberOptions): Promise<Member> {
  const { mesh: meshName, clock, memory } = place;
  const { storage, taken, refusal } = opened;
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
          iceTransportPolicy: policyOf(options),
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
      ephemeral: taken === undefined || isIos(),
      joinTimeoutMs: JOIN_TIMEOUT_MS,
      ...(options.onFrozen === undefined ? {} : { onFrozen: options.onFrozen }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  sayGoodbyeOnPagehide(mesh, rendezvous);
  mesh.on('stopped', ({ error }) => {
    if (error?.code === 'replaced' && taken !== undefined) unusable.add(taken.name);
    void taken?.release();
  });
  rememberName(memory, taken?.name, mesh.name);
  return {
    mesh,
    rememberName: (name) => rememberName(memory, taken?.name, name),
    store:
      taken === undefined ? { kind: 'memory', ...(refusal === undefined ? {} : { refusal }) } : { kind: 'indexed-db' },
  };
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

function policyOf({ iceTransportPolicy = 'all' }: JoinOptions): (member: PeerId) => IceTransportPolicy {
  return typeof iceTransportPolicy === 'function' ? iceTransportPolicy : () => iceTransportPolicy;
}

function browserRtc() {
  return { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate };
}

function defaultWorkers(): number {
  return Math.min(Math.max(navigator.hardwareConcurrency - 1, 1), limits.workersMax);
}

/** iOS suspends a page in the background at once, and drops what it stored after a week. An iPad calls itself a Mac. */
function isIos(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  return /iPhone|iPad|iPod/.test(userAgent) || (userAgent.includes('Macintosh') && maxTouchPoints > 1);
}

/** Tabs of one browser profile fail together. */
function browserId(memory: LocalMemory, random: Random): string {
  const known = memory.get('browser');
  if (known !== undefined) return known;
  const fresh = `browser-${Array.from(random.bytes(8), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  memory.set('browser', fresh);
  return fresh;
}
