// The lease between an ordered pair of processes, pure (REPLICATION, section 1, rules 20 and 21): A holds,
// B grants. B's yes to A's heartbeat means that for three seconds from A's sending B will not ask for a
// slot that A owns. A counts those three seconds from its sending, by the clock that says more; B waits
// four from its last yes, by the clock that says less: so A's time lies inside B's for any clocks within 10 %.

import { compareTableEpochs, limits, type TableEpoch } from '@shoal/shared';

/** What A has of B's. Times are readings of the clock that says more. */
export interface HeldLease {
  /** Sending time of the newest heartbeat that was answered at all. */
  readonly answeredMs: number | undefined;
  /** Sending time of the newest yes that counts. */
  readonly countedMs: number | undefined;
  /** A yes of a table that A has not reached. */
  readonly waiting: { readonly askedMs: number; readonly table: TableEpoch } | undefined;
}

/** What B gave to A. Times are readings of the clock that says less. */
export interface GrantedLease {
  readonly yesMs: number | undefined;
  /** Proposals of B's to take over from A whose outcome is not known. */
  readonly claims: number;
  /** B's table must have reached this before it says yes again: it has the outcome of a claim. */
  readonly until: TableEpoch;
  /** A's table has not reached this one since then. */
  readonly behind: { readonly sinceMs: number; readonly table: TableEpoch } | undefined;
  /** A said goodbye. */
  readonly gone: boolean;
}

export const NOTHING_HELD: HeldLease = { answeredMs: undefined, countedMs: undefined, waiting: undefined };

export const NOTHING_GRANTED: GrantedLease = {
  yesMs: undefined,
  claims: 0,
  until: { term: 0, epoch: 0 },
  behind: undefined,
  gone: false,
};

export interface LeaseAnswer {
  /** A's reading when it sent the heartbeat. */
  readonly askedMs: number;
  readonly lease: boolean;
  /** B's. */
  readonly table: TableEpoch;
}

/** At A. `own`: the table that A has now. */
export function leaseAnswered(held: HeldLease, answer: LeaseAnswer, own: TableEpoch): HeldLease {
  const { askedMs, lease, table } = answer;
  const answeredMs = Math.max(held.answeredMs ?? askedMs, askedMs);
  if (!lease) return { ...held, answeredMs };
  if (compareTableEpochs(table, own) <= 0) {
    return { ...held, answeredMs, countedMs: Math.max(held.countedMs ?? askedMs, askedMs) };
  }
  return { ...held, answeredMs, waiting: { askedMs, table } };
}

/** At A: its table has come further. */
export function holderCaughtUp(held: HeldLease, own: TableEpoch): HeldLease {
  const { waiting } = held;
  if (waiting === undefined || compareTableEpochs(waiting.table, own) > 0) return held;
  return { ...held, waiting: undefined, countedMs: Math.max(held.countedMs ?? waiting.askedMs, waiting.askedMs) };
}

export function holdsLease({ countedMs }: HeldLease, nowMs: number): boolean {
  return countedMs !== undefined && nowMs - countedMs < limits.leaseMs;
}

/** At B, a heartbeat of A's: whether it is answered with yes. */
export function leaseAsked(
  granted: GrantedLease,
  theirs: TableEpoch,
  { own, nowMs }: { readonly own: TableEpoch; readonly nowMs: number },
): { readonly granted: GrantedLease; readonly lease: boolean } {
  const behind = behindOf(granted.behind, theirs, { own, nowMs });
  // A holder that can't learn what changed could neither serve nor be replaced if B went on saying yes.
  const isStale = behind !== undefined && nowMs - behind.sinceMs > limits.suspicionMs;
  const isClaiming = granted.claims > 0 || compareTableEpochs(own, granted.until) < 0;
  const lease = !isStale && !isClaiming && !granted.gone;
  return { granted: { ...granted, behind, ...(lease ? { yesMs: nowMs } : {}) }, lease };
}

function behindOf(
  behind: GrantedLease['behind'],
  theirs: TableEpoch,
  { own, nowMs }: { readonly own: TableEpoch; readonly nowMs: number },
): GrantedLease['behind'] {
  if (compareTableEpochs(theirs, own) >= 0) return undefined;
  // A table that changes all the time is followed, a little late: only who stands still is behind.
  const hasMoved = behind === undefined || compareTableEpochs(theirs, behind.table) >= 0;
  return hasMoved ? { sinceMs: nowMs, table: own } : behind;
}

/** Whether B may ask for A's slots, of which it learned at `rowMs` that it backs them. */
export function mayTakeOver(
  granted: GrantedLease,
  { nowMs, rowMs }: { readonly nowMs: number; readonly rowMs: number },
): boolean {
  return granted.gone || nowMs - Math.max(granted.yesMs ?? rowMs, rowMs) >= limits.graceMs;
}

/** B proposes: from here on it says no. */
export function claimMade(granted: GrantedLease): GrantedLease {
  return { ...granted, claims: granted.claims + 1 };
}

/** The outcome is known; it is in B's table when that has reached `table`. */
export function claimKnown(
  granted: GrantedLease,
  { written, table, nowMs }: { readonly written: boolean; readonly table: TableEpoch; readonly nowMs: number },
): GrantedLease {
  const until = written && compareTableEpochs(table, granted.until) > 0 ? table : granted.until;
  // Refused: it waits anew before it asks again.
  return { ...granted, claims: granted.claims - 1, until, ...(written ? {} : { yesMs: nowMs }) };
}

/** B stood still: what it did not hear proves nothing (rule 8). */
export function grantorDoubts(granted: GrantedLease, nowMs: number): GrantedLease {
  return { ...granted, yesMs: nowMs };
}
