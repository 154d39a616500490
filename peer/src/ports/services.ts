// Named services over Blob frames: one member asks, another answers, with notes in between. The router
// offers this to everything that is no key and value: tasks, listings, users' messages.

import type { PeerId, Unsubscribe } from '@shoal/shared';

export interface ServiceMessage {
  /** Small, encoded with the frame's head (msgpack); parse it before use. */
  readonly body: unknown;
  /** Starts at a multiple of 8 of its buffer. */
  readonly payload: Uint8Array;
}

export interface ServiceCall extends ServiceMessage {
  readonly from: PeerId;
  /** Aborts when the asker cancels, its time runs out or the link closes. */
  readonly signal: AbortSignal;
  /** Sends a note ahead of the answer; resolves when there is room for the next. */
  note(message: Partial<ServiceMessage>): Promise<void>;
}

/** Throw a `MeshError` to refuse. */
export type ServiceHandler = (call: ServiceCall) => Promise<Partial<ServiceMessage>>;

export interface AskOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onNote?: (message: ServiceMessage) => void;
}

export interface Services {
  /** One handler for each name; returns the way to stop. */
  serve(name: string, handler: ServiceHandler): Unsubscribe;
  /** Asking oneself takes the same road without frames. Rejects with the handler's error, `link-lost`, `deadline` or the signal's. */
  ask(member: PeerId, name: string, message: Partial<ServiceMessage>, options?: AskOptions): Promise<ServiceMessage>;
}
