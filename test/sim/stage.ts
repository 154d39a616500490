// A whole mesh in one process, made from a seed: the world, the registrar, the members and the load.

import { slotOfKey, type Key, type LogFields, type Logger } from '@shoal/shared';
import { createAnswered, type Answered } from './answered.ts';
import { createClients, type Clients } from './clients.ts';
import { createMoments, type Moments } from './moments.ts';
import { createPairs, type Pairs } from './pairs.ts';
import { createPaths, type Paths } from './paths.ts';
import { createMember, type Run, type SimMember } from './sim-member.ts';
import { createNetwork, type SimNetwork } from './sim-network.ts';
import { machineOf } from './sim-process.ts';
import { createSimRegistrar, type SimRegistrar } from './sim-registrar.ts';
import { createWatch, type Watch } from './watch.ts';
import { createWorld, type Draw, type World } from './world.ts';

export interface Stage {
  readonly world: World;
  readonly draw: Draw;
  readonly paths: Paths;
  readonly network: SimNetwork;
  readonly registrar: SimRegistrar;
  readonly watch: Watch;
  readonly moments: Moments;
  readonly answered: Answered;
  readonly clients: Clients;
  readonly pairs: Pairs;
  readonly slotCount: number;
  /** Whether faults strike few members. */
  readonly isFocused: boolean;
  /** Copies of each slot. */
  readonly replicas: number;
  readonly keys: readonly string[];
  /** All that ever were. */
  readonly members: readonly SimMember[];
  membersUp(): readonly SimMember[];
  newMember(): SimMember;
  /** Slots of which an operator had older copies served. */
  readonly recovered: Set<number>;
  /** Whether members may start; else they wait until they may. */
  setStarting(isAllowed: boolean): void;
  /** Broken promises found on the way. */
  readonly findings: string[];
  slotOf(key: string): number;
}

export interface StageOptions {
  readonly seed: number;
  readonly onLog?: ((process: string, level: string, event: string, fields: LogFields | undefined) => void) | undefined;
}

const CLIENTS = 8;
const PATIENT_MS = [500, 2_000, 8_000, 20_000, 20_000];
/** In some seeds deletes are forgotten while they still matter: as much later as in a program than the last retry. */
const FORGETFUL = { memories: { tombstoneMs: 17_000, retryMemoryMs: 16_000 }, timeoutsMs: [500, 2_000, 8_000] };

export function createStage({ seed, onLog }: StageOptions): Stage {
  const world = createWorld(seed);
  const draw = world.random('stage');
  const slotCount = draw.pick([4, 8, 16]);
  // Of one copy there is little to prove, and nothing to take over.
  const replicas = draw.chance(0.06) ? 1 : draw.pick([2, 3]);
  const keys = Array.from({ length: draw.whole(4, 20) }, (_, number) => `k${number}`);
  const findings: string[] = [];
  const members: SimMember[] = [];
  const loggerOf = (process: string): Logger => createLogger(process, { findings, onLog });
  const moments = createMoments(members);
  const slotOf = (key: string): number => slotOfKey(key as Key, slotCount);
  const pairs = createPairs(world, { keys, slotOf });
  const watch = createWatch(world, {
    slotCount,
    areAcknowledgementsLate: replicas > 1,
    onFrame: pairs.saw,
    isLost: (id) => members.some((member) => member.id === id && member.disk.isLost),
  });
  const answered = createAnswered(world, { members, slotOf });
  const paths = createPaths(world);
  const network = createNetwork({
    world,
    paths,
    replace: pairs.replace,
    onSent: (from, to, message) => watch.sent(from, to, message),
  });
  const registrar = createSimRegistrar({
    world,
    slotCount,
    replicas,
    logger: loggerOf('registrar'),
    onRows: (rows) => {
      pairs.rowsStored(rows);
      watch.rowsStored(rows);
      moments.rowsStored(rows);
      answered.rowsStored(rows);
    },
    onWrongChange: (kind) => findings.push(`a registrar with ${kind} file changes what it has of the table`),
  });
  let mayStart = true;
  const { memories, timeoutsMs } = draw.chance(0.4) ? FORGETFUL : { memories: {}, timeoutsMs: PATIENT_MS };
  const memberParts = {
    memories,
    mayStart: () => mayStart,
    world,
    paths,
    network,
    registrar,
    logger: loggerOf,
    onRequest: ({ process }: Run, name: string, ask: unknown) => {
      watch.requested(process, name, ask);
      if (name === 'propose') moments.proposed(machineOf(process.name), ask);
    },
  };
  const clients = createClients({
    world,
    count: CLIENTS + draw.whole(0, 4),
    keys,
    members: () => members,
    watch,
    thinkMs: draw.pick([50, 200, 400]),
    timeoutsMs,
  });
  return {
    world,
    draw,
    paths,
    network,
    registrar,
    watch,
    moments,
    answered,
    clients,
    pairs,
    isFocused: draw.chance(0.5),
    slotCount,
    replicas,
    keys,
    members,
    findings,
    recovered: new Set(),
    membersUp: () => members.filter(({ run, isWanted }) => isWanted && run?.mesh !== undefined && !run.isOver),
    setStarting(isAllowed) {
      mayStart = isAllowed;
    },
    newMember() {
      const kind = draw.pick(['node', 'tab'] as const);
      const member = createMember(memberParts, { name: nameOf(members.length), kind });
      members.push(member);
      return member;
    },
    slotOf,
  };
}

const NAMES = ['ada', 'ben', 'cleo', 'dan', 'eve', 'finn', 'gus', 'hana', 'ida', 'jon', 'kim', 'leo'];

function nameOf(number: number): string {
  return `${NAMES[number % NAMES.length] ?? ''}${number < NAMES.length ? '' : Math.floor(number / NAMES.length)}`;
}

/** What a member calls its own error is a finding. */
const OWN_ERRORS: ReadonlySet<string> = new Set([
  'listenerThrew',
  'listener-threw',
  'requestFailed',
  'frame-unsendable',
]);

function createLogger(
  process: string,
  { findings, onLog }: { readonly findings: string[]; readonly onLog: StageOptions['onLog'] },
): Logger {
  const log = (level: string) => (event: string, fields?: LogFields) => {
    if (OWN_ERRORS.has(event)) findings.push(`${process} logged ${event}: ${String(fields?.['error'])}`);
    onLog?.(process, level, event, fields);
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}
