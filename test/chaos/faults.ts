// What strikes: each kind does its harm and undoes it. None takes the storage of more copies of a slot
// than the promise allows: only what leaves all slots whole elsewhere is removed.

import { execFileSync } from 'node:child_process';
import { type Cast, type NodeMember, removeFolder, type TabSeat } from './cast.ts';
import { pause } from './load.ts';
import { livingCopies, readTable, type TableFile, tagsOfSlots } from './table.ts';

/** From the kill of a member to the acknowledged puts of the slots that it owned. */
export interface Failover {
  readonly slots: number;
  /** Of those slots that acknowledged one. */
  readonly answered: number;
  readonly halfMs: number;
  readonly lastMs: number;
}

export interface Strike {
  readonly cast: Cast;
  readonly next: () => number;
  readonly signal: AbortSignal;
  onFailover(failover: Failover): void;
}

export interface Fault {
  /** Whether there is somebody to strike now. */
  may(cast: Cast, file: TableFile): boolean;
  /** Resolves when what was struck is back; false if it did not strike after all. */
  strike(strike: Strike): Promise<boolean>;
}

/** Of a file on a disk that is full: not even a new log has room. */
const FULL_BYTES = 4_096;
/** Until what a member asked for before it was killed is in the table. */
const AFTERWARDS_MS = 1_000;
const NODES_LEFT = 2;
/** Too short for anybody to be replaced, and longer than every grace. */
const MOMENT_MS = [200, 800] as const;
const LONG_MS = [5_000, 9_000] as const;

const someNode = ({ nodes }: Cast): boolean => nodes.filter(({ isUp }) => isUp).length > NODES_LEFT;
const someTab = ({ tabs }: Cast): boolean => tabs.every(({ isUp }) => isUp);
/** A tab's copy is relaxed: where it is the last one, those that were dropped are needed too, and one may be gone. */
const someTabToSpare = (cast: Cast, { table }: TableFile): boolean =>
  someTab(cast) &&
  table.rows.every(({ copies, dropped }) => [...copies, ...dropped].every(({ member }) => cast.has(member)));

/** The short form goes through them in this order: what needs whole slots comes first. */
export const FAULTS = {
  'folder removed': {
    may: (cast, file) => cast.registrar.isUp && someNode(cast) && dispensable(cast, file).length > 0,
    strike: async (strike) => {
      const { cast, next } = strike;
      const member = pick(next, dispensable(cast, await readTable(cast.registrar.data)));
      await member.kill();
      await pause(AFTERWARDS_MS, strike.signal);
      const isSafe = isHeldElsewhere(cast, await readTable(cast.registrar.data), member);
      if (isSafe) await removeFolder(member);
      await wait(strike, 500, 6_000);
      await member.start(strike.cast.registrar.url);
      return isSafe;
    },
  },
  'member killed': {
    // Nobody else is away: what is measured is this one's failover.
    may: ({ registrar, nodes, tabs }) => [registrar, ...nodes, ...tabs].every(({ isUp }) => isUp),
    strike: async (strike) => {
      const member = pickNode(strike);
      await measureFailover(strike, member);
      await wait(strike, 2_000, 4_000);
      await member.start(strike.cast.registrar.url);
      return true;
    },
  },
  'member stopped for a moment': stop(someNode, pickNode, MOMENT_MS),
  'tab stopped for a moment': stop(someTab, pickTab, MOMENT_MS),
  'disk full': {
    may: someNode,
    strike: async (strike) => {
      const member = pickNode(strike);
      limitFiles(member, `${FULL_BYTES}`);
      await wait(strike, 2_000, 8_000);
      limitFiles(member, 'unlimited');
      return true;
    },
  },
  'member stopped for long': stop(someNode, pickNode, LONG_MS),
  'registrar killed': {
    may: ({ registrar }) => registrar.isUp,
    strike: async (strike) => {
      const { registrar } = strike.cast;
      await registrar.kill();
      await wait(strike, 500, 5_000);
      await registrar.start();
      return true;
    },
  },
  'tab stopped for long': stop(someTab, pickTab, LONG_MS),
  'registrar and member killed': {
    may: (cast) => cast.registrar.isUp && someNode(cast),
    strike: async (strike) => {
      const { registrar } = strike.cast;
      const member = pickNode(strike);
      await Promise.all([registrar.kill(), member.kill()]);
      await wait(strike, 1_000, 5_000);
      await registrar.start();
      await wait(strike, 0, 5_000);
      await member.start(registrar.url);
      return true;
    },
  },
  'tab closed': {
    may: someTabToSpare,
    strike: async (strike) => {
      const seat = pickTab(strike);
      await seat.close();
      await wait(strike, 500, 4_000);
      await seat.open();
      return true;
    },
  },
  'tab crashed': {
    may: someTabToSpare,
    strike: async (strike) => {
      const seat = pickTab(strike);
      crash(seat);
      await wait(strike, 500, 6_000);
      await seat.close();
      await seat.open();
      return true;
    },
  },
} as const satisfies Record<string, Fault>;

export type FaultKind = keyof typeof FAULTS;
/** Elsewhere a running process can't be given a limit of its files. */
const isLinux = process.platform === 'linux';
export const FAULT_KINDS = (Object.keys(FAULTS) as readonly FaultKind[]).filter(
  (kind) => kind !== 'disk full' || isLinux,
);

function pickNode({ cast, next }: Strike): NodeMember {
  return pick(
    next,
    cast.nodes.filter(({ isUp }) => isUp),
  );
}

function pickTab({ cast, next }: Strike): TabSeat {
  return pick(next, cast.tabs);
}

function pick<T>(next: () => number, items: readonly T[]): T {
  const item = items[Math.floor(next() * items.length)];
  if (item === undefined) throw new Error('There is nobody to strike.');
  return item;
}

function wait({ next, signal }: Strike, leastMs: number, mostMs: number): Promise<void> {
  return pause(leastMs + next() * (mostMs - leastMs), signal);
}

/** SIGSTOP, and SIGCONT after that. */
function stop(
  may: Fault['may'],
  pickOne: (strike: Strike) => NodeMember | TabSeat,
  [leastMs, mostMs]: readonly [number, number],
): Fault {
  return {
    may,
    strike: async (strike) => {
      const one = pickOne(strike);
      one.signal('SIGSTOP');
      await wait(strike, leastMs, mostMs);
      one.signal('SIGCONT');
      return true;
    },
  };
}

async function measureFailover({ cast, onFailover }: Strike, member: NodeMember): Promise<void> {
  const file = await readTable(cast.registrar.data);
  const tags = tagsOfSlots(file.table.slotCount);
  // One without another copy waits until its only one is back.
  const slots = file.table.rows
    .filter((row) => row.owner.startsWith(member.id) && livingCopies(file, row, cast.isUp) > 1)
    .map(({ slot }) => slot);
  probes += 1;
  const name = `probe/${probes}`;
  const killedAtMs = Number(process.hrtime.bigint()) / 1e6;
  await member.kill();
  const atMs = (await cast.clients[0]?.probe(slots.map((slot) => `${name}/${tags[slot]}`))) ?? [];
  const since = (at: number | undefined): number => (at ?? killedAtMs) - killedAtMs;
  onFailover({
    slots: slots.length,
    answered: atMs.length,
    halfMs: since(atMs[Math.floor(atMs.length / 2)]),
    lastMs: since(atMs.at(-1)),
  });
}

let probes = 0;

function crash({ tab }: TabSeat): void {
  if (tab === undefined) return;
  process.kill(tab.rendererPid, 'SIGKILL');
}

/** Those without whom each slot still has a living copy. */
function dispensable(cast: Cast, file: TableFile): readonly NodeMember[] {
  return cast.nodes.filter((member) => member.isUp && isHeldElsewhere(cast, file, member));
}

/** Whether each slot of which it has a copy has another one that lives. Once it is dead it can't have that one dropped. */
function isHeldElsewhere(cast: Cast, file: TableFile, { id }: NodeMember): boolean {
  const isOther = (member: string): boolean => !member.startsWith(id) && cast.isUp(member);
  return file.table.rows.every(
    (row) =>
      !row.dropped.some(({ member }) => member.startsWith(id)) &&
      (!row.copies.some(({ member }) => member.startsWith(id)) || livingCopies(file, row, isOther) > 0),
  );
}

/** As a full disk, to one process: whatever it writes behind that fails. */
function limitFiles({ running }: NodeMember, bytes: string): void {
  if (running !== undefined) execFileSync('prlimit', ['--pid', `${running.pid}`, `--fsize=${bytes}:unlimited`]);
}
