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

/** Of one request; a repeated try runs beside the first. */
type Running = Set<AbortController>;

export function createInboundRequests(clock: Clock): InboundRequests {
  // By asker, by id: one that cancels ten thousand requests has each looked up, not looked for.
  const askers = new Map<PeerId, { readonly requests: Map<RequestId, Running>; count: number }>();
  let size = 0;

  const start = (from: PeerId, id: RequestId, controller: AbortController): void => {
    const asker = askers.get(from) ?? { requests: new Map<RequestId, Running>(), count: 0 };
    const running = asker.requests.get(id) ?? new Set();
    askers.set(from, asker);
    asker.requests.set(id, running.add(controller));
    asker.count += 1;
    size += 1;
  };
  const end = (from: PeerId, id: RequestId, controller: AbortController): void => {
    const asker = askers.get(from);
    const running = asker?.requests.get(id);
    if (asker === undefined || running?.delete(controller) !== true) return;
    if (running.size === 0) asker.requests.delete(id);
    asker.count -= 1;
    size -= 1;
    if (asker.count === 0) askers.delete(from);
  };
  const abort = (running: Iterable<AbortController>, reason: MeshError): void => {
    for (const controller of [...running]) controller.abort(reason);
  };
  const abortAll = (from: PeerId, reason: MeshError): void => {
    for (const running of [...(askers.get(from)?.requests.values() ?? [])]) abort(running, reason);
  };

  return {
    run: async (from, head, work) => {
      if (size >= limits.openRequests) {
        throw new MeshError('busy', `This member works on ${limits.openRequests} requests; try again.`);
      }
      const ofOne = askers.get(from)?.count ?? 0;
      if (ofOne >= limits.openRequestsOfOne) {
        throw new MeshError('busy', `This member works on ${ofOne} requests of yours; wait for some to end.`);
      }
      const controller = new AbortController();
      const deadline = createDeadline(clock, Math.min(head.remainingMs, LONGEST_MS), {
        outer: controller.signal,
        reason: () => new MeshError('deadline', 'The time of the request ran out.'),
      });
      start(from, head.id, controller);
      try {
        return await work(deadline.signal);
      } finally {
        deadline.end();
        end(from, head.id, controller);
      }
    },
    cancel: (from, id) =>
      abort(askers.get(from)?.requests.get(id) ?? [], new MeshError('aborted', 'The asker cancelled.')),
    linkClosed: (member) => abortAll(member, new MeshError('link-lost', 'The link to the asker closed.')),
    close: () => {
      for (const from of [...askers.keys()]) abortAll(from, new MeshError('closed', 'This member has left the mesh.'));
    },
    get size() {
      return size;
    },
  };
}
