// Looks at what members really answer: each answer as owner that leaves a process is held against the
// newest table on the registrar's disk. At most one process may answer for a slot at any instant.

import {
  decodeFrame,
  SEAL_BYTES,
  slotOfKey,
  type Configuration,
  type Frame,
  type Incarnation,
  type Key,
  type PeerId,
  type Slot,
} from '@shoal/shared';
import { FRAME_KIND_NUMBERS } from '../../shared/src/frame-kinds.ts';
import type { PipeEnd } from './sim-pipe.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export interface Watch {
  /** A request that a process sent to the registrar: the join tells its incarnation. */
  requested(process: SimProcess, name: string, ask: unknown): void;
  sent(from: PipeEnd, to: PipeEnd, message: Uint8Array): void;
  rowsStored(rows: readonly Configuration[]): void;
  /** Whether the process sent a request for the key since then: if not, what it says of the key is its own answer. */
  hasAsked(process: SimProcess, key: string, sinceStamp: number): boolean;
  /** A process answered a question of its own. */
  answeredHere(process: SimProcess, key: string, isDone: boolean): void;
  /** What was found wrong. */
  readonly findings: readonly string[];
  /** Slots that were declared empty, and when. */
  readonly emptied: readonly Emptied[];
  /** Changes of ownership. */
  readonly moves: number;
  /** Those in which a backup became the owner without the one of before. */
  readonly takeOvers: number;
}

export interface Emptied {
  readonly slot: Slot;
  readonly stamp: number;
  readonly atMs: number;
}

/** Of a fragment and of a frame. */
const HEAD_BYTES = 16;
const WHOLE = 3;
const DULL: ReadonlySet<string> = new Set(['heartbeat', 'alive', 'credit', 'hello']);
const WATCHED: ReadonlySet<number> = new Set([
  FRAME_KIND_NUMBERS.get,
  FRAME_KIND_NUMBERS.put,
  FRAME_KIND_NUMBERS.data,
  FRAME_KIND_NUMBERS.forward,
]);

interface Asked {
  readonly slot: Slot;
  readonly key: Key | undefined;
}

export interface WatchOptions {
  readonly slotCount: number;
  /** Whether a write may be acknowledged by an owner of before: with more copies than one all of them have it. */
  readonly areAcknowledgementsLate: boolean;
  /** Whether what that member stored is gone. */
  isLost(member: PeerId): boolean;
  /** What askers and owners say to each other. */
  onFrame?(frame: Frame): void;
}

function describeRow({ slot, epoch, owner, copies, dropped, settled }: Configuration): string {
  const names = (of: Configuration['copies']): string =>
    of
      .map(
        ({ member, incarnation }) => `${member.slice(0, 4)}#${incarnation.slice(0, 4)}${member === owner ? '*' : ''}`,
      )
      .join(' ');
  return `${slot} epoch ${epoch}: ${names(copies)}${dropped.length === 0 ? '' : `, dropped ${names(dropped)}`}${settled ? '' : ', unsettled'}`;
}

function isTakeOver(before: Configuration, row: Configuration): boolean {
  const isBackup = before.copies.length > 1 && before.copies.some(({ member }) => member === row.owner);
  const isThere = row.copies.some(({ member }) => member === before.owner);
  return row.owner !== before.owner && row.epoch === before.epoch + 1 && row.settled && isBackup && !isThere;
}

export function createWatch(world: World, options: WatchOptions): Watch {
  const { slotCount, areAcknowledgementsLate, isLost } = options;
  const incarnations = new Map<SimProcess, Incarnation>();
  const rows = new Map<Slot, Configuration>();
  const asked = new Map<string, Asked>();
  const lastAsked = new Map<string, number>();
  const findings: string[] = [];
  const emptied: Emptied[] = [];
  let moves = 0;
  let takeOvers = 0;

  const answered = (process: SimProcess, slot: Slot, what: string): void => {
    const row = rows.get(slot);
    const incarnation = incarnations.get(process);
    if (row?.copies.some((copy) => copy.member === row.owner && copy.incarnation === incarnation) === true) return;
    const owner = [...incarnations].find(([, theirs]) => row?.copies.some((copy) => copy.incarnation === theirs));
    findings.push(
      `${world.nowMs().toFixed(1)}: ${process.name} answers ${what} of slot ${slot}, which ${owner?.[0].name ?? row?.owner ?? 'nobody'} owns (epoch ${row?.epoch ?? 0})`,
    );
  };

  /** Right only if nobody has what the slot held. */
  const emptiedNow = ({ slot, copies, dropped }: Configuration): Emptied => {
    const left = [...copies, ...dropped].find(({ member }) => !isLost(member));
    if (left !== undefined) findings.push(`slot ${slot} is emptied while ${left.member} has it`);
    return { slot, stamp: world.stamp(), atMs: world.nowMs() };
  };

  /** For people who look for a bug. */
  const describe = (from: PipeEnd, to: PipeEnd, message: Uint8Array): void => {
    const decoded = message[1] === WHOLE ? decodeFrame(message.slice(HEAD_BYTES)) : undefined;
    if (decoded === undefined || !('ok' in decoded) || DULL.has(decoded.ok.kind)) return;
    const text = JSON.stringify(decoded.ok, (name, value: unknown) => (name === 'payload' ? undefined : value));
    world.onDelivered?.(`  ${from.process.name} → ${to.process.name}: ${text}`);
  };

  const look = (from: PipeEnd, to: PipeEnd, frame: Frame): void => {
    // What another member only passes on is said by whoever gave it.
    if (frame.kind === 'forward') return sent(from, to, frame.payload.subarray(SEAL_BYTES));
    options.onFrame?.(frame);
    if (frame.kind === 'get' || frame.kind === 'put') {
      const keys = frame.kind === 'get' ? [frame.key] : frame.writes.map(({ key }) => key);
      asked.set(frame.id, { slot: frame.slot, key: keys[0] });
      for (const key of keys) lastAsked.set(`${from.process.name} ${key}`, world.stamp());
    }
    if (frame.kind !== 'data') return;
    const about = asked.get(frame.id);
    const { result } = frame;
    if (about === undefined || result.kind === 'moved' || result.kind === 'refused') return;
    if (result.kind === 'done' && areAcknowledgementsLate) return;
    answered(from.process, about.slot, `${result.kind} (${about.key ?? ''} to ${to.process.name})`);
  };

  function sent(from: PipeEnd, to: PipeEnd, message: Uint8Array): void {
    if (world.onDelivered !== undefined) describe(from, to, message);
    if (message[1] !== WHOLE || !WATCHED.has(message[HEAD_BYTES + 1] ?? 0)) return;
    const decoded = decodeFrame(message.slice(HEAD_BYTES));
    if ('ok' in decoded) look(from, to, decoded.ok);
  }

  return {
    findings,
    emptied,
    get moves() {
      return moves;
    },
    get takeOvers() {
      return takeOvers;
    },
    requested(process, name, ask) {
      if (name !== 'join' || typeof ask !== 'object' || ask === null || !('incarnation' in ask)) return;
      incarnations.set(process, ask.incarnation as Incarnation);
    },
    sent,
    rowsStored(stored) {
      for (const row of stored) {
        world.onDelivered?.(`  row ${describeRow(row)}`);
        const before = rows.get(row.slot);
        if (before !== undefined && row.epoch < before.epoch)
          findings.push(`slot ${row.slot} went back from epoch ${before.epoch} to ${row.epoch}`);
        if (before !== undefined && row.owner !== before.owner) moves += 1;
        if (before !== undefined && isTakeOver(before, row)) takeOvers += 1;
        if (before !== undefined && row.emptyBefore > before.emptyBefore) emptied.push(emptiedNow(before));
        rows.set(row.slot, row);
      }
    },
    hasAsked: (process, key, sinceStamp) => (lastAsked.get(`${process.name} ${key}`) ?? -1) > sinceStamp,
    answeredHere(process, key, isDone) {
      if (isDone && areAcknowledgementsLate) return;
      answered(process, slotOfKey(key as Key, slotCount), `${key} to itself`);
    },
  };
}
