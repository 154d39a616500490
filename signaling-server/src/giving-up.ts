// When a member that is away is given up: on the operator's `forget`, which empties the slots that only it
// had a copy of, and when a tab has not been heard by anybody for ten minutes. A tab's slots are emptied by
// that only in a mesh with one copy of each; otherwise nothing is emptied without the operator's word.

import {
  limits,
  MeshError,
  must,
  shortId,
  toMeshError,
  type Configuration,
  type Copy,
  type PeerId,
  type RosterEntry,
} from '@shoal/shared';
import type { MeshState } from './mesh-state.ts';
import { planMoves } from './placement.ts';
import type { Questions } from './questions.ts';
import { membersNamed, withoutMember } from './roster.ts';
import { emptyRow, rowWithout } from './table.ts';
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
    return { member: entry.id, slots: await this.#giveUp(entry) };
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
          if (state.replicas === 1) await this.#giveUp(entry);
          else await this.#giveUpTab(entry);
        }
        if (state.roster.has(entry.id)) {
          const graceMs = isHeard ? tabGivenUpMs : Math.min(ASK_AGAIN_MS, tabGivenUpMs);
          state.awaySinceMs.set(entry.id, clock.monotonicMs() - tabGivenUpMs + graceMs);
        }
      }
    } catch (error) {
      logger.error('tabNotGivenUp', { mesh: state.name, error: toMeshError(error).message });
    }
    this.watch();
  }

  /** How many slots are empty now. */
  async #giveUp(entry: RosterEntry): Promise<number> {
    const state = this.#state;
    const changed: Configuration[] = [];
    const emptied: Configuration[] = [];
    for (const row of state.table.rows) {
      const without = rowWithout(row, entry.id);
      if (without === 'older') throw olderLeft(state, entry, row);
      if (without === 'only') emptied.push(row);
      else if (without !== row) changed.push(without);
    }
    const takers = takersOf(state);
    if (emptied.length > 0 && takers.length === 0) {
      throw new MeshError('no-member', `No member is here to take the slots of ${describe(entry)}: start one first.`);
    }
    const isMovable = (owner: PeerId): boolean => owner === entry.id || state.seats.has(owner);
    const moves = planMoves({ rows: state.table.rows, takers, isMovable });
    const to = new Map(moves.map((move) => [move.slot, move.to]));
    for (const row of emptied) changed.push(emptyRow(row, copyOf(state, must(to.get(row.slot), 'taker'))));
    state.change(changed);
    this.#forgetMember(entry);
    await state.commit();
    return emptied.length;
  }

  /** What a tab had beside a copy that is here is ten minutes old, and on that one's disk by now. */
  async #giveUpTab({ id }: RosterEntry): Promise<void> {
    const state = this.#state;
    const changed = state.table.rows.flatMap((row) => {
      if (row.dropped.every(({ member }) => member !== id) || !row.settled) return [];
      if (row.copies.every((copy) => state.presenceOf(copy) !== 'here')) return [];
      const without = rowWithout(row, id);
      return typeof without === 'string' ? [] : [without];
    });
    state.change(changed);
    await state.commit();
  }

  #forgetMember({ id }: RosterEntry): void {
    const state = this.#state;
    state.awaySinceMs.delete(id);
    state.departed.delete(id);
    state.setRoster(withoutMember(state.roster, id));
  }
}

function olderLeft(state: MeshState, entry: RosterEntry, { dropped }: Configuration): MeshError {
  const other = dropped.findLast(({ member }) => member !== entry.id)?.member ?? entry.id;
  return new MeshError(
    'forbidden',
    `Older copies of what ${describe(entry)} has are left, one at ${nameOf(state, other)}: use recover to serve those, then forget.`,
  );
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
    `${describe(entry)} is here: have it leave, or see \`shoal drain\`; it hands its slots over with what they hold.`,
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
