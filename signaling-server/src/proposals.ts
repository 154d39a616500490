// Proposals of members: decided slot by slot, on disk before they are answered, and answered the same
// when they are repeated, since a member repeats each until it knows the outcome.

import {
  encodeRows,
  type Configuration,
  type Outcome,
  type PeerId,
  type Propose,
  type SlotOutcome,
} from '@shoal/shared';
import type { MeshState, Seat } from './mesh-state.ts';
import { decideChange } from './table.ts';

/** Decided slots that are remembered for each member: four times what one message may hold. */
const SLOTS_REMEMBERED = 16_384;
const MEMBERS_REMEMBERED = 1_024;

interface MemberProposals {
  readonly incarnation: string;
  readonly decided: Map<number, readonly SlotOutcome[]>;
}

export class Proposals {
  readonly #members = new Map<PeerId, MemberProposals>();

  /** Rejects with `storage` if the table could not be written; repeated, the outcome follows. */
  async propose(state: MeshState, seat: Seat, { proposalId, changes }: Propose): Promise<Outcome> {
    if (state.frozen !== undefined) throw state.frozen;
    const memory = this.#memoryOf(seat);
    let slots = memory.decided.get(proposalId);
    if (slots === undefined) {
      slots = decideAll(state, seat, changes);
      remember(memory.decided, proposalId, slots);
    }
    await state.commit();
    const { term, epoch, rows } = state.durable;
    const asked = new Set(changes.map(({ slot }) => slot));
    return { proposalId, slots, table: { term, epoch, rows: encodeRows(rows.filter(({ slot }) => asked.has(slot))) } };
  }

  #memoryOf({ id, incarnation }: Seat): MemberProposals {
    const known = this.#members.get(id);
    if (known?.incarnation === incarnation) return known;
    const made: MemberProposals = { incarnation, decided: new Map() };
    this.#members.delete(id);
    this.#members.set(id, made);
    const [oldest] = this.#members.keys();
    if (this.#members.size > MEMBERS_REMEMBERED && oldest !== undefined) this.#members.delete(oldest);
    return made;
  }
}

function decideAll(state: MeshState, seat: Seat, changes: Propose['changes']): readonly SlotOutcome[] {
  const written = new Map<number, Configuration>();
  const slots: SlotOutcome[] = [];
  for (const change of changes) {
    const { slot } = change;
    // Two changes of one slot in one message: the second is based on an epoch that is no more.
    const decision = written.has(slot)
      ? ({ kind: 'refused', reason: 'epoch' } as const)
      : decideChange(state.table, change, {
          proposer: seat,
          copyOf: (member, incarnation) => state.copyOf(member, incarnation),
        });
    if (decision.kind === 'written') {
      if (state.table.rows[slot] !== decision.row) written.set(slot, decision.row);
      slots.push({ slot, written: true });
    } else {
      slots.push({ slot, written: false, reason: decision.reason });
    }
  }
  state.change([...written.values()]);
  return slots;
}

function remember(
  decided: Map<number, readonly SlotOutcome[]>,
  proposalId: number,
  slots: readonly SlotOutcome[],
): void {
  decided.set(proposalId, slots);
  let total = [...decided.values()].reduce((sum, each) => sum + each.length, 0);
  for (const [id, each] of decided) {
    if (total <= SLOTS_REMEMBERED || id === proposalId) break;
    decided.delete(id);
    total -= each.length;
  }
}
