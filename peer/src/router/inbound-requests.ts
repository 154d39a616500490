// The requests of others that this member works on: each ends when it is answered, cancelled by its
// asker, out of time, or cut off by the end of its link.

import {
  type Clock,
  createDeadline,
  limits,
  MeshError,
  type PeerId,
  type RequestHead,
  type RequestId,
} from '@shoal/shared';

export interface InboundRequests {
  /** Runs `work` with a signal; throws `busy` at a bound: of all requests, or of one member's. A repeated try of the same request runs beside the first. */
  run<T>(from: PeerId, head: RequestHead, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  cancel(from: PeerId, id: RequestId): void;
  linkClosed(member: PeerId): void;
  close(): void;
  readonly size: number;
}

/** A timer of the platform takes no more than 2^31 ms. */
const LONGEST_MS = 24 * 60 * 60 * 1_000;

interface Running {
  readonly from: PeerId;
  readonly id: RequestId;
  readonly controller: AbortController;
}

export function createInboundRequests(clock: Clock): InboundRequests {
  const running = new Set<Running>();
  const counts = new Map<PeerId, number>();
  const abortWhere = (matches: (entry: Running) => boolean, reason: MeshError): void => {
    for (const entry of [...running]) if (matches(entry)) entry.controller.abort(reason);
  };
  return {
    run: async (from, head, work) => {
      if (running.size >= limits.openRequests) {
        throw new MeshError('busy', `This member works on ${limits.openRequests} requests; try again.`);
      }
      const ofOne = counts.get(from) ?? 0;
      if (ofOne >= limits.openRequestsOfOne) {
        throw new MeshError('busy', `This member works on ${ofOne} requests of yours; wait for some to end.`);
      }
      const entry: Running = { from, id: head.id, controller: new AbortController() };
      const deadline = createDeadline(clock, Math.min(head.remainingMs, LONGEST_MS), {
        outer: entry.controller.signal,
        reason: () => new MeshError('deadline', 'The time of the request ran out.'),
      });
      running.add(entry);
      counts.set(from, ofOne + 1);
      try {
        return await work(deadline.signal);
      } finally {
        deadline.end();
        running.delete(entry);
        const left = (counts.get(from) ?? 1) - 1;
        if (left > 0) counts.set(from, left);
        else counts.delete(from);
      }
    },
    cancel: (from, id) =>
      abortWhere((entry) => entry.id === id && entry.from === from, new MeshError('aborted', 'The asker cancelled.')),
    linkClosed: (member) =>
      abortWhere((entry) => entry.from === member, new MeshError('link-lost', 'The link to the asker closed.')),
    close: () => abortWhere(() => true, new MeshError('closed', 'This member has left the mesh.')),
    get size() {
      return running.size;
    },
  };
}
