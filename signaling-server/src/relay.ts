// Signals from member to member: checked, stamped with the true sender, and counted, so that a test can
// show that nothing else goes through the server.

import { MeshError, shortId, type Signal } from '@shoal/shared';
import type { MeshState, Seat } from './mesh-state.ts';

export class Relay {
  #signals = 0;
  #bytes = 0;

  get signals(): number {
    return this.#signals;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `no-member` if the target is not connected. */
  send(state: MeshState, from: Seat, { to, dial, data }: Signal): void {
    const target = state.seats.get(to);
    if (target === undefined || target === from) {
      throw new MeshError('no-member', `Member ${shortId(to)} is not connected to mesh ${state.name}.`);
    }
    this.#signals += 1;
    this.#bytes += data.length;
    target.client.send('signal', { from: from.id, incarnation: from.incarnation, dial, data });
  }
}
