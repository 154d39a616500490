// How many connections the server holds: of one address, of all, and of those that have not joined.
// Pure counting; what is over is refused before it costs anything.

import { MeshError } from '@shoal/shared';

export interface ConnectionLimits {
  readonly perAddress: number;
  readonly total: number;
}

/** A host with fifty members and a hundred tabs is an ordinary one; a proxy makes all of them one address. */
export const CONNECTION_LIMITS: ConnectionLimits = { perAddress: 512, total: 2_048 };

export class ConnectionCount {
  readonly #limits: ConnectionLimits;
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Counts a connection in; call what it returns when it has ended. Throws `busy`. */
  enter(address: string): () => void {
    const count = this.#byAddress.get(address) ?? 0;
    if (count >= this.#limits.perAddress) {
      throw new MeshError(
        'busy',
        `The server holds ${count} connections of ${address}, which is all it takes of one address.`,
      );
    }
    if (this.#total >= this.#limits.total) {
      throw new MeshError('busy', `The server holds ${this.#total} connections, which is all it takes.`);
    }
    this.#byAddress.set(address, count + 1);
    this.#total += 1;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.#total -= 1;
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    };
  }
}
