// The wish of a mesh: computed when members come, go or change, at most every two seconds, and sent to
// the owners whose part of it changed. It changes no configuration by itself.

import type { PeerId, Slot } from '@shoal/shared';
import type { MeshState, Seat } from './mesh-state.ts';
import { planMoves, type Move, type Taker } from './placement.ts';

/** A short wait, so that members that join together give one wish. */
const SOON_MS = 100;

export class WishSchedule {
  readonly #state: MeshState;
  readonly #sent = new WeakMap<Seat, string>();
  #previous: ReadonlyMap<Slot, PeerId> = new Map();
  #notBeforeMs: number;
  #stop: (() => void) | undefined;
  #isClosed = false;

  /** `quietMs`: a registrar that loaded a table lets its members come back first. */
  constructor(state: MeshState, quietMs: number) {
    this.#state = state;
    this.#notBeforeMs = state.context.clock.monotonicMs() + quietMs;
  }

  /** Something changed that the wish depends on. */
  request(): void {
    if (this.#isClosed || this.#stop !== undefined) return;
    const { clock } = this.#state.context;
    const waitMs = Math.max(SOON_MS, this.#notBeforeMs - clock.monotonicMs());
    this.#stop = clock.setTimer(() => {
      this.#stop = undefined;
      this.#publish();
    }, waitMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#stop?.();
  }

  #publish(): void {
    const state = this.#state;
    const { clock, wishMs } = state.context;
    this.#notBeforeMs = clock.monotonicMs() + wishMs;
    if (state.frozen !== undefined) return;
    const moves = planMoves({
      rows: state.table.rows,
      takers: takersOf(state),
      isMovable: (owner) => state.seats.has(owner),
      previous: this.#previous,
    });
    this.#previous = new Map(moves.map(({ slot, to }) => [slot, to]));
    const byOwner = new Map<PeerId, Move[]>();
    for (const move of moves) {
      const own = byOwner.get(move.from);
      if (own === undefined) byOwner.set(move.from, [move]);
      else own.push(move);
    }
    for (const seat of state.seats.values()) this.#send(seat, byOwner.get(seat.id) ?? []);
  }

  #send(seat: Seat, moves: readonly Move[]): void {
    if (seat.kind === 'command') return;
    const wish = { replicas: 1, slots: moves.map(({ slot, to }) => ({ slot, copies: [to] })) };
    const text = moves.map(({ slot, to }) => `${slot}:${to}`).join();
    // Nobody needs an empty wish who never had another.
    if ((this.#sent.get(seat) ?? '') === text) return;
    this.#sent.set(seat, text);
    seat.client.send('wish', wish);
  }
}

/** Connected members that should own slots; ephemeral ones only if there is no other. */
export function takersOf(state: MeshState): readonly Taker[] {
  const able = [...state.roster.values()]
    .map(({ entry }) => entry)
    .filter(
      ({ id, kind, weight, state: is }) =>
        state.seats.has(id) && kind !== 'command' && weight > 0 && (is === 'here' || is === 'paused'),
    );
  const lasting = able.filter(({ ephemeral }) => !ephemeral);
  return (lasting.length > 0 ? lasting : able).map(({ id, weight }) => ({ id, weight }));
}
