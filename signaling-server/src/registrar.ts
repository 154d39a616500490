// The registrar: who is in which mesh, and who owns which slot. It knows no sockets; sessions of any
// kind carry it.

import { limits, MeshError, type Clock, type IceServer, type Logger, type Random } from '@shoal/shared';
import type { MeshContext, Replicas } from './mesh-state.ts';
import { openMesh, type Mesh } from './mesh.ts';
import type { Registrar, RegistrarStatus, TableStore } from './registrar-api.ts';
import { Relay } from './relay.ts';
import { createSession } from './session.ts';

/** Meshes that one registrar keeps open: names are made by whoever connects. */
const MESHES_MOST = 256;
/** In a registrar's first seconds `lookup` counts members that it has not heard yet as alive. */
const DOUBT_MS = 5_000;

const DEFAULT_REPLICAS: Replicas = 'auto';

export interface RegistrarDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tables: TableStore;
  /** A power of two; a mesh keeps the number that it began with. */
  readonly slotCount: number;
  readonly iceServers?: readonly IceServer[];
  /** The least time between two wishes, and the quiet after loading a table; else those of `limits`. */
  readonly wishMs?: number;
  readonly wishQuietMs?: number;
  readonly tabGivenUpMs?: number;
  /** Copies that each slot should have; auto unless told. */
  readonly replicas?: Replicas;
}

interface OpenMesh {
  readonly opening: Promise<Mesh>;
  mesh: Mesh | undefined;
  sessions: number;
}

export function createRegistrar(deps: RegistrarDeps): Registrar {
  const context: MeshContext = {
    clock: deps.clock,
    random: deps.random,
    logger: deps.logger,
    tables: deps.tables,
    slotCount: deps.slotCount,
    iceServers: deps.iceServers ?? [],
    wishMs: deps.wishMs ?? limits.wishMs,
    wishQuietMs: deps.wishQuietMs ?? limits.wishQuietMs,
    tabGivenUpMs: deps.tabGivenUpMs ?? limits.tabGivenUpMs,
    replicas: deps.replicas ?? DEFAULT_REPLICAS,
  };
  const relay = new Relay();
  const meshes = new Map<string, OpenMesh>();
  const startedMs = deps.clock.monotonicMs();
  let isClosed = false;

  /** Counts a connection in, so that the mesh stays while it opens. */
  const acquire = (name: string): OpenMesh => {
    const known = meshes.get(name);
    if (known === undefined && meshes.size >= MESHES_MOST) {
      throw new MeshError('busy', `The server has ${MESHES_MOST} meshes, which is all it takes.`);
    }
    const open: OpenMesh = known ?? { opening: openMesh(name, context), mesh: undefined, sessions: 0 };
    open.sessions += 1;
    meshes.set(name, open);
    return open;
  };

  /** A mesh that was only asked for leaves nothing behind. */
  const release = (name: string, open: OpenMesh): void => {
    open.sessions -= 1;
    if (open.sessions > 0 || open.mesh?.state.isFounded === true || meshes.get(name) !== open) return;
    meshes.delete(name);
    void open.mesh?.close();
  };

  const openedMeshes = (): readonly Mesh[] =>
    [...meshes.values()].flatMap(({ mesh }) => (mesh === undefined ? [] : [mesh]));

  return {
    async connect(name, client) {
      if (isClosed) throw new MeshError('closed', 'The server is closing.');
      const open = acquire(name);
      try {
        const mesh = await open.opening;
        open.mesh = mesh;
        if (isClosed) throw new MeshError('closed', 'The server is closing.');
        const isInDoubt = (): boolean => deps.clock.monotonicMs() - startedMs < DOUBT_MS;
        return createSession({ mesh, context, client, relay, isInDoubt, onEnded: () => release(name, open) });
      } catch (error) {
        // The next connection tries again: the operator may have put the file right.
        release(name, open);
        throw error;
      }
    },
    status(): RegistrarStatus {
      const states = openedMeshes().map(({ state }) => state);
      return {
        meshes: states.length,
        members: states.reduce((sum, { seats }) => sum + seats.size, 0),
        relayedSignals: relay.signals,
        relayedBytes: relay.bytes,
        frozen: states.flatMap(({ name, frozen }) =>
          frozen === undefined ? [] : [{ mesh: name, reason: frozen.message }],
        ),
      };
    },
    async close() {
      isClosed = true;
      await Promise.all(openedMeshes().map((mesh) => mesh.close()));
      meshes.clear();
    },
  };
}
