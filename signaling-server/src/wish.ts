// The wish of a mesh: computed when members come, go or change, at most every two seconds, and sent to
// the owners whose part of it changed. It changes no configuration by itself.

import { must, type PeerId, type RosterEntry, type Slot, type WishedSlot } from '@shoal/shared';
import { planCopies } from './copy-placement.ts';
import type { Candidate } from './copy-shares.ts';
import type { MeshState, Seat } from './mesh-state.ts';
import type { Taker } from './placement.ts';

/** A short wait, so that members that join together give one wish. */
const SOON_MS = 100;

export class WishSchedule {
  readonly #state: MeshState;
  readonly #sent = new WeakMap<Seat, string>();
  #previous: ReadonlyMap<Slot, readonly PeerId[]> = new Map();
  #notBeforeMs: number;
  #stop: (() => void) | undefined;
  #stopRise: (() => void) | undefined;
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

  /** What `joined` said. */
  told(seat: Seat, replicas: number): void {
    this.#sent.set(seat, `${replicas}|`);
  }

  close(): void {
    this.#isClosed = true;
    this.#stop?.();
    this.#stopRise?.();
  }

  #publish(): void {
    const state = this.#state;
    const { clock, wishMs } = state.context;
    this.#notBeforeMs = clock.monotonicMs() + wishMs;
    if (state.frozen !== undefined) return;
    const wished = planCopies({
      rows: state.table.rows,
      replicas: state.replicas,
      takers: takersOf(state),
      candidates: candidatesOf(state),
      waitingFor: (member) => waitingFor(state, member),
      isMovable: (owner) => state.seats.has(owner),
      previous: this.#previous,
    });
    this.#previous = wished;
    state.setMoving(wished.keys());
    const byOwner = new Map<PeerId, WishedSlot[]>();
    for (const [slot, copies] of wished) {
      const { owner } = must(state.table.rows[slot], 'row of a wished slot');
      const own = byOwner.get(owner);
      if (own === undefined) byOwner.set(owner, [{ slot, copies }]);
      else own.push({ slot, copies });
    }
    for (const seat of state.seats.values()) this.#send(seat, byOwner.get(seat.id) ?? []);
    this.#stopRise?.();
    const riseInMs = state.replicasRiseInMs;
    this.#stopRise = riseInMs === undefined ? undefined : clock.setTimer(() => this.request(), riseInMs);
  }

  #send(seat: Seat, slots: readonly WishedSlot[]): void {
    if (seat.kind === 'command') return;
    const { replicas } = this.#state;
    const text = `${replicas}|${slots.map(({ slot, copies }) => `${slot}:${copies.join(':')}`).join()}`;
    // Nobody needs an empty wish who never had another.
    if (this.#sent.get(seat) === text) return;
    this.#sent.set(seat, text);
    seat.client.send('wish', { replicas, slots });
  }
}

/** Connected members that should own slots; ephemeral ones only if there is no other. */
export function takersOf(state: MeshState): readonly Taker[] {
  const able = candidatesOf(state);
  const lasting = able.filter(({ isEphemeral }) => !isEphemeral);
  return (lasting.length > 0 ? lasting : able).map(({ id, weight }) => ({ id, weight }));
}

/** Connected members that give of their storage. */
function candidatesOf(state: MeshState): readonly Candidate[] {
  return [...state.roster.values()]
    .map(({ entry }) => entry)
    .filter(
      ({ id, kind, weight, state: is }) =>
        state.seats.has(id) && kind !== 'command' && weight > 0 && (is === 'here' || is === 'paused'),
    )
    .map(candidateOf);
}

/** A closed connection changes nothing: the copies of a member that is away stay until their owner drops them. */
function waitingFor(state: MeshState, member: PeerId): Candidate | undefined {
  const entry = state.roster.get(member)?.entry;
  if (entry === undefined || entry.state !== 'away') return undefined;
  return state.departed.get(member) === entry.incarnation ? undefined : candidateOf(entry);
}

function candidateOf({ id, weight, domain, durability, ephemeral }: RosterEntry): Candidate {
  return { id, weight, domain: domain || id, isStrict: durability === 'strict', isEphemeral: ephemeral };
}
