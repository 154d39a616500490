// The requests that this member has open with others: id to promise. An answer resolves it; the link's
// end, the caller's signal or a deadline ends it, and then nothing of it is left.

import { createDeferred, type Deferred, limits, MeshError, type PeerId, type RequestId } from '@shoal/shared';

export interface OpenRequest<Answer, Note> {
  readonly to: PeerId;
  readonly answer: Deferred<Answer>;
  readonly onNote: ((note: Note) => void) | undefined;
}

export interface Requests<Answer, Note> {
  /** Throws `busy` at the bound. */
  open(id: RequestId, to: PeerId, onNote?: (note: Note) => void): Promise<Answer>;
  /** False if no such request is open with that member: late, or not asked for. */
  resolve(id: RequestId, from: PeerId, answer: Answer): boolean;
  reject(id: RequestId, from: PeerId, error: MeshError): boolean;
  note(id: RequestId, from: PeerId, note: Note): boolean;
  /** Forgets it without an answer: the caller gave up. */
  drop(id: RequestId): void;
  linkClosed(member: PeerId, reason: string): void;
  readonly size: number;
}

export function createRequests<Answer, Note>(): Requests<Answer, Note> {
  const open = new Map<RequestId, OpenRequest<Answer, Note>>();
  const take = (id: RequestId, from: PeerId): OpenRequest<Answer, Note> | undefined => {
    const request = open.get(id);
    if (request === undefined || request.to !== from) return undefined;
    open.delete(id);
    return request;
  };
  return {
    open: (id, to, onNote) => {
      if (open.size >= limits.openRequests) {
        throw new MeshError('busy', `This member has ${limits.openRequests} requests open; wait for some to end.`);
      }
      const answer = createDeferred<Answer>();
      answer.promise.catch(() => undefined); // the caller may have given up already
      open.set(id, { to, answer, onNote });
      return answer.promise;
    },
    resolve: (id, from, answer) => {
      const request = take(id, from);
      request?.answer.resolve(answer);
      return request !== undefined;
    },
    reject: (id, from, error) => {
      const request = take(id, from);
      request?.answer.reject(error);
      return request !== undefined;
    },
    note: (id, from, note) => {
      const request = open.get(id);
      if (request === undefined || request.to !== from) return false;
      request.onNote?.(note);
      return true;
    },
    drop: (id) => {
      open.delete(id);
    },
    linkClosed: (member, reason) => {
      for (const [id, request] of open) {
        if (request.to !== member) continue;
        open.delete(id);
        request.answer.reject(
          new MeshError('link-lost', `The link to ${member} closed before it answered: ${reason}.`),
        );
      }
    },
    get size() {
      return open.size;
    },
  };
}
