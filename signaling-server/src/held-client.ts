// A client whose events wait until its join is answered: what is announced while the answer is on its
// way must not overtake it, or the member would see a gap.

import type { Clock, RegistrarEventName, RegistrarEvents } from '@shoal/shared';
import type { RegistrarClient } from './registrar-api.ts';

interface Held {
  readonly name: RegistrarEventName;
  readonly send: () => void;
}

export class HeldClient implements RegistrarClient {
  readonly #client: RegistrarClient;
  readonly #clock: Clock;
  #held: Held[] | undefined;
  #isClosed = false;
  #stop: (() => void) | undefined;

  constructor(client: RegistrarClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  send<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void {
    if (this.#isClosed) return;
    if (this.#held !== undefined && name !== 'stop')
      this.#held.push({ name, send: () => this.#client.send(name, payload) });
    else this.#client.send(name, payload);
  }

  hold(): void {
    this.#stop?.();
    this.#held ??= [];
  }

  /** Forgets what an answer that is made now contains. Signals are in no answer: who saw the newcomer in the roster may have dialled it already. */
  forgetHeld(): void {
    this.#held = this.#held?.filter(({ name }) => name === 'signal');
  }

  /** Sends on as soon as the answer that is being returned has left. */
  releaseSoon(): void {
    this.#stop = this.#clock.setTimer(() => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const { send } of held) send();
    }, 0);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stop?.();
    this.#client.close();
  }

  /** The connection is gone: nothing is sent any more. */
  ended(): void {
    this.#isClosed = true;
    this.#stop?.();
  }
}
