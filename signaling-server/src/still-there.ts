// "Still there?": asked of who proposes a shrink and of whom it accuses, so that a proposal that came late
// from a process that is gone is not carried out, nor the wrong one of two kept (REPLICATION, rule 7).

import { createDeferred, type Copy, type Deferred, type Incarnation, type PeerId } from '@shoal/shared';
import type { MeshState, Seat } from './mesh-state.ts';

/** An accused copy's answer; none is waited for if it has no connection. */
const ACCUSED_MS = 500;
/** A proposer's, who may have to connect again to give it. */
const PROPOSER_MS = 2_000;

interface Asked {
  readonly member: PeerId;
  readonly incarnation: Incarnation;
}

interface Question extends Asked {
  readonly answer: Deferred<boolean>;
}

export interface StillThere {
  readonly proposer: boolean;
  readonly accused: ReadonlySet<Incarnation>;
}

export class Presences {
  readonly #open = new Map<number, Question>();
  #next = 1;

  async ask(state: MeshState, proposer: Seat, accused: readonly Copy[]): Promise<StillThere> {
    const connected = accused.filter(({ member, incarnation }) => state.seats.get(member)?.incarnation === incarnation);
    const answered = new Set<Incarnation>();
    const [isThere] = await Promise.all([
      this.#askOne(state, { member: proposer.id, incarnation: proposer.incarnation }, PROPOSER_MS),
      ...connected.map(async (copy) => {
        if (await this.#askOne(state, copy, ACCUSED_MS)) answered.add(copy.incarnation);
      }),
    ]);
    return { proposer: isThere, accused: answered };
  }

  here(seat: Seat, number: number): void {
    const question = this.#open.get(number);
    if (question?.incarnation === seat.incarnation) question.answer.resolve(true);
  }

  /** Asks again over a new connection. */
  joined(seat: Seat): void {
    for (const [number, { incarnation }] of this.#open) {
      if (incarnation === seat.incarnation) seat.client.send('still-there', { number });
    }
  }

  close(): void {
    for (const { answer } of this.#open.values()) answer.resolve(false);
  }

  async #askOne(state: MeshState, { member, incarnation }: Asked, waitMs: number): Promise<boolean> {
    const answer = createDeferred<boolean>();
    const number = this.#next;
    this.#next += 1;
    this.#open.set(number, { member, incarnation, answer });
    const stop = state.context.clock.setTimer(() => answer.resolve(false), waitMs);
    const seat = state.seats.get(member);
    if (seat?.incarnation === incarnation) seat.client.send('still-there', { number });
    const isThere = await answer.promise;
    stop();
    this.#open.delete(number);
    return isThere;
  }
}
