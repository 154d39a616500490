// Looks at what members really answer: each answer as owner that leaves a process is held against the
// newest table on the registrar's disk. At most one process may answer for a slot at any instant.

import {
  decodeFrame,
  slotOfKey,
  type Configuration,
  type Frame,
  type Incarnation,
  type Key,
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
  answeredHere(process: SimProcess, key: string): void;
  /** What was found wrong. */
  readonly findings: readonly string[];
  /** Slots that were declared empty, and when. */
  readonly emptied: readonly Emptied[];
  /** Changes of ownership. */
  readonly moves: number;
}

export interface Emptied {
  readonly slot: Slot;
  readonly stamp: number;
  readonly atMs: number;
}

/** Of a fragment and of a frame. */
const HEAD_BYTES = 16;
const WHOLE = 3;
const WATCHED: ReadonlySet<number> = new Set([FRAME_KIND_NUMBERS.get, FRAME_KIND_NUMBERS.put, FRAME_KIND_NUMBERS.data]);

interface Asked {
  readonly slot: Slot;
  readonly key: Key | undefined;
}

export function createWatch(world: World, slotCount: number): Watch {
  const incarnations = new Map<SimProcess, Incarnation>();
  const rows = new Map<Slot, Configuration>();
  const asked = new Map<string, Asked>();
  const lastAsked = new Map<string, number>();
  const findings: string[] = [];
  const emptied: Emptied[] = [];
  let moves = 0;

  const answered = (process: SimProcess, slot: Slot, what: string): void => {
    const row = rows.get(slot);
    const incarnation = incarnations.get(process);
    if (row?.copies.some((copy) => copy.member === row.owner && copy.incarnation === incarnation) === true) return;
    const owner = [...incarnations].find(([, theirs]) => row?.copies.some((copy) => copy.incarnation === theirs));
    findings.push(
      `${world.nowMs().toFixed(1)}: ${process.name} answers ${what} of slot ${slot}, which ${owner?.[0].name ?? row?.owner ?? 'nobody'} owns (epoch ${row?.epoch ?? 0})`,
    );
  };

  const look = (from: PipeEnd, to: PipeEnd, frame: Frame): void => {
    if (frame.kind === 'get' || frame.kind === 'put') {
      const keys = frame.kind === 'get' ? [frame.key] : frame.writes.map(({ key }) => key);
      asked.set(frame.id, { slot: frame.slot, key: keys[0] });
      for (const key of keys) lastAsked.set(`${from.process.name} ${key}`, world.stamp());
    }
    if (frame.kind !== 'data') return;
    const about = asked.get(frame.id);
    const { result } = frame;
    if (about === undefined || result.kind === 'moved' || result.kind === 'refused') return;
    answered(from.process, about.slot, `${result.kind} (${about.key ?? ''} to ${to.process.name})`);
  };

  return {
    findings,
    emptied,
    get moves() {
      return moves;
    },
    requested(process, name, ask) {
      if (name !== 'join' || typeof ask !== 'object' || ask === null || !('incarnation' in ask)) return;
      incarnations.set(process, ask.incarnation as Incarnation);
    },
    sent(from, to, message) {
      if (message[1] !== WHOLE || !WATCHED.has(message[HEAD_BYTES + 1] ?? 0)) return;
      const decoded = decodeFrame(message.slice(HEAD_BYTES));
      if ('ok' in decoded) look(from, to, decoded.ok);
    },
    rowsStored(stored) {
      for (const row of stored) {
        const before = rows.get(row.slot);
        if (before !== undefined && row.epoch < before.epoch)
          findings.push(`slot ${row.slot} went back from epoch ${before.epoch} to ${row.epoch}`);
        if (before !== undefined && row.owner !== before.owner) moves += 1;
        if (before !== undefined && row.emptyBefore > before.emptyBefore)
          emptied.push({ slot: row.slot, stamp: world.stamp(), atMs: world.nowMs() });
        rows.set(row.slot, row);
      }
    },
    hasAsked: (process, key, sinceStamp) => (lastAsked.get(`${process.name} ${key}`) ?? -1) > sinceStamp,
    answeredHere(process, key) {
      answered(process, slotOfKey(key as Key, slotCount), `${key} to itself`);
    },
  };
}
