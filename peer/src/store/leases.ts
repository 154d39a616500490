// The leases between this process and each other one, both ways, over the member's clocks: fed by the
// heartbeats of the links, asked by whoever reads, accuses or takes over. (What counts: `lease-state.ts`.)

import { limits, type ElapsedClock, type Incarnation, type PeerId, type TableEpoch } from '@shoal/shared';
import {
  claimKnown,
  claimMade,
  grantorDoubts,
  holderCaughtUp,
  holdsLease,
  leaseAnswered,
  leaseAsked,
  mayTakeOver,
  NOTHING_GRANTED,
  NOTHING_HELD,
  type GrantedLease,
  type HeldLease,
  type LeaseAnswer,
} from './lease-state.ts';

/** A process: what one incarnation granted counts for no other (rule 11). */
export interface Process {
  readonly member: PeerId;
  readonly incarnation: Incarnation;
}

/** What the heartbeats of the links tell and ask. */
export interface LeaseHooks {
  /** A reading to keep with a heartbeat that is sent, and to give back with its answer. */
  reading(): number;
  /** A heartbeat came: whether it is answered with a lease. */
  asked(from: Process, table: TableEpoch): boolean;
  answered(from: Process, answer: LeaseAnswer): void;
}

export interface Leases extends LeaseHooks {
  heard(from: Process): void;
  /** It has stopped serving and can't take it back (rule 23). */
  goodbye(from: Process): void;
  holds(grantor: Process): boolean;
  /** Said goodbye. */
  isGone(process: Process): boolean;
  /** Nothing came of it for so long that its owner may accuse it; `sinceMs`: since when that was looked for, a `nowMs`. */
  isSilent(process: Process, sinceMs: number): boolean;
  mayTakeOver(holder: Process, rowMs: number): boolean;
  claim(holder: Process): void;
  claimKnown(holder: Process, outcome: { readonly written: boolean; readonly table: TableEpoch }): void;
  /** This process stood still: what it did not hear proves nothing (rule 8). */
  doubt(): void;
  /** This process was late by so much: it was not listening, and the others were not silent. */
  wasLate(lateMs: number): void;
  /** This member's table has come further. */
  tableMoved(): void;
  /** The clock that says less. */
  nowMs(): number;
  /** Forgets processes that were not heard of for long. */
  prune(): void;
}

interface Pair {
  held: HeldLease;
  granted: GrantedLease;
  /** Readings of the clock that says less. */
  heardMs: number;
  answeredMs: number;
}

/** Longer than any grace: who takes over from a process that is not known waits from the row that names it. */
const FORGET_MS = 60_000;

export function createLeases(deps: {
  readonly elapsed: ElapsedClock;
  table(): TableEpoch;
  /** A lease is there that was not: what waits is looked at again. */
  onHeld(): void;
}): Leases {
  const { elapsed } = deps;
  // Incarnations are unique: the member's id would add nothing.
  const pairs = new Map<Incarnation, Pair>();
  let doubtedMs = elapsed.read().shorterMs;

  const pairOf = ({ incarnation }: Process): Pair => {
    const known = pairs.get(incarnation);
    if (known !== undefined) return known;
    const { shorterMs } = elapsed.read();
    const pair = { held: NOTHING_HELD, granted: NOTHING_GRANTED, heardMs: shorterMs, answeredMs: shorterMs };
    pairs.set(incarnation, pair);
    return pair;
  };

  const counts = (pair: Pair): boolean => holdsLease(pair.held, elapsed.read().longerMs);

  const changeHeld = (pair: Pair, held: HeldLease): void => {
    const before = counts(pair);
    pair.held = held;
    if (!before && counts(pair)) deps.onHeld();
  };

  return {
    reading: () => elapsed.read().longerMs,
    asked(from, table) {
      const pair = pairOf(from);
      const { shorterMs } = elapsed.read();
      pair.heardMs = shorterMs;
      const { granted, lease } = leaseAsked(pair.granted, table, { own: deps.table(), nowMs: shorterMs });
      pair.granted = granted;
      return lease;
    },
    answered(from, answer) {
      const pair = pairOf(from);
      pair.heardMs = pair.answeredMs = elapsed.read().shorterMs;
      changeHeld(pair, leaseAnswered(pair.held, answer, deps.table()));
    },
    heard(from) {
      pairOf(from).heardMs = elapsed.read().shorterMs;
    },
    goodbye(from) {
      const pair = pairOf(from);
      pair.granted = { ...pair.granted, gone: true };
    },
    holds(grantor) {
      const pair = pairs.get(grantor.incarnation);
      return pair !== undefined && counts(pair);
    },
    isGone: ({ incarnation }) => pairs.get(incarnation)?.granted.gone === true,
    isSilent({ incarnation }, sinceMs) {
      const pair = pairs.get(incarnation);
      const { shorterMs } = elapsed.read();
      const since = Math.max(sinceMs, doubtedMs);
      const isUnheard = shorterMs - Math.max(pair?.heardMs ?? since, since) >= limits.suspicionMs;
      // A link of which only one direction lives brings heartbeats and no answers.
      return isUnheard || shorterMs - Math.max(pair?.answeredMs ?? since, since) >= limits.leaseMs;
    },
    mayTakeOver(holder, rowMs) {
      const granted = pairs.get(holder.incarnation)?.granted ?? NOTHING_GRANTED;
      return mayTakeOver(granted, { nowMs: elapsed.read().shorterMs, rowMs: Math.max(rowMs, doubtedMs) });
    },
    claim(holder) {
      const pair = pairOf(holder);
      pair.granted = claimMade(pair.granted);
    },
    claimKnown(holder, { written, table }) {
      const pair = pairOf(holder);
      pair.granted = claimKnown(pair.granted, { written, table, nowMs: elapsed.read().shorterMs });
    },
    doubt() {
      const { shorterMs } = elapsed.read();
      doubtedMs = shorterMs;
      for (const pair of pairs.values()) pair.granted = grantorDoubts(pair.granted, shorterMs);
    },
    wasLate(lateMs) {
      const { shorterMs } = elapsed.read();
      for (const pair of pairs.values()) {
        pair.heardMs = Math.min(shorterMs, pair.heardMs + lateMs);
        pair.answeredMs = Math.min(shorterMs, pair.answeredMs + lateMs);
      }
    },
    tableMoved() {
      for (const pair of pairs.values()) changeHeld(pair, holderCaughtUp(pair.held, deps.table()));
    },
    nowMs: () => elapsed.read().shorterMs,
    prune() {
      const { shorterMs } = elapsed.read();
      for (const [incarnation, pair] of pairs)
        if (pair.granted.claims === 0 && shorterMs - pair.heardMs > FORGET_MS) pairs.delete(incarnation);
    },
  };
}
