// When the slots of a member that is away go, empty, to others: on the operator's `forget`, and when a
// tab has not been heard by anybody for ten minutes. Nothing else takes a slot from a member.

import {
  limits,
  MeshError,
  must,
  shortId,
  toMeshError,
  type Copy,
  type PeerId,
  type RosterEntry,
  type Slot,
} from '@shoal/shared';
import type { MeshState } from './mesh-state.ts';
import { planMoves } from './placement.ts';
import type { Questions } from './questions.ts';
import { membersNamed, withoutMember } from './roster.ts';
import { givenUpRows, slotsOwnedBy } from './table.ts';
import { takersOf } from './wish.ts';

/** Until a tab is asked for again of which nobody could say anything. */
const ASK_AGAIN_MS = 30_000;

export class GivingUp {
  readonly #state: MeshState;
  readonly #questions: Questions;
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor(state: MeshState, questions: Questions) {
    this.#state = state;
    this.#questions = questions;
  }

  /** The operator's word. Answers who it was and how many slots it had. */
  async forget(text: string): Promise<{ readonly member: PeerId; readonly slots: number }> {
    const state = this.#state;
    if (state.frozen !== undefined) throw state.frozen;
    const entry = findOne(state, text);
    assertAway(state, entry);
    const { heardBy } = await this.#questions.ask(state, [entry.id], limits.graceMs);
    const hearer = heardBy.get(entry.id);
    if (hearer !== undefined) {
      throw new MeshError(
        'forbidden',
        `${describe(entry)} is alive: ${nameOf(state, hearer)} still hears it. Leave there, or end it first.`,
      );
    }
    assertAway(state, entry);
    const slots = slotsOwnedBy(state.table, entry.id);
    await this.#giveUp(entry);
    return { member: entry.id, slots };
  }

  /** Looks again when the next tab that is away is due. To be called when one went away. */
  watch(): void {
    this.#stop?.();
    this.#stop = undefined;
    const since = this.#awayTabs().map(({ id }) => this.#state.awaySinceMs.get(id) ?? 0);
    if (this.#isClosed || since.length === 0) return;
    const { clock, tabGivenUpMs } = this.#state.context;
    const waitMs = Math.max(0, Math.min(...since) + tabGivenUpMs - clock.monotonicMs());
    this.#stop = clock.setTimer(() => void this.#lookAtTabs(), waitMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#stop?.();
  }

  #awayTabs(): readonly RosterEntry[] {
    return [...this.#state.roster.values()]
      .map(({ entry }) => entry)
      .filter(({ kind, state }) => kind === 'tab' && state === 'away');
  }

  async #lookAtTabs(): Promise<void> {
    const state = this.#state;
    const { clock, tabGivenUpMs, logger } = state.context;
    try {
      const isDue = ({ id }: RosterEntry): boolean =>
        clock.monotonicMs() - (state.awaySinceMs.get(id) ?? 0) >= tabGivenUpMs;
      const due = this.#awayTabs().filter(isDue);
      const ids = due.map(({ id }) => id).slice(0, 1_024);
      const hearing = ids.length === 0 ? undefined : await this.#questions.ask(state, ids, limits.graceMs);
      for (const entry of due) {
        if (hearing === undefined || state.roster.get(entry.id)?.entry.state !== 'away') continue;
        const isHeard = hearing.heardBy.has(entry.id);
        if (!isHeard && hearing.answers > 0 && state.frozen === undefined && takersOf(state).length > 0) {
          logger.info('tabGivenUp', { mesh: state.name, member: entry.id });
          await this.#giveUp(entry);
        } else {
          const graceMs = isHeard ? tabGivenUpMs : Math.min(ASK_AGAIN_MS, tabGivenUpMs);
          state.awaySinceMs.set(entry.id, clock.monotonicMs() - tabGivenUpMs + graceMs);
        }
      }
    } catch (error) {
      logger.error('tabNotGivenUp', { mesh: state.name, error: toMeshError(error).message });
    }
    this.watch();
  }

  async #giveUp(entry: RosterEntry): Promise<void> {
    const state = this.#state;
    const takers = takersOf(state);
    if (slotsOwnedBy(state.table, entry.id) > 0 && takers.length === 0) {
      throw new MeshError('no-member', `No member is here to take the slots of ${describe(entry)}: start one first.`);
    }
    const isMovable = (owner: PeerId): boolean => owner === entry.id || state.seats.has(owner);
    const moves = planMoves({ rows: state.table.rows, takers, isMovable });
    const taken = new Map<Slot, Copy>();
    for (const { slot, from, to } of moves) if (from === entry.id) taken.set(slot, copyOf(state, to));
    state.change(givenUpRows(state.table, taken));
    state.awaySinceMs.delete(entry.id);
    state.setRoster(withoutMember(state.roster, entry.id));
    await state.commit();
  }
}

function findOne(state: MeshState, text: string): RosterEntry {
  const [found, ...others] = membersNamed(state.roster, text);
  if (found === undefined) throw new MeshError('no-member', `No member of mesh ${state.name} is called ${text}.`);
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => shortId(id)).join(', ');
  throw new MeshError('bad-argument', `${text} may mean ${others.length + 1} members (${ids}): give the id of one.`);
}

function assertAway(state: MeshState, entry: RosterEntry): void {
  if (!state.seats.has(entry.id)) return;
  throw new MeshError(
    'forbidden',
    `${describe(entry)} is here: use leave, which hands its slots over with what they hold.`,
  );
}

function copyOf(state: MeshState, id: PeerId): Copy {
  const { incarnation, durability } = must(state.roster.get(id), 'member that takes slots').entry;
  return { member: id, incarnation, durability };
}

function nameOf(state: MeshState, id: PeerId): string {
  return state.roster.get(id)?.entry.name ?? shortId(id);
}

function describe({ id, name }: RosterEntry): string {
  return `${name} (${shortId(id)})`;
}
