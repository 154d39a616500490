// A member, the same in a tab and in Node: puts the layers together over the ports that it is given.
// (Who calls whom: ARCHITECTURE.md.)

import {
  type Clock,
  createDeadline,
  type Deadline,
  type IceServer,
  type Incarnation,
  type Logger,
  type MemberKind,
  MeshError,
  type PeerId,
  type Random,
  randomHex,
} from '@shoal/shared';
import { createAdopting } from './adopting.ts';
import type { Mesh } from './api.ts';
import { assemble } from './assemble.ts';
import { noteBelonging, readBelonging } from './belonging.ts';
import type { ReadChunks } from './data/load.ts';
import { loadIdentity } from './identity.ts';
import { createRegistration, type Registration } from './mesh/registration.ts';
import type { Rendezvous } from './ports/rendezvous.ts';
import type { Storage } from './ports/storage.ts';
import type { SignalPath, Transport } from './ports/transport.ts';
import type { WorkerHost } from './ports/worker-host.ts';
import { weightOf } from './weight.ts';

export interface TransportContext {
  readonly self: PeerId;
  readonly signals: SignalPath;
  iceServers(): readonly IceServer[];
}

export interface PeerDeps {
  readonly storage: Storage;
  readonly rendezvous: Rendezvous;
  readonly createTransport: (context: TransportContext) => Transport;
  readonly workerHost: WorkerHost;
  /** Reads a file into chunks; a page gives one that works off its thread. */
  readonly readChunks?: ReadChunks;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface PeerConfig {
  readonly mesh: string;
  readonly name: string;
  readonly kind: MemberKind;
  readonly workers: number;
  /** What fails together with this member; its own id if nothing is known. */
  readonly domain?: string;
  /** Its storage does not outlive it. */
  readonly ephemeral?: boolean;
  /** 1 to 16: its share of the slots among the others'; by what it gives unless told. */
  readonly weight?: number;
  readonly cacheBytes?: number;
  readonly joinTimeoutMs?: number;
  /** Ends the joining. */
  readonly signal?: AbortSignal;
  /**
   * Nothing changes in the mesh, since the registrar's table is lost or old: the member waits, however long, until
   * the newest file is back or an operator has a table adopted. Told once. Absent: it is refused with `stale-table`.
   */
  readonly onFrozen?: (error: MeshError) => void;
  /** How long deletes and request ids are kept, if not as `limits` says; the same at all members, and deletes longer than any write is retried. */
  readonly tombstoneMs?: number;
  readonly retryMemoryMs?: number;
}

/** What changes while a member is in. */
export interface SelfState {
  name: string;
  workers: number;
  paused: boolean;
  freeBytes: number;
}

const JOIN_TIMEOUT_MS = 15_000;

/** Resolves when joined: admitted, and the table is here. Rejects with a code that says why not; then everything is closed but `deps`' storage. */
export async function createPeer(deps: PeerDeps, config: PeerConfig): Promise<Mesh> {
  const { clock, logger, random, storage } = deps;
  const identity = await loadIdentity(storage, random);
  const belonging = await readBelonging(storage, config.mesh);
  const incarnation = randomHex(random, 8) as Incarnation;
  const selfState: SelfState = {
    name: config.name,
    workers: config.workers,
    paused: false,
    freeBytes: await finiteFreeBytes(storage),
  };
  const deadline = joinDeadline(clock, config.joinTimeoutMs ?? JOIN_TIMEOUT_MS);
  const weight = config.kind === 'command' ? 0 : (config.weight ?? weightOf(selfState));
  const registration = createRegistration({
    rendezvous: deps.rendezvous,
    identity,
    incarnation,
    mesh: config.mesh,
    meshId: belonging?.meshId,
    known: belonging?.known,
    clock,
    logger,
    onFrozen: config.onFrozen === undefined ? undefined : (error) => waitFrozen(error),
    describe: () => ({
      ...selfState,
      kind: config.kind,
      durability: storage.durability,
      ephemeral: config.ephemeral ?? false,
      weight,
      domain: config.domain ?? identity.id,
    }),
  });
  let told: string | undefined;
  function waitFrozen(error: MeshError): void {
    deadline.end();
    if (told !== error.message) config.onFrozen?.(error);
    told = error.message;
  }
  const adopting = createAdopting({ registration, storage, logger });
  await join(registration, deadline, config.signal);
  // At once: signals, rows and wishes come right behind the admission, and would meet nobody.
  const mesh = assemble({ deps, config, self: identity.id, incarnation, registration, selfState, adopting });
  try {
    if (config.kind !== 'command') await noteBelonging(storage, config.mesh, registration);
  } catch (error) {
    await mesh.leave();
    throw error;
  }
  return mesh;
}

async function finiteFreeBytes(storage: Storage): Promise<number> {
  return Math.min(await storage.freeBytes(), Number.MAX_SAFE_INTEGER);
}

function joinDeadline(clock: Clock, timeoutMs: number): Deadline {
  return createDeadline(clock, timeoutMs, {
    reason: () =>
      new MeshError(
        'no-registrar',
        `The server did not let this member in within ${timeoutMs / 1000} s: is its address right, and is it running?`,
      ),
  });
}

async function join(registration: Registration, deadline: Deadline, signal?: AbortSignal): Promise<void> {
  const ends = signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, signal]);
  try {
    await registration.start({ signal: ends });
  } catch (error) {
    await registration.close();
    throw error;
  } finally {
    deadline.end();
  }
}
