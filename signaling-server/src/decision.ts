// The compare-and-set of one slot's configuration: what a proposal of a member makes of a row, or why it
// is refused (REPLICATION, rules 5 to 7, 27 and 28). Pure: who answered `still-there` is told to it.

import {
  unreachable,
  type Change,
  type Configuration,
  type Copy,
  type Incarnation,
  type PeerId,
  type SlotOutcome,
} from '@shoal/shared';
import type { Table } from './table.ts';

/** Copies that a row may name, and dropped ones: what the rows' codec takes. */
const COPIES_MOST = 64;

/** The word that tells why a change was not written; see `SlotOutcome`. */
export type Refusal =
  | 'epoch'
  | 'not-a-copy'
  | 'is-a-copy'
  | 'incarnation'
  | 'away'
  | 'frozen'
  | 'keep'
  | 'unanswered'
  | 'full'
  | 'one-copy';

export type Decision =
  | { readonly kind: 'written'; readonly row: Configuration }
  | {
      readonly kind: 'refused';
      readonly reason: Refusal;
      /** The copy that its owner, who wanted to be rid of it, should hand over to. */
      readonly heir?: PeerId;
    };

/** What `still-there` brought, asked before a shrink. */
export interface Presence {
  readonly proposer: boolean;
  has(copy: Copy): boolean;
  /** Whether the first of two that both answered is the one to keep. */
  outlives(copy: Copy, other: Copy): boolean;
}

export interface DecisionContext {
  readonly proposer: { readonly id: PeerId; readonly incarnation: Incarnation };
  /** Copies with which a slot is whole. */
  readonly replicas: number;
  readonly presence: Presence;
  /** The copy that a connected incarnation would be, or why there is none. */
  copyOf(member: PeerId, incarnation: Incarnation): Copy | 'away' | 'incarnation';
}

/** `written` with the same row means that there was nothing left to do. */
export function decideChange(table: Table, { slot, epoch, change }: Change, context: DecisionContext): Decision {
  const row = table.rows[slot];
  if (row === undefined || row.epoch !== epoch) return refused('epoch');
  const { proposer } = context;
  const own = row.copies.find(({ member }) => member === proposer.id);
  if (own === undefined) return refused('not-a-copy');
  if (own.incarnation !== proposer.incarnation) return refused('incarnation');
  if ((row.owner === proposer.id) === (change.kind === 'take-over')) return refused('not-a-copy');
  if (change.kind === 'settled') return settled(row, context);
  // A revived configuration that changed before it was settled could lose what only a dropped copy has.
  if (!row.settled) return refused('frozen');
  switch (change.kind) {
    case 'add':
      return add(row, context, context.copyOf(change.member, change.incarnation));
    case 'hand-over':
      return handOver(row, context, context.copyOf(change.member, change.incarnation));
    case 'drop':
      return drop(row, context, change);
    case 'take-over':
      return takeOver(row, context, own);
    default:
      return unreachable(change);
  }
}

/** Copies that must be asked `still-there` before a change is decided; `undefined` if it is no shrink. */
export function accusedBy(table: Table, { slot, epoch, change }: Change): readonly Copy[] | undefined {
  if (change.kind !== 'drop' && change.kind !== 'take-over') return undefined;
  const row = table.rows[slot];
  if (row === undefined || row.epoch !== epoch) return [];
  const accused = change.kind === 'drop' ? change.member : row.owner;
  return isContested(change) ? row.copies.filter(({ member }) => member === accused) : [];
}

/** A drop for silence is one's word against the other's; the other reasons are facts or the wish. */
function isContested(change: Change['change']): boolean {
  return change.kind === 'take-over' || (change.kind === 'drop' && change.why === 'silent');
}

function settled(row: Configuration, { replicas, copyOf }: DecisionContext): Decision {
  if (row.settled) return { kind: 'written', row };
  // What was revived out of a dropped copy counts as relaxed until it is settled.
  const copies = row.copies.map((copy) => {
    const now = copyOf(copy.member, copy.incarnation);
    return typeof now === 'string' ? copy : now;
  });
  return { kind: 'written', row: withoutSpare({ ...row, copies, settled: true }, replicas) };
}

function add(row: Configuration, { replicas }: DecisionContext, target: Copy | 'away' | 'incarnation'): Decision {
  if (replicas === 1) return refused('one-copy');
  if (typeof target === 'string') return refused(target);
  if (row.copies.some(({ member }) => member === target.member)) return refused('is-a-copy');
  if (row.copies.length >= COPIES_MOST) return refused('full');
  const dropped = row.dropped.filter(({ member }) => member !== target.member);
  return next(row, { copies: [...row.copies, target], dropped }, replicas);
}

function handOver(row: Configuration, { replicas }: DecisionContext, target: Copy | 'away' | 'incarnation'): Decision {
  if (typeof target === 'string') return refused(target);
  if (target.member === row.owner) return refused('not-a-copy');
  const backup = row.copies.find(({ member }) => member === target.member);
  if (backup !== undefined) {
    return backup.incarnation === target.incarnation
      ? next(row, { owner: target.member }, replicas)
      : refused('incarnation');
  }
  // With one copy of each slot the learner has all of it, and takes the owner's place.
  if (replicas > 1 || row.copies.length > 1) return refused('not-a-copy');
  return next(row, { owner: target.member, copies: [target], dropped: [] }, replicas);
}

function drop(
  row: Configuration,
  context: DecisionContext,
  change: Extract<Change['change'], { readonly kind: 'drop' }>,
): Decision {
  const accused = row.copies.find(({ member }) => member === change.member);
  if (accused === undefined || accused.member === row.owner) return refused('not-a-copy');
  if (accused.incarnation !== change.incarnation) return refused('incarnation');
  const owner = row.copies.find(({ member }) => member === row.owner);
  const against = owner === undefined ? 'not-a-copy' : objection(context, change, { own: owner, accused });
  if (against === 'keep') return { kind: 'refused', reason: against, heir: accused.member };
  if (against !== undefined) return refused(against);
  return without(row, accused, { owner: row.owner, replicas: context.replicas });
}

function takeOver(row: Configuration, context: DecisionContext, own: Copy): Decision {
  const accused = row.copies.find(({ member }) => member === row.owner);
  if (accused === undefined) return refused('not-a-copy');
  const against = objection(context, { kind: 'take-over' }, { own, accused });
  if (against !== undefined) return refused(against);
  return without(row, accused, { owner: own.member, replicas: context.replicas });
}

/** Rule 7: the proposer must be there; of two that are both there, the one to keep stays. */
function objection(
  { presence }: DecisionContext,
  change: Change['change'],
  { own, accused }: { readonly own: Copy; readonly accused: Copy },
): Refusal | undefined {
  if (!presence.proposer) return 'unanswered';
  if (!isContested(change) || !presence.has(accused)) return undefined;
  return presence.outlives(own, accused) ? undefined : 'keep';
}

function without(
  row: Configuration,
  copy: Copy,
  { owner, replicas }: { readonly owner: PeerId; readonly replicas: number },
): Decision {
  const copies = row.copies.filter((other) => other !== copy);
  const dropped = [...row.dropped.filter(({ member }) => member !== copy.member), copy].slice(-COPIES_MOST);
  return next(row, { owner, copies, dropped }, replicas);
}

function next(row: Configuration, part: Partial<Configuration>, replicas: number): Decision {
  return { kind: 'written', row: withoutSpare({ ...row, ...part, epoch: row.epoch + 1 }, replicas) };
}

/** A slot that is whole needs no dropped copy any more. */
function withoutSpare(row: Configuration, replicas: number): Configuration {
  return row.settled && row.copies.length >= replicas && row.dropped.length > 0 ? { ...row, dropped: [] } : row;
}

function refused(reason: Refusal): Decision {
  return { kind: 'refused', reason };
}

/** As the member that proposed hears of it. */
export function outcomeOf(slot: SlotOutcome['slot'], decision: Decision): SlotOutcome {
  if (decision.kind === 'written') return { slot, written: true };
  return { slot, written: false, reason: decision.reason };
}
