// Looks for slots to revive whenever a member comes or goes, asks the members whom they still hear where
// that decides it, and looks again when the time has come.

import { limits, toMeshError, type PeerId } from '@shoal/shared';
import type { MeshState } from './mesh-state.ts';
import type { Questions } from './questions.ts';
import { planRevival, type RevivalPlan } from './revival.ts';

/** Until members are asked again for one that somebody hears, or of which nobody could say anything. */
const ASK_AGAIN_MS = 2_000;

/** Revives what can be revived now; the caller commits. */
export function reviveNow(state: MeshState): RevivalPlan {
  const plan = planRevival(state.table, {
    nowMs: state.context.clock.monotonicMs(),
    presenceOf: (copy) => state.presenceOf(copy),
    back: (member) => backOf(state, member),
  });
  state.change(plan.rows);
  return plan;
}

function backOf(state: MeshState, member: PeerId): ReturnType<Parameters<typeof planRevival>[1]['back']> {
  const seat = state.seats.get(member);
  if (seat === undefined) return undefined;
  const copy = state.copyOf(member, seat.incarnation);
  const began = state.beganMs.get(member);
  return typeof copy === 'string' || began === undefined ? undefined : { copy, beganMs: began.atMs };
}

export class Reviving {
  readonly #state: MeshState;
  readonly #questions: Questions;
  readonly #revived: () => void;
  #stop: (() => void) | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(state: MeshState, questions: Questions, revived: () => void) {
    this.#state = state;
    this.#questions = questions;
    this.#revived = revived;
  }

  /** To be called when a member came, went or was dropped. */
  look(): void {
    const state = this.#state;
    if (this.#isClosed || state.frozen !== undefined || state.table.rows.length === 0) return;
    this.#stop?.();
    this.#stop = undefined;
    const plan = reviveNow(state);
    if (plan.rows.length > 0) {
      state.commit().then(this.#revived, (error: unknown) => this.#failed(error));
    }
    const doubted = this.#doubt(plan);
    const dueMs = Math.min(plan.againMs ?? Infinity, doubted ?? Infinity);
    if (dueMs < Infinity) this.#lookAt(dueMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#stop?.();
  }

  /** Asks for those that the registrar has not heard for long enough; when to look for the next, if any. */
  #doubt({ doubtful }: RevivalPlan): number | undefined {
    const state = this.#state;
    const nowMs = state.context.clock.monotonicMs();
    const due: PeerId[] = [];
    let nextMs: number | undefined;
    for (const { member } of doubtful) {
      const atMs = (state.awaySinceMs.get(member) ?? nowMs) + limits.graceMs;
      if (atMs <= nowMs) due.push(member);
      else nextMs = Math.min(nextMs ?? Infinity, atMs);
    }
    if (due.length > 0 && !this.#isAsking) void this.#ask(due.slice(0, 1_024));
    return nextMs;
  }

  async #ask(members: readonly PeerId[]): Promise<void> {
    const state = this.#state;
    this.#isAsking = true;
    const { heardBy, answers } = await this.#questions.ask(state, members, limits.graceMs);
    this.#isAsking = false;
    let isNews = false;
    for (const member of members) {
      const record = state.roster.get(member);
      if (answers === 0 || heardBy.has(member) || state.seats.has(member) || record === undefined) continue;
      state.departed.set(member, record.entry.incarnation);
      isNews = true;
    }
    if (isNews) this.look();
    else this.#lookAt(state.context.clock.monotonicMs() + ASK_AGAIN_MS);
  }

  #lookAt(dueMs: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#state.context;
    this.#stop?.();
    this.#stop = clock.setTimer(() => this.look(), Math.max(0, dueMs - clock.monotonicMs()));
  }

  #failed(error: unknown): void {
    const { name, context } = this.#state;
    context.logger.error('slotsNotRevived', { mesh: name, error: toMeshError(error).message });
  }
}
