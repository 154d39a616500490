// Proposals to the registrar, grouped: while one message is out the next collects, so that a thousand
// moves are a few messages and a few syncs of the registrar's file.

import {
  createDeferred,
  decodeRows,
  type Change,
  type Clock,
  type Configuration,
  type Deferred,
  type Outcome,
  type SlotOutcome,
  type TableEpoch,
} from '@shoal/shared';

/** What one message may name (signaling's bound). */
const CHANGES_MOST = 4_096;
/** An outcome that takes longer is waiting for the registrar. */
const SLOW_MS = 1_000;

export interface KnownOutcome extends SlotOutcome {
  /** The registrar's when it was written. */
  readonly table: TableEpoch;
}

export interface Proposals {
  /** Resolves with the outcome of this change, after the rows that came with it were applied. Rejects only when this member closes. */
  add(change: Change): Promise<KnownOutcome>;
  /** False while an outcome is overdue: nothing more should be sealed for a registrar that is away. */
  isFlowing(): boolean;
}

export interface ProposalsDeps {
  readonly clock: Clock;
  propose(changes: readonly Change[]): Promise<Outcome>;
  applyRows(rows: readonly Configuration[]): void;
}

interface Queued {
  readonly change: Change;
  readonly outcome: Deferred<KnownOutcome>;
}

export function createProposals(deps: ProposalsDeps): Proposals {
  let queue: Queued[] = [];
  let isRunning = false;
  let sentAtMs: number | undefined;

  const send = async (group: readonly Queued[]): Promise<void> => {
    sentAtMs = deps.clock.monotonicMs();
    try {
      const outcome = await deps.propose(group.map(({ change }) => change));
      deps.applyRows(decodeRows(outcome.table.rows) ?? []);
      const bySlot = new Map(outcome.slots.map((slot) => [slot.slot, slot]));
      for (const { change, outcome: done } of group) {
        const known = bySlot.get(change.slot) ?? { slot: change.slot, written: false, reason: 'unanswered' };
        done.resolve({ ...known, table: { term: outcome.table.term, epoch: outcome.table.epoch } });
      }
    } catch (error) {
      for (const { outcome } of group) outcome.reject(error);
    } finally {
      sentAtMs = undefined;
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    // What the same turn of events makes ready goes along.
    await Promise.resolve();
    while (queue.length > 0) {
      const group = queue.slice(0, CHANGES_MOST);
      queue = queue.slice(CHANGES_MOST);
      await send(group);
    }
    isRunning = false;
  };

  return {
    add(change) {
      const outcome = createDeferred<KnownOutcome>();
      queue.push({ change, outcome });
      if (!isRunning) void run();
      return outcome.promise;
    },
    isFlowing: () => sentAtMs === undefined || deps.clock.monotonicMs() - sentAtMs < SLOW_MS,
  };
}
