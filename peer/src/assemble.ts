// The parts of a running member and the events between them. Nothing here decides anything: what a part
// does is in its own file.

import {
  createDeadline,
  createEmitter,
  type Emitter,
  type Incarnation,
  limits,
  makeRequestId,
  MeshError,
  must,
  pathOfDial,
  type PeerId,
  type RequestId,
  shortId,
  type Slot,
  toMeshError,
} from '@shoal/shared';
import type { Adopting } from './adopting.ts';
import type { Mesh, MeshEvents } from './api.ts';
import { admit, connectLinks, connectRegistration } from './connect.ts';
import { type Compute, createCompute } from './compute/compute.ts';
import { loadChunkCodec } from './data/load-chunk-codec.ts';
import { askHolders, serveHolders } from './holders.ts';
import { listKeys, serveListing } from './listing.ts';
import { serveReports } from './member-report.ts';
import { createHearing, type Hearing } from './mesh/hearing.ts';
import { createMeshLinks, type MeshLinks } from './mesh/mesh.ts';
import type { Registration } from './mesh/registration.ts';
import type { PeerConfig, PeerDeps, SelfState } from './peer.ts';
import type { SignalPath } from './ports/transport.ts';
import type { Values } from './ports/values.ts';
import { createRouter, type Router } from './router/router.ts';
import { createRangeStore, type RangeStore } from './store/range-store.ts';
import { healthOf, healthViewOf, waitingOf } from './slot-health.ts';
import { reasonOf } from './slot-troubles.ts';
import { createUserMesh, type UserMesh } from './user-mesh.ts';

export interface Start {
  readonly deps: PeerDeps;
  readonly config: PeerConfig;
  readonly self: PeerId;
  readonly incarnation: Incarnation;
  readonly registration: Registration;
  readonly selfState: SelfState;
  readonly adopting: Adopting;
}

/** All the parts of a running member. */
export interface PeerParts extends Start {
  readonly links: MeshLinks;
  readonly store: RangeStore;
  readonly router: Router;
  readonly values: Values;
  readonly compute: Compute;
  readonly events: Emitter<MeshEvents>;
  /** Ends this member; with an error if it did not want to. */
  stop(error?: MeshError): Promise<void>;
}

const CACHE_BYTES = 64 * 1024 * 1024;
/** A goodbye is a courtesy: nobody waits long for its answer. */
const GOODBYE_MS = 1_000;

export function assemble(start: Start): Mesh {
  const { deps, registration, self } = start;
  const { clock, logger } = deps;
  const events = createEmitter<MeshEvents>((error, name) => logger.error('listenerThrew', { name, error }));
  const transport = deps.createTransport({
    self,
    signals: signalPath(start, (dial) => pathOfDial(dial) === undefined),
    iceServers: () => registration.standing.iceServers,
  });
  const links = createMeshLinks({
    transport,
    signals: signalPath(start, (dial) => pathOfDial(dial) !== undefined),
    clock,
    random: deps.random,
    logger,
    self: () => selfView(start),
    leases: {
      reading: () => store.leases.reading(),
      asked: (from, table) => store.leases.asked(from, table) && !start.adopting.isStopped(),
      answered: (from, answer) => store.leases.answered(from, answer),
    },
  });
  const hearing = createHearing({ clock, askRegistrar: () => registration.refresh(), onMayServe: () => store.poke() });
  const store = createStore(start, {
    links,
    hearing,
    sendSlotFrame: (to, frame) => router.sendSlotFrame(to, frame),
    onFatal: (error) => void stop(toMeshError(error)),
    onChanged: () => user.changed(),
  });
  const router = createRouter({
    self,
    kind: start.config.kind,
    clock,
    logger,
    links,
    store,
    registration,
    nextRequestId: requestIds(start.incarnation),
    lost: (slot) => lossOf(start, links, slot),
  });
  const values = createValues(start, router);
  const compute = createComputeOf(start, router, values);

  let stopping: Promise<void> | undefined;
  const stop = (error?: MeshError): Promise<void> => {
    stopping ??= (async () => {
      await sayGoodbye(start, { store, links });
      for (const end of ends) end();
      await compute.close();
      router.close();
      hearing.close();
      await links.close();
      await transport.close();
      await registration.close();
      await store.close();
      await deps.workerHost.close();
      await deps.storage.close();
      user.ended(error);
    })();
    return stopping;
  };
  const user: UserMesh = createUserMesh({ ...start, links, store, router, values, compute, events, stop });
  const ends = [
    serveListing({ services: router.services, store }),
    serveHolders(router.services, store),
    serveReports({ self, services: router.services, links, store }),
    compute.serve(),
    ...connectRegistration(start, { links, store, hearing, user, stop }),
    ...connectLinks({ links, router, store, hearing, user }),
    deps.storage.onGone((reason) => {
      void stop(
        new MeshError(
          'storage',
          `The storage of this member is gone (${reason}): it has left the mesh. Start it again to join as a new member.`,
        ),
      );
    }),
  ];
  admit(start, links);
  store.applyRows(registration.rows());
  return user.mesh;
}

function lossOf({ registration }: Start, links: MeshLinks, slot: Slot): string | undefined {
  const row = registration.row(slot);
  const view = healthViewOf(registration, links);
  if (row === undefined || healthOf(row, view) !== 'lost') return undefined;
  const nameOf = (member: PeerId): string => registration.member(member)?.name ?? shortId(member);
  return reasonOf({ health: 'lost', ...waitingOf(row, view) }, nameOf);
}

function requestIds(incarnation: Incarnation): () => RequestId {
  let count = 0;
  return () => {
    count += 1;
    return makeRequestId(incarnation, count);
  };
}

function selfView({ config, registration, self, incarnation, deps, selfState }: Start) {
  return {
    mesh: config.mesh,
    meshId: must(registration.standing.meshId, 'mesh id after joining'),
    id: self,
    incarnation,
    durability: deps.storage.durability,
    term: registration.table.term,
    tableEpoch: registration.table.epoch,
    freeBytes: selfState.freeBytes,
  };
}

function signalPath({ registration, deps }: Start, isOfIt: (dial: string) => boolean): SignalPath {
  return {
    send: (to, dial, data) => {
      registration.request('signal', { to, dial, data }).catch((error: unknown) => {
        // The dial has a deadline and is made again.
        deps.logger.debug('signalNotSent', { to, code: toMeshError(error).code });
      });
    },
    onSignal: (listener) =>
      registration.on('signalReceived', (signal) => {
        if (isOfIt(signal.dial)) listener(signal);
      }),
  };
}

type StoreDeps = Parameters<typeof createRangeStore>[0];

function createStore(
  { deps, config, self, incarnation, registration, adopting }: Start,
  parts: { readonly links: MeshLinks; readonly hearing: Hearing; readonly sendSlotFrame: StoreDeps['send'] } & Pick<
    StoreDeps,
    'onFatal' | 'onChanged'
  >,
): RangeStore {
  return createRangeStore({
    self,
    incarnation,
    slotCount: registration.standing.slotCount,
    storage: deps.storage,
    clock: deps.clock,
    random: deps.random,
    logger: deps.logger,
    cacheBytes: config.cacheBytes ?? CACHE_BYTES,
    tombstoneMs: config.tombstoneMs ?? limits.tombstoneMs,
    retryMemoryMs: config.retryMemoryMs ?? limits.retryMemoryMs,
    send: parts.sendSlotFrame,
    room: (to) => parts.links.room(to),
    line: (to) => parts.links.line(to),
    propose: (changes) => registration.propose(changes),
    incarnationOf: (member) => {
      const entry = registration.member(member);
      return entry?.state === 'away' ? undefined : entry?.incarnation;
    },
    meshNowMs: () => registration.meshNowMs(),
    mayServe: () => parts.hearing.mayServe() && !adopting.isStopped(),
    table: () => registration.table,
    replicas: () => registration.standing.replicas,
    isConnected: () => registration.state === 'connected',
    onFatal: parts.onFatal,
    onChanged: parts.onChanged,
  });
}

function createValues({ self, registration }: Start, router: Router): Values {
  const { services } = router;
  const owners = (): readonly PeerId[] =>
    registration
      .roster()
      .filter((entry) => entry.kind !== 'command' && entry.state !== 'away')
      .map((entry) => entry.id);
  return {
    ...router.values,
    self,
    list: (prefix, options) => listKeys({ services, owners }, prefix, options),
    ownerOf: (key) => registration.row(router.slotOf(key))?.owner,
    holders: (keys, options) => askHolders({ services, owners }, keys, options),
    members: () => registration.roster(),
  };
}

function createComputeOf({ deps, self, selfState, config }: Start, router: Router, values: Values): Compute {
  return createCompute({
    self: { id: self, name: config.name },
    values,
    services: router.services,
    host: deps.workerHost,
    clock: deps.clock,
    random: deps.random,
    logger: deps.logger,
    codec: loadChunkCodec,
    workers: selfState.workers,
  });
}

/** Serving stops first; who says goodbye can't take it back (REPLICATION, rule 23). */
async function sayGoodbye(
  { registration, deps }: Start,
  parts: { readonly store: RangeStore; readonly links: MeshLinks },
): Promise<void> {
  const deadline = createDeadline(deps.clock, GOODBYE_MS, {
    reason: () => new MeshError('deadline', 'No answer to the goodbye.'),
  });
  try {
    await parts.store.seal({ signal: deadline.signal });
    parts.links.goodbye();
    await registration.request('goodbye', {}, { signal: deadline.signal });
  } catch (error) {
    deps.logger.info('goodbyeNotAnswered', { code: toMeshError(error).code });
  } finally {
    deadline.end();
  }
}
