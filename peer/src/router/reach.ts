// Waiting for a link. A command dials whom it needs; the others hold links to everybody, and wait for one
// that is being made.

import { type Clock, MeshError, type PeerId, sleep } from '@shoal/shared';
import type { MeshLinks } from '../mesh/mesh.ts';
import type { Registration } from '../mesh/registration.ts';

export interface Reach {
  /** Resolves when there is a link; rejects `no-member` for one that is not in the mesh, or the signal's error. */
  reach(member: PeerId, signal: AbortSignal): Promise<void>;
  /** Resolves when there is a link or a little while has passed. */
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
    try {
      return await links.linkTo(member, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      return sleep(clock, LOOK_AGAIN_MS, signal);
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
