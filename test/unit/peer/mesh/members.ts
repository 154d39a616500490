// Members whose only part is their links: for tests of the mesh.

import { silentLogger } from '@shoal/shared';
import type { Incarnation, MeshId, PeerId } from '@shoal/shared';
import {
  createMeshLinks,
  type MeshLinkEvents,
  type MeshLinks,
  type SelfView,
  type WantedMember,
} from '../../../../peer/src/mesh/mesh.ts';
import type { MemoryNetwork } from '../../../../peer/src/adapters/memory/transport.ts';
import type { SignalPath, Transport } from '../../../../peer/src/ports/transport.ts';
import { createSeededRandom } from '../../../sim/seeded-random.ts';
import type { VirtualClock } from '../../../sim/virtual-clock.ts';

/** Ids in the order of names: ada's is the lowest. */
export const ada = '0a'.repeat(16) as PeerId;
export const ben = '0b'.repeat(16) as PeerId;
export const cleo = '0c'.repeat(16) as PeerId;

const MESH_ID = 'ee'.repeat(16) as MeshId;

export interface TestMember {
  readonly id: PeerId;
  readonly incarnation: Incarnation;
  readonly wanted: WantedMember;
  readonly links: MeshLinks;
  readonly transport: Transport;
  /** Names of what happened, in order, with the member: `opened 0b0b0b0b`. */
  readonly happened: string[];
  readonly frames: MeshLinkEvents['frameReceived'][];
}

export interface TestMemberOptions {
  readonly network: MemoryNetwork;
  readonly clock: VirtualClock;
  readonly life?: number;
  readonly self?: Partial<SelfView>;
}

export function createTestMember(id: PeerId, options: TestMemberOptions): TestMember {
  const { clock, network, life = 1 } = options;
  const incarnation = (id.slice(0, 8) + String(life).padStart(8, '0')) as Incarnation;
  const transport = network.transport(id);
  const self: SelfView = {
    mesh: 'main',
    meshId: MESH_ID,
    id,
    incarnation,
    durability: 'relaxed',
    term: 1,
    tableEpoch: 1,
    freeBytes: 1_000,
    ...options.self,
  };
  const random = createSeededRandom(Number.parseInt(id.slice(0, 4), 16) + life);
  const links = createMeshLinks({
    self: () => self,
    transport,
    signals: signalsOf(network, id),
    clock,
    random,
    logger: silentLogger,
  });
  const happened: string[] = [];
  const frames: MeshLinkEvents['frameReceived'][] = [];
  links.on('linkOpened', ({ member }) => happened.push(`opened ${member.slice(0, 2)}`));
  links.on('linkClosed', ({ member, reason }) => happened.push(`closed ${member.slice(0, 2)}: ${reason}`));
  links.on('goodbyeReceived', ({ from }) => happened.push(`goodbye ${from.slice(0, 2)}`));
  links.on('frameReceived', (event) => frames.push(event));
  return { id, incarnation, wanted: { id, incarnation }, links, transport, happened, frames };
}

type SignalListener = Parameters<SignalPath['onSignal']>[0];
const listening = new WeakMap<MemoryNetwork, Map<PeerId, Set<SignalListener>>>();

/** Signals between the members of one network, as a registrar would pass them on. */
export function signalsOf(network: MemoryNetwork, self: PeerId): SignalPath {
  const all = listening.get(network) ?? new Map<PeerId, Set<SignalListener>>();
  listening.set(network, all);
  const mine = all.get(self) ?? new Set<SignalListener>();
  all.set(self, mine);
  return {
    send(to, dial, data) {
      queueMicrotask(() => {
        for (const listener of all.get(to) ?? []) listener({ from: self, dial, data });
      });
    },
    onSignal(listener) {
      mine.add(listener);
      return () => mine.delete(listener);
    },
  };
}

/** Each wants and admits all others. */
export function meshAll(members: readonly TestMember[]): void {
  for (const { links } of members) {
    links.admit(members.map(({ wanted }) => wanted));
    links.want(members.map(({ wanted }) => wanted));
  }
}
