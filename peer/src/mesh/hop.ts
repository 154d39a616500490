// Passing on what two members without a direct link send each other. Whoever forwards looks at the address
// only, takes the source from the link that it came over, and keeps no more than a window of each pair.

import { limits, NO_PAYLOAD, toMeshError } from '@shoal/shared';
import type { ForwardedFrame, ForwardFrame, Logger, PeerId } from '@shoal/shared';
import type { Outbound } from '../wire/outbound.ts';

/** With small requests: their flows take turns, and nothing of it delays a heartbeat. */
export const PATH_PRIORITY = 1;

export interface Hop {
  /** Came over the direct link with `from`. */
  passOn(from: PeerId, frame: ForwardFrame): void;
}

export function createHop(deps: {
  /** Of the direct link with that member, if there is one. */
  readonly outboundOf: (member: PeerId) => Outbound | undefined;
  readonly logger: Logger;
}): Hop {
  const { outboundOf, logger } = deps;

  /** Why it was not sent; undefined if it was. */
  function send(to: PeerId, frame: ForwardedFrame): string | undefined {
    const outbound = outboundOf(to);
    if (outbound === undefined) return 'the forwarding member has no link to it';
    if (outbound.bytesBefore(frame, PATH_PRIORITY) + frame.payload.byteLength > limits.pathHeldBytes)
      return 'too much waits at the forwarding member';
    try {
      outbound.send(frame, PATH_PRIORITY);
      return undefined;
    } catch (error) {
      return toMeshError(error).message;
    }
  }

  return {
    passOn(from, { to, path, ended, payload }) {
      const why = send(to, { kind: 'forwarded', from, path, payload, ...(ended === undefined ? {} : { ended }) });
      if (why === undefined || ended !== undefined) return;
      logger.debug('path-ended', { from, to, why });
      // A message of it is lost: the path is of no use any more, and both ends are to know.
      const over = { kind: 'forwarded', path, ended: why, payload: NO_PAYLOAD } as const;
      send(from, { ...over, from: to });
      send(to, { ...over, from });
    },
  };
}
