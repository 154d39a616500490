// A whole mesh in one process: the real registrar and real members over channels in memory, on one clock.

import { createPeer, type Mesh, type WorkerHost } from '@shoal/peer';
import {
  type Clock,
  type Logger,
  type Configuration,
  type MemberKind,
  MeshError,
  type Random,
  silentLogger,
} from '@shoal/shared';
import { createMemoryTables, createRegistrar, type MemoryTables, type Registrar } from '@shoal/signaling-server';
import { decodeTableFile } from '../../signaling-server/src/table-file.ts';
import { createMemoryRendezvous, type MemoryRendezvous } from '../../peer/src/adapters/memory/rendezvous.ts';
import type { Rendezvous } from '../../peer/src/ports/rendezvous.ts';
import { createMemoryStorage } from '../../peer/src/adapters/memory/storage.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../peer/src/adapters/memory/transport.ts';

export interface ClusterMember {
  readonly mesh: Mesh;
  readonly rendezvous: MemoryRendezvous;
  readonly storage: MemoryStorage;
}

type MemoryStorage = ReturnType<typeof createMemoryStorage>;

export interface Cluster {
  readonly network: MemoryNetwork;
  readonly tables: MemoryTables;
  /** As they are on the registrar's disk. */
  rows(): readonly Configuration[];
  join(name: string, options?: JoinOptions): Promise<ClusterMember>;
  /** A connection to the registrar, as an operator's, that joins nothing. */
  connect(): Rendezvous;
  /** As after kill -9: its sessions end, and only the table store is left. */
  stopRegistrar(): Promise<void>;
  startRegistrar(): void;
  /** As after kill -9: nobody hears of it any more, and what it stored is left for another process. */
  kill(member: ClusterMember): MemoryStorage;
  close(): Promise<void>;
}

export interface JoinOptions {
  readonly kind?: MemberKind;
  readonly storage?: MemoryStorage;
  readonly workerHost?: WorkerHost;
  readonly workers?: number;
  readonly onFrozen?: (error: MeshError) => void;
  readonly tombstoneMs?: number;
}

export interface ClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly slotCount?: number;
  readonly replicas?: number;
  readonly logger?: Logger;
  /** Of every channel, in each direction. */
  readonly latencyMs?: number;
  readonly bytesPerMs?: number;
}

export function createCluster(options: ClusterOptions): Cluster {
  const { clock, random, slotCount = 16, replicas = 1, logger = silentLogger } = options;
  const tables = createMemoryTables();
  const network = createMemoryNetwork({
    clock,
    ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }),
    ...(options.bytesPerMs === undefined ? {} : { bytesPerMs: options.bytesPerMs }),
  });
  const members = new Set<ClusterMember>();
  let registrar: Registrar | undefined;

  const startRegistrar = (): void => {
    registrar = createRegistrar({ clock, random, logger, tables, slotCount, replicas, wishMs: 100, wishQuietMs: 0 });
  };
  startRegistrar();

  const createRendezvous = (): MemoryRendezvous =>
    createMemoryRendezvous({
      clock,
      connect: async (client) => {
        if (registrar === undefined) throw new MeshError('no-registrar', 'The server is away.');
        return registrar.connect('main', client);
      },
    });

  return {
    network,
    tables,
    rows: () => {
      const file = tables.files.get('main');
      return file === undefined ? [] : decodeTableFile('main', file).table.rows;
    },
    startRegistrar,
    stopRegistrar: async () => {
      const stopped = registrar;
      registrar = undefined;
      await stopped?.close();
    },
    join: async (
      name,
      { kind = 'node', storage = createMemoryStorage(), workerHost = noWorkers, workers = 0, ...config } = {},
    ) => {
      const rendezvous = createRendezvous();
      const mesh = await createPeer(
        {
          storage,
          rendezvous,
          createTransport: ({ self }) => network.transport(self),
          workerHost,
          clock,
          random,
          logger,
        },
        { mesh: 'main', name, kind, workers, ...config },
      );
      const member: ClusterMember = { mesh, rendezvous, storage };
      members.add(member);
      mesh.on('stopped', () => members.delete(member));
      return member;
    },
    kill: (member) => {
      members.delete(member);
      const { self } = member.mesh.status();
      member.rendezvous.cut();
      for (const { mesh } of members) network.cut(self, mesh.status().self);
      return member.storage.reopen();
    },
    connect: () => {
      const rendezvous = createRendezvous();
      const nothing = (): void => undefined;
      rendezvous.connect({ up: nothing, down: nothing, heard: nothing, refused: nothing, event: nothing });
      return rendezvous;
    },
    close: async () => {
      await Promise.all([...members].map((member) => member.mesh.leave()));
      await registrar?.close();
    },
  };
}

const noWorkers: WorkerHost = {
  isolation: 'uncaged',
  start: async () => {
    throw new MeshError('no-workers', 'This member has no workers.');
  },
  close: async () => undefined,
};
