// A mesh for one schedule: the real registrar and real members on virtual clocks; nothing happens by chance,
// and copies are made and moved only when the schedule says so.
//   const mesh = await begin({ members: { ada: 'node', ben: 'tab' } });   // {ada*, ben} of one slot
//   const held = mesh.hold('ada', 'ben', 'replicate');
//   const w1 = mesh.put('ada', 'k', 'w1');
//   mesh.isolate('ada');
//   await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
//   expect(mesh.judge()).toEqual([]);

import { setMaxListeners } from 'node:events';
import {
  slotOfKey,
  type Configuration,
  type Incarnation,
  type Key,
  type PeerId,
  type RegistrarRequestName,
  type Slot,
} from '@shoal/shared';
import type { Mesh } from '@shoal/peer';
import { createPaths, type Paths } from '../paths.ts';
import { createMember, type MemberParts, type Run, type SimMember } from '../sim-member.ts';
import { createNetwork, type SimNetwork } from '../sim-network.ts';
import { createSimRegistrar, type SimRegistrar } from '../sim-registrar.ts';
import type { SimProcess } from '../sim-process.ts';
import { createWatch } from '../watch.ts';
import type { World } from '../world.ts';
import { createCalls, type Call, type Calls } from './calls.ts';
import { createCalmWorld } from './calm.ts';
import { createDoor, type Door } from './door.ts';
import { loggerOf } from './log.ts';
import { createWishes } from './wishes.ts';
import { createHolds, holdTransport, type Hold, type HoldRule } from './holds.ts';
import { type SecondWrite, withSecondWrite } from './second-write.ts';

export interface Beginning {
  /** By name, in the order of their joining: the first has all slots at first. node: strict; tab: relaxed. */
  readonly members?: Readonly<Record<string, 'node' | 'tab'>>;
  /** Who has copies of every slot, owner first; all of them if not given. */
  readonly copies?: readonly string[];
  /** Copies that a slot should have; as many as there are in `copies` if not given. */
  readonly replicas?: number;
  /** A power of two. */
  readonly slots?: number;
  /** How fast a member's clocks run, to true time. */
  readonly rates?: Readonly<Record<string, number>>;
  /** How long deletes and request ids are kept, if not as in a program. */
  readonly memories?: MemberParts['memories'];
  /** What goes with a put of one key, in the same Put. */
  readonly second?: SecondWrite;
}

type Named<Verb extends (member: SimMember, ...rest: never[]) => Call> =
  Parameters<Verb> extends [SimMember, ...infer Rest] ? (member: string, ...rest: Rest) => Call : never;

export interface ScriptedMesh {
  readonly world: World;
  readonly paths: Paths;
  readonly network: SimNetwork;
  readonly registrar: SimRegistrar;
  member(name: string): SimMember;
  /** A member that was not there, or the same one on another machine with a copy of that member's disk. Starts it. */
  add(name: string, kind?: 'node' | 'tab', copyOf?: string): SimMember;
  /** Its newest process, and until it is in. */
  process(name: string): SimProcess;
  /** What a program has of it. */
  handle(name: string): Mesh;
  join(name: string): Promise<void>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Until it is so; fails if it is not so in time. */
  until(isSo: () => boolean, mostMs?: number): Promise<void>;
  /** Until it has settled; what it brought. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Until the call is answered. */
  over(call: Call, mostMs?: number): Promise<Call>;
  readonly get: Named<Calls['get']>;
  readonly put: Named<Calls['put']>;
  readonly cas: Named<Calls['cas']>;
  readonly delete: Named<Calls['delete']>;
  /** `ada.1* ben.2 | cleo.1`: the owner and the other copies by process, then the dropped ones; `unsettled` at the end. */
  row(slot?: number): string;
  /** The row itself. */
  configuration(slot?: number): Configuration;
  /** Who should have copies, owner first: told to the owners, now and whenever the rows change. */
  wish(copies: readonly string[], slot?: number): void;
  /** Asked of the registrar in that member's name, as no member would. */
  forge(name: string, request: RegistrarRequestName, ask: unknown): Promise<unknown>;
  hold(from: string, to: string, kinds?: string | readonly string[], options?: Pick<HoldRule, 'only' | 'twice'>): Hold;
  /** Both directions; `registrar` is a name too. */
  cut(a: string, b: string): void;
  heal(a: string, b: string): void;
  /** From all members and from the registrar. */
  isolate(name: string): void;
  reunite(name: string): void;
  /** From now on a write of the registrar's table takes so long; one that it does not see the end of is lost. */
  setTableWrite(ms: number): void;
  /** What a member's disk holds of a slot. */
  contents(name: string, slot?: number): string;
  slotOf(key: string): Slot;
  /** Changes that a registrar on a file that is not the newest made to it. */
  readonly wrongChanges: readonly string[];
  /** Broken promises: histories that nothing explains, two owners that answered, rows that went back. */
  judge(): readonly string[];
}

const REGISTRAR = 'registrar';
const WHOLE_MS = 20_000;
/** Some heartbeats, so that all leases are there. */
const QUIET_MS = 1_500;

export async function begin(beginning: Beginning = {}): Promise<ScriptedMesh> {
  const { members = { ada: 'node', ben: 'node' }, copies = Object.keys(members) } = beginning;
  const mesh = createScript(beginning, beginning.replicas ?? copies.length);
  mesh.registrar.start('newest');
  for (const [name, kind] of Object.entries(members)) {
    mesh.add(name, kind);
    await mesh.join(name);
  }
  const isLinked = (): boolean =>
    Object.keys(members).every((name) =>
      mesh
        .member(name)
        .run?.mesh?.status()
        .members.every(({ self, link }) => self || link?.state === 'open'),
    );
  await mesh.until(isLinked);
  mesh.wish(copies);
  const processes = (row: string): string => row.split(' ').toSorted().join();
  const whole = processes(copies.map((name, place) => `${name}.1${place === 0 ? '*' : ''}`).join(' '));
  await mesh.until(() => mesh.registrar.rows().every(({ slot }) => processes(mesh.row(slot)) === whole), WHOLE_MS);
  await mesh.pass(QUIET_MS);
  return mesh;
}

function createScript(beginning: Beginning, replicas: number): ScriptedMesh {
  const { slots: slotCount = 1, rates = {}, memories = {}, second } = beginning;
  // Many requests wait for one connection.
  setMaxListeners(0);
  const tuning = { rates: new Map(Object.entries(rates)), tableWriteMs: 4 };
  const world = createCalmWorld(tuning);
  const members = new Map<string, SimMember>();
  const doors = new Map<string, Door>();
  const incarnations = new Map<Incarnation, string>();
  const wrongChanges: string[] = [];
  const holds = createHolds();
  const watch = createWatch(world, {
    slotCount,
    areAcknowledgementsLate: replicas > 1,
    isLost: (id) => [...members.values()].some((member) => member.id === id && member.disk.isLost),
  });
  const paths = createPaths(world);
  const network = createNetwork({
    world,
    paths,
    replace: (_from, message) => (second === undefined ? message : withSecondWrite(message, second)),
    onSent: (from, to, message) => watch.sent(from, to, message),
  });
  const registrar = createSimRegistrar({
    world,
    slotCount,
    replicas,
    logger: loggerOf(world, REGISTRAR),
    onRows(rows) {
      watch.rowsStored(rows);
      world.after(1, () => wishes.publish());
    },
    onWrongChange: (kind) => wrongChanges.push(kind),
  });

  const nameOf = (id: PeerId): string => [...members.values()].find((member) => member.id === id)?.name ?? id;

  const wishes = createWishes({ registrar, doors, replicas, nameOf, idOf: (name) => members.get(name)?.id });

  const onRequest = ({ process }: Run, request: string, ask: unknown): void => {
    watch.requested(process, request, ask);
    if (request !== 'join' || typeof ask !== 'object' || ask === null || !('incarnation' in ask)) return;
    incarnations.set(ask.incarnation as Incarnation, process.name);
    world.after(QUIET_MS / 2, () => wishes.publish());
  };

  const memberOf = (name: string): SimMember => {
    const member = members.get(name);
    if (member === undefined) throw new Error(`no member is called ${name}`);
    return member;
  };

  const configuration = (slot = 0): Configuration => {
    const row = registrar.rows()[slot];
    if (row === undefined) throw new Error(`there is no row of slot ${slot}`);
    return row;
  };

  const others = (name: string): readonly string[] => [...members.keys(), REGISTRAR].filter((other) => other !== name);
  const both = (act: 'cut' | 'heal', a: string, b: string): void => {
    paths[act](a, b);
    paths[act](b, a);
  };

  const until = async (isSo: () => boolean, mostMs = 10_000): Promise<void> => {
    await world.runUntil(world.nowMs() + mostMs, isSo);
    if (isSo()) return;
    const rows = registrar.rows().map(({ slot }) => mesh.row(slot));
    throw new Error(`not so within ${mostMs} virtual ms: ${String(isSo)}; rows: ${rows.join(', ')}`);
  };

  const calls = createCalls(world, watch);

  const mesh: ScriptedMesh = {
    world,
    paths,
    network,
    registrar,
    member: memberOf,
    add(name, kind = 'node', copyOf) {
      const door = createDoor(registrar, holds, name);
      const member = createMember(
        {
          world,
          paths,
          network: {
            ...network,
            transport: (process, machine, context) =>
              holdTransport({ inner: network.transport(process, machine, context), holds, process, name, nameOf }),
          },
          registrar: door.registrar,
          logger: (process) => loggerOf(world, process),
          memories,
          mayStart: () => true,
          onRequest,
        },
        { name, kind },
      );
      members.set(name, member);
      doors.set(name, door);
      if (copyOf !== undefined) member.disk.restore(memberOf(copyOf).disk.image());
      member.start();
      return member;
    },
    process(name) {
      const process = memberOf(name).run?.process;
      if (process === undefined) throw new Error(`${name} was never started`);
      return process;
    },
    handle(name) {
      const handle = memberOf(name).run?.mesh;
      if (handle === undefined) throw new Error(`${name} is not in the mesh`);
      return handle;
    },
    join: (name) => until(() => memberOf(name).run?.mesh !== undefined),
    pass: (ms) => world.runUntil(world.nowMs() + ms),
    until,
    async run(promise) {
      let isSettled = false;
      const settled = (): void => {
        isSettled = true;
      };
      promise.then(settled, settled);
      await until(() => isSettled, 60_000);
      return promise;
    },
    async over(call, mostMs) {
      await until(() => call.isOver, mostMs);
      return call;
    },
    get: (name, ...rest) => calls.get(memberOf(name), ...rest),
    put: (name, ...rest) => calls.put(memberOf(name), ...rest),
    cas: (name, ...rest) => calls.cas(memberOf(name), ...rest),
    delete: (name, ...rest) => calls.delete(memberOf(name), ...rest),
    configuration,
    row(slot) {
      const { owner, copies, dropped, settled } = configuration(slot);
      const named = (of: Configuration['copies']): string =>
        of
          .map(
            ({ member, incarnation }) =>
              `${incarnations.get(incarnation) ?? incarnation}${member === owner ? '*' : ''}`,
          )
          .join(' ');
      const older = dropped.length === 0 ? '' : ` | ${named(dropped)}`;
      const ownerFirst = copies.toSorted((a, b) => Number(b.member === owner) - Number(a.member === owner));
      return `${named(ownerFirst)}${older}${settled ? '' : ' unsettled'}`;
    },
    wish: (copies, slot) => wishes.wish(copies, slot),
    forge: async (name, request, ask) => doors.get(name)?.request(request, ask),
    hold: (from, to, kinds, options) =>
      holds.hold({
        from,
        to,
        ...(kinds === undefined ? {} : { kinds: typeof kinds === 'string' ? [kinds] : kinds }),
        ...options,
      }),
    cut: (a, b) => both('cut', a, b),
    heal: (a, b) => both('heal', a, b),
    isolate(name) {
      for (const other of others(name)) both('cut', name, other);
    },
    reunite(name) {
      for (const other of others(name)) both('heal', name, other);
    },
    setTableWrite: (ms) => (tuning.tableWriteMs = ms),
    // A slot of the table by construction.
    contents: (name, slot = 0) => memberOf(name).disk.contentOf(slot as Slot),
    slotOf: (key) => slotOfKey(key as Key, slotCount),
    wrongChanges,
    judge: () => [...watch.findings, ...calls.judge()],
  };
  return mesh;
}
