// Proposals of members: decided slot by slot, on disk before they are answered, and answered the same
// when they are repeated, since a member repeats each until it knows the outcome.

import {
  encodeRows,
  type Configuration,
  type Copy,
  type Outcome,
  type PeerId,
  type Propose,
  type SlotOutcome,
} from '@shoal/shared';
import { accusedBy, decideChange, outcomeOf, type Decision, type Presence } from './decision.ts';
import type { MeshState, Seat } from './mesh-state.ts';
import type { Presences } from './still-there.ts';

/** Decided slots that are remembered for each member: four times what one message may hold. */
const SLOTS_REMEMBERED = 16_384;
const MEMBERS_REMEMBERED = 1_024;

interface MemberProposals {
  readonly incarnation: string;
  readonly decided: Map<number, Decided>;
}

interface Decided {
  readonly count: number;
  /** Never rejects. */
  readonly slots: Promise<readonly SlotOutcome[]>;
}

export class Proposals {
  readonly #members = new Map<PeerId, MemberProposals>();
  readonly #presences: Presences;

  constructor(presences: Presences) {
    this.#presences = presences;
  }

  /** Rejects with `storage` if the table could not be written; repeated, the outcome follows. */
  async propose(state: MeshState, seat: Seat, { proposalId, changes }: Propose): Promise<Outcome> {
    if (state.frozen !== undefined) throw state.frozen;
    const { decided } = this.#memoryOf(seat);
    let known = decided.get(proposalId);
    if (known === undefined) {
      known = { count: changes.length, slots: this.#decide(state, seat, changes) };
      remember(decided, proposalId, known);
    }
    const slots = await known.slots;
    await state.commit();
    const { term, epoch, rows } = state.durable;
    const asked = new Set(changes.map(({ slot }) => slot));
    return { proposalId, slots, table: { term, epoch, rows: encodeRows(rows.filter(({ slot }) => asked.has(slot))) } };
  }

  async #decide(state: MeshState, seat: Seat, changes: Propose['changes']): Promise<readonly SlotOutcome[]> {
    const accused = new Map<string, Copy>();
    const hopeless = new Map<Propose['changes'][number], Decision>();
    let isShrink = false;
    for (const change of changes) {
      const copies = accusedBy(state.table, change);
      if (copies === undefined) continue;
      // What would be refused whatever they say is not asked, and stays refused.
      const decision = decide(state, { seat, change, presence: UNCONTESTED });
      if (decision.kind === 'refused') hopeless.set(change, decision);
      else isShrink = true;
      if (decision.kind === 'written') for (const copy of copies) accused.set(copy.incarnation, copy);
    }
    if (!isShrink) return decideAll(state, { seat, changes, presence: UNCONTESTED, hopeless });
    const answers = await this.#presences.ask(state, seat, [...accused.values()]);
    const presence: Presence = {
      proposer: answers.proposer,
      has: ({ incarnation }) => answers.accused.has(incarnation),
      outlives: (copy, other) => outlives(state, copy, other),
    };
    return decideAll(state, { seat, changes, presence, hopeless });
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

/** As if the proposer had answered, and whom it accuses had not. */
const UNCONTESTED: Presence = { proposer: true, has: () => false, outlives: () => true };

interface Proposer {
  readonly seat: Seat;
  readonly presence: Presence;
}

interface Proposal extends Proposer {
  readonly changes: Propose['changes'];
  readonly hopeless: ReadonlyMap<Propose['changes'][number], Decision>;
}

function decide(
  state: MeshState,
  { seat, change, presence }: Proposer & { readonly change: Propose['changes'][number] },
): Decision {
  return decideChange(state.table, change, {
    proposer: seat,
    replicas: state.replicas,
    presence,
    copyOf: (member, incarnation) => state.copyOf(member, incarnation),
  });
}

/** Of the state as it is when all who were asked have answered, or should have. */
function decideAll(state: MeshState, { seat, changes, presence, hopeless }: Proposal): readonly SlotOutcome[] {
  const written = new Map<number, Configuration>();
  const isNewest = state.roster.get(seat.id)?.entry.incarnation === seat.incarnation;
  const slots = changes.map((change): SlotOutcome => {
    const { slot } = change;
    if (state.frozen !== undefined || !isNewest) return { slot, written: false, reason: 'incarnation' };
    // Two changes of one slot in one message: the second is based on an epoch that is no more.
    if (written.has(slot)) return { slot, written: false, reason: 'epoch' };
    const decision = hopeless.get(change) ?? decide(state, { seat, change, presence });
    if (decision.kind === 'written') {
      if (state.table.rows[slot] !== decision.row) written.set(slot, decision.row);
    } else if (decision.heir !== undefined) {
      state.seats.get(seat.id)?.client.send('hand-over-wanted', { slot, to: decision.heir });
    }
    return outcomeOf(slot, decision);
  });
  state.change([...written.values()]);
  return slots;
}

/** The strict copy, else the process that has been in the mesh for longer. */
function outlives(state: MeshState, copy: Copy, other: Copy): boolean {
  if (copy.durability !== other.durability) return copy.durability === 'strict';
  const since = ({ member }: Copy): number => state.roster.get(member)?.sinceMs ?? Infinity;
  return since(copy) < since(other) || (since(copy) === since(other) && copy.member < other.member);
}

function remember(decided: Map<number, Decided>, proposalId: number, slots: Decided): void {
  decided.set(proposalId, slots);
  let total = [...decided.values()].reduce((sum, { count }) => sum + count, 0);
  for (const [id, { count }] of decided) {
    if (total <= SLOTS_REMEMBERED || id === proposalId) break;
    decided.delete(id);
    total -= count;
  }
}
