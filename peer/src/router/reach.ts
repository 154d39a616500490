// Waiting for a link. A command dials whom it needs; the others hold links to everybody, and wait for one
// that is being made.

import { type Clock, createDeferred, MeshError, onAbort, type PeerId, sleep } from '@shoal/shared';
import type { MeshLinks } from '../mesh/mesh.ts';
import type { Registration } from '../mesh/registration.ts';

export interface Reach {
  /** Resolves when there is a link; rejects `no-member` for one that is not in the mesh, or the signal's error. */
  reach(member: PeerId, signal: AbortSignal): Promise<void>;
  /** Resolves when there is a link, when slots have changed hands, or when a little while has passed. */
  waitForLink(member: PeerId, signal: AbortSignal): Promise<void>;
}

/** How often to look whether something else changed while a member can't be reached. */
const LOOK_AGAIN_MS = 250;

export function createReach(deps: {
  readonly clock: Clock;
  readonly links: MeshLinks;
  readonly registration: Registration;
}): Reach {
  const { clock, links, registration } = deps;

  async function waitForLink(member: PeerId, signal: AbortSignal): Promise<void> {
    if (registration.member(member)?.state === 'away') return sleep(clock, LOOK_AGAIN_MS, signal);
    const changed = createDeferred<void>();
    const waiting = new AbortController();
    const stops = [
      onAbort(signal, () => waiting.abort(signal.reason)),
      // A dial may take long, and somebody else may own by then what the member was needed for.
      registration.on('rowsChanged', () => changed.resolve()),
    ];
    const linked = links.linkTo(member, { signal: waiting.signal });
    try {
      await Promise.race([linked, changed.promise]);
    } catch (error) {
      if (signal.aborted) throw error;
      await sleep(clock, LOOK_AGAIN_MS, signal);
    } finally {
      for (const stop of stops) stop();
      linked.catch(() => undefined);
      waiting.abort();
    }
  }

  return {
    reach: async (member, signal) => {
      while (!links.isOpen(member)) {
        if (registration.member(member) === undefined) {
          throw new MeshError('no-member', `There is no member ${member} in the mesh.`, { detail: { member } });
        }
        await waitForLink(member, signal);
      }
    },
    waitForLink,
  };
}
