// How long slots stood still because they moved: from the seal at the old owner until somebody answers for
// the slot again, measured where it is served next. A move that stopped nobody counts with 0.

import type { StopsView } from '../api.ts';
import type { SlotCell } from './store-context.ts';

export interface Stops {
  /** Requests of the slot wait from here on, on account of a move. */
  began(cell: SlotCell): void;
  /** Writes of it never rested: they had to wait. */
  forced(): void;
  /** What it has stood still so far under an older owner. */
  continued(cell: SlotCell, forMs: number): void;
  /** Since the seal in the epoch before `epoch`; undefined if there was none. */
  sinceMs(cell: SlotCell, epoch: number): number | undefined;
  /** It is served here again, as soon as its leases allow, or by another who took it as it was. */
  ended(cell: SlotCell): void;
  passed(cell: SlotCell): void;
  /** A move that stops nobody, unless it did already. */
  none(cell: SlotCell): void;
  /** What was measured of this slot is nobody's any more. */
  forget(cell: SlotCell): void;
  /** Leases came: slots may be answered for again. */
  look(): void;
  view(): StopsView;
}

/** As many as a mesh has slots: one whole move of all. */
const REMEMBERED = 4_096;

interface Stop {
  readonly sinceMs: number;
  readonly epoch: number;
  isServed: boolean;
}

export function createStops(deps: { nowMs(): number; mayAnswer(cell: SlotCell): boolean }): Stops {
  const open = new Map<SlotCell, Stop>();
  const lengths = new Float64Array(REMEMBERED);
  let moves = 0;
  let forcedMoves = 0;
  let longestMs = 0;

  const record = (lengthMs: number): void => {
    lengths[moves % REMEMBERED] = lengthMs;
    moves += 1;
    longestMs = Math.max(longestMs, lengthMs);
  };

  const close = (cell: SlotCell): void => {
    const stop = open.get(cell);
    if (stop !== undefined) record(deps.nowMs() - stop.sinceMs);
    open.delete(cell);
  };

  const start = (cell: SlotCell, forMs: number): void => {
    if (open.has(cell)) return;
    open.set(cell, { sinceMs: deps.nowMs() - forMs, epoch: cell.row?.epoch ?? 0, isServed: false });
  };

  return {
    began: (cell) => start(cell, 0),
    forced() {
      forcedMoves += 1;
    },
    continued: start,
    sinceMs(cell, epoch) {
      const stop = open.get(cell);
      return stop === undefined || stop.epoch !== epoch - 1 ? undefined : deps.nowMs() - stop.sinceMs;
    },
    ended(cell) {
      const stop = open.get(cell);
      if (stop === undefined) return;
      if (deps.mayAnswer(cell)) close(cell);
      else stop.isServed = true;
    },
    passed: close,
    none: (cell) => void (open.has(cell) || record(0)),
    forget: (cell) => void open.delete(cell),
    look() {
      for (const [cell, { isServed }] of open) if (isServed && deps.mayAnswer(cell)) close(cell);
    },
    view() {
      const known = lengths.subarray(0, Math.min(moves, REMEMBERED)).toSorted();
      const p99Ms = known[Math.ceil(known.length * 0.99) - 1] ?? 0;
      return { moves, forced: forcedMoves, longestMs, p99Ms };
    },
  };
}
