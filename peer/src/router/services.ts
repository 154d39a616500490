// Named services over Blob frames. Asking oneself takes the same road without frames.

import {
  abortable,
  type BlobFrame,
  type Clock,
  createDeadline,
  type Frame,
  type FramePriority,
  limits,
  MeshError,
  type MeshErrorWire,
  isMeshErrorCode,
  NO_PAYLOAD,
  type PeerId,
  type RequestId,
  toMeshError,
} from '@shoal/shared';
import type { AskOptions, ServiceCall, ServiceHandler, ServiceMessage, Services } from '../ports/services.ts';
import type { InboundRequests } from './inbound-requests.ts';
import { createRequests } from './requests.ts';

export interface ServicesDeps {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly inbound: InboundRequests;
  nextRequestId(): RequestId;
  nameOf(member: PeerId): string;
  send(to: PeerId, frame: Frame, priority: FramePriority): void;
  unsend(to: PeerId, id: RequestId): void;
  room(to: PeerId, signal: AbortSignal): Promise<void>;
  /** Resolves when there is a link. */
  reach(to: PeerId, signal: AbortSignal): Promise<void>;
}

export interface RoutedServices extends Services {
  receive(from: PeerId, frame: BlobFrame): void;
  linkClosed(member: PeerId, reason: string): void;
}

/** What is bulk: above this, fragments go behind small requests. */
const BULK_BYTES = 16 * 1024;

export function blobPriority(payload: Uint8Array): FramePriority {
  return payload.byteLength > BULK_BYTES ? 2 : 1;
}

export function createServices(deps: ServicesDeps): RoutedServices {
  const handlers = new Map<string, ServiceHandler>();
  const requests = createRequests<ServiceMessage, ServiceMessage>();

  function handlerOf(name: string): ServiceHandler {
    const handler = handlers.get(name);
    if (handler === undefined) throw new MeshError('bad-argument', `This member has no service "${name}".`);
    return handler;
  }

  async function askSelf(
    name: string,
    message: ServiceMessage,
    signal: AbortSignal,
    options: AskOptions,
  ): Promise<ServiceMessage> {
    const call: ServiceCall = {
      ...message,
      from: deps.self,
      signal,
      note: async (note) => options.onNote?.(fill(note)),
    };
    return fill(await abortable(handlerOf(name)(call), signal));
  }

  async function askOther(
    to: PeerId,
    ask: Omit<BlobFrame, 'remainingMs'>,
    until: Until,
    options: AskOptions,
  ): Promise<ServiceMessage> {
    const { signal } = until;
    await deps.reach(to, signal);
    await deps.room(to, signal);
    const answer = requests.open(ask.id, to, options.onNote);
    try {
      deps.send(to, { ...ask, remainingMs: until.remainingMs() }, blobPriority(ask.payload));
      return await abortable(answer, signal);
    } catch (error) {
      requests.drop(ask.id);
      if (signal.aborted) cancel(to, ask.id);
      throw error;
    }
  }

  function cancel(to: PeerId, id: RequestId): void {
    deps.unsend(to, id);
    try {
      deps.send(to, { kind: 'cancel', id }, 0);
    } catch {
      // No link: the other side's end of it cancels there.
    }
  }

  function answer(to: PeerId, ask: BlobFrame, part: 'note' | 'answer' | 'refused', message: ServiceMessage): void {
    const { id, service } = ask;
    deps.send(
      to,
      { kind: 'blob', id, service, part, ...message, ageMs: 0, remainingMs: 0, forwarded: false },
      blobPriority(message.payload),
    );
  }

  async function serveAsk(from: PeerId, frame: BlobFrame): Promise<void> {
    try {
      await deps.inbound.run(from, frame, async (signal) => {
        const message = await handlerOf(frame.service)({
          from,
          body: frame.body,
          payload: frame.payload,
          signal,
          note: async (note) => {
            await deps.room(from, signal);
            if (signal.aborted) throw toMeshError(signal.reason);
            answer(from, frame, 'note', fill(note));
          },
        });
        // Still counted while it waits for room: who takes nothing can't pile up answers.
        await deps.room(from, signal);
        answer(from, frame, 'answer', fill(message));
      });
    } catch (error) {
      const refusal = toMeshError(error);
      try {
        answer(from, frame, 'refused', { body: refusal.toWire(), payload: NO_PAYLOAD });
      } catch {
        // The link is gone, and with it whoever asked.
      }
    }
  }

  return {
    serve: (name, handler) => {
      if (handlers.has(name)) throw new MeshError('internal', `Two handlers of service "${name}".`);
      handlers.set(name, handler);
      return () => handlers.delete(name);
    },
    ask: async (member, name, message, options = {}) => {
      const until = startUntil(deps, member, name, options);
      try {
        if (member === deps.self) return await askSelf(name, fill(message), until.signal, options);
        const id = deps.nextRequestId();
        const ask = {
          kind: 'blob',
          id,
          service: name,
          part: 'ask',
          ...fill(message),
          ageMs: 0,
          forwarded: false,
        } as const;
        return await askOther(member, ask, until, options);
      } finally {
        until.end();
      }
    },
    receive: (from, frame) => {
      switch (frame.part) {
        case 'ask':
          void serveAsk(from, frame);
          return;
        case 'note':
          requests.note(frame.id, from, { body: frame.body, payload: frame.payload });
          return;
        case 'answer':
          requests.resolve(frame.id, from, { body: frame.body, payload: frame.payload });
          return;
        case 'refused':
          requests.reject(frame.id, from, parseRefusal(frame.body));
      }
    },
    linkClosed: requests.linkClosed,
  };
}

interface Until {
  readonly signal: AbortSignal;
  remainingMs(): number;
  end(): void;
}

function startUntil(
  { clock, nameOf }: Pick<ServicesDeps, 'clock' | 'nameOf'>,
  member: PeerId,
  name: string,
  options: AskOptions,
): Until {
  const timeoutMs = options.timeoutMs ?? limits.requestTimeoutMs;
  const startedMs = clock.monotonicMs();
  const deadline = createDeadline(clock, timeoutMs, {
    outer: options.signal,
    reason: () =>
      new MeshError('deadline', `${nameOf(member)} did not answer "${name}" within ${timeoutMs} ms.`, {
        detail: { member },
      }),
  });
  return {
    signal: deadline.signal,
    remainingMs: () => Math.max(1, Math.ceil(timeoutMs - (clock.monotonicMs() - startedMs))),
    end: deadline.end,
  };
}

function fill(message: Partial<ServiceMessage>): ServiceMessage {
  return { body: message.body ?? null, payload: message.payload ?? NO_PAYLOAD };
}

/** The other side's error; foreign, so anything. */
function parseRefusal(body: unknown): MeshError {
  if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body) {
    const { code, message } = body;
    if (isMeshErrorCode(code) && typeof message === 'string') return MeshError.fromWire(body as MeshErrorWire);
  }
  return new MeshError('bad-frame', 'The member refused without saying why.');
}
