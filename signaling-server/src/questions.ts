// "Who hears these members?": asked of all connected members before anybody's slots are given up, since
// a member that lost only its connection to the registrar is alive.

import { createDeferred, type PeerId } from '@shoal/shared';
import type { MeshState, Seat } from './mesh-state.ts';

export interface Hearing {
  /** Members that somebody hears, and who. */
  readonly heardBy: ReadonlyMap<PeerId, PeerId>;
  readonly answers: number;
}

interface Question {
  readonly asked: ReadonlySet<PeerId>;
  readonly open: Set<Seat>;
  readonly heardBy: Map<PeerId, PeerId>;
  answers: number;
  finish(): void;
}

export class Questions {
  readonly #open = new Map<number, Question>();
  #next = 1;

  /** Resolves when all have answered, or after `waitMs`. */
  async ask(state: MeshState, members: readonly PeerId[], waitMs: number): Promise<Hearing> {
    const done = createDeferred<void>();
    const number = this.#next;
    this.#next += 1;
    const seats = [...state.seats.values()].filter(({ kind }) => kind !== 'command');
    const question: Question = {
      asked: new Set(members),
      open: new Set(seats),
      heardBy: new Map(),
      answers: 0,
      finish: () => done.resolve(),
    };
    if (seats.length === 0) return question;
    this.#open.set(number, question);
    const stop = state.context.clock.setTimer(question.finish, waitMs);
    for (const seat of seats) seat.client.send('who-hears', { question: number, members });
    await done.promise;
    stop();
    this.#open.delete(number);
    return question;
  }

  answer(seat: Seat, hears: { readonly question: number; readonly members: readonly PeerId[] }): void {
    const question = this.#open.get(hears.question);
    if (question === undefined || !question.open.delete(seat)) return;
    question.answers += 1;
    for (const id of hears.members) if (question.asked.has(id)) question.heardBy.set(id, seat.id);
    if (question.open.size === 0) question.finish();
  }

  /** A member that is gone answers nothing any more. */
  left(seat: Seat): void {
    for (const question of this.#open.values()) {
      if (question.open.delete(seat) && question.open.size === 0) question.finish();
    }
  }

  close(): void {
    for (const question of this.#open.values()) question.finish();
  }
}
