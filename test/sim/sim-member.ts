// A member as a person keeps it: a machine with a disk, on which processes start, end, are killed and are
// started again. Each process is made by the same `createPeer` as in a program.

import { createPeer, type Mesh, type WorkerHost } from '@shoal/peer';
import { MeshError, toMeshError, type Logger, type MemberKind, type PeerId } from '@shoal/shared';
import type { Paths } from './paths.ts';
import { createDisk, type SimDisk } from './sim-disk.ts';
import type { SimNetwork } from './sim-network.ts';
import { createProcess, START_WALL_MS, type SimProcess } from './sim-process.ts';
import type { SimRegistrar } from './sim-registrar.ts';
import { MESH } from './sim-registrar.ts';
import { createSimRendezvous } from './sim-rendezvous.ts';
import type { World } from './world.ts';

export interface SimMember {
  /** Its machine's name. */
  readonly name: string;
  readonly kind: MemberKind;
  readonly disk: SimDisk;
  readonly run: Run | undefined;
  /** Known from its first join on. */
  readonly id: PeerId | undefined;
  /** Whether a person wants it up; one that ends by itself is started again. */
  readonly isWanted: boolean;
  start(): void;
  /** As kill -9. */
  kill(): void;
  /** Hands everything over, then leaves; or leaves at once. */
  leave(handOver: boolean): void;
  /** A second process on the same disk, which the first one does not know of. */
  startTwin(): void;
  stepWall(stepMs: number): void;
  /** When its wall clock was last set. */
  readonly wallSteppedMs: number;
}

/** One process of a member. */
export interface Run {
  readonly process: SimProcess;
  /** Once it has joined. */
  mesh: Mesh | undefined;
  /** Said `stopped`, was refused, or is dead. */
  isOver: boolean;
}

export interface MemberParts {
  readonly world: World;
  readonly paths: Paths;
  readonly network: SimNetwork;
  readonly registrar: SimRegistrar;
  readonly logger: (process: string) => Logger;
  /** How long deletes and request ids are kept, if not as in a program. */
  readonly memories?: { readonly tombstoneMs?: number; readonly retryMemoryMs?: number };
  mayStart(): boolean;
  onRequest(run: Run, name: string, ask: unknown): void;
}

const START_AGAIN_MS = 1_000;
const JOIN_TIMEOUT_MS = 15_000;

export function createMember(
  parts: MemberParts,
  { name, kind }: { readonly name: string; readonly kind: MemberKind },
): SimMember {
  const { world } = parts;
  const draw = world.random(`member ${name}`);
  const rate = draw.between(0.95, 1.05);
  const disk = createDisk(world, { name, durability: kind === 'node' ? 'strict' : 'relaxed' });
  let wallMs = START_WALL_MS + (draw.chance(0.2) ? draw.between(-7_200_000, 7_200_000) : draw.between(-50, 50));
  let wallSteppedMs = -Infinity;
  let run: Run | undefined;
  let id: PeerId | undefined;
  let isWanted = false;
  let starts = 0;
  let isIn = false;
  world.outages.begin(name);

  const setIn = (isNow: boolean): void => {
    if (isNow && !isIn) world.outages.end(name);
    if (!isNow && isIn) world.outages.begin(name);
    isIn = isNow;
  };

  const startProcess = (): Run => {
    starts += 1;
    const process = createProcess(world, { name: `${name}.${starts}`, rate, wallMs });
    const started: Run = { process, mesh: undefined, isOver: false };
    process.onDeath(() => {
      started.isOver = true;
      if (started === run) setIn(false);
    });
    joinMesh(parts, member, started).then(
      (mesh) => {
        ({ id } = mesh);
        started.mesh = mesh;
        setIn(true);
        mesh.on('stopped', ({ error }) => ended(started, error));
      },
      (error: unknown) => ended(started, toMeshError(error)),
    );
    return started;
  };

  /** It ended by itself, or was told to: what is left of the process goes. */
  const ended = (over: Run, error: MeshError | undefined): void => {
    if (over.isOver) return;
    over.isOver = true;
    world.deliver(`${over.process.name} ended: ${error?.code ?? 'left'}`);
    if (over !== run) return;
    setIn(false);
    if (isWanted && error?.code !== 'replaced') startLater(over);
  };

  const startLater = (before: Run | undefined): void => {
    world.after(START_AGAIN_MS, () => {
      if (!isWanted || disk.isLost || run !== before) return;
      if (!parts.mayStart()) return startLater(before);
      before?.process.kill();
      run = startProcess();
    });
  };

  const member: SimMember = {
    name,
    kind,
    disk,
    get run() {
      return run;
    },
    get id() {
      return id;
    },
    get isWanted() {
      return isWanted;
    },
    start() {
      if (isWanted || disk.isLost) return;
      isWanted = true;
      if (!parts.mayStart()) return startLater(run);
      run?.process.kill();
      run = startProcess();
    },
    kill() {
      isWanted = false;
      run?.process.kill();
    },
    leave(handOver) {
      isWanted = false;
      const leaving = run;
      leaving?.mesh?.leave({ handOver }).catch((error: unknown) => {
        // It stays if it can't hand over; a person ends it then.
        world.deliver(`${leaving.process.name} did not leave: ${toMeshError(error).code}`);
        leaving.process.kill();
      });
    },
    startTwin() {
      run = startProcess();
    },
    get wallSteppedMs() {
      return wallSteppedMs;
    },
    stepWall(stepMs) {
      wallSteppedMs = world.nowMs();
      wallMs += stepMs;
      run?.process.stepWall(stepMs);
    },
  };
  return member;
}

function joinMesh(parts: MemberParts, member: SimMember, run: Run): Promise<Mesh> {
  const { world, paths, network, registrar } = parts;
  const { process } = run;
  const draw = world.random(`process ${process.name}`);
  return createPeer(
    {
      storage: member.disk.open(process),
      rendezvous: createSimRendezvous({
        world,
        paths,
        registrar,
        process,
        machine: member.name,
        draw: world.random(`connection ${process.name}`),
        onRequest: (name, ask) => parts.onRequest(run, name, ask),
      }),
      createTransport: (context) => network.transport(process, member.name, context),
      workerHost: noWorkers,
      clock: process.clock,
      random: draw,
      logger: parts.logger(process.name),
    },
    { mesh: MESH, name: member.name, kind: member.kind, workers: 0, joinTimeoutMs: JOIN_TIMEOUT_MS, ...parts.memories },
  );
}

const noWorkers: WorkerHost = {
  isolation: 'uncaged',
  start: async () => {
    throw new MeshError('no-workers', 'This member has no workers.');
  },
  close: async () => undefined,
};
