// The connection to the registrar: typed requests and events over a socket that comes and goes.
// What they mean (joining, table, roster) is `mesh/registration.ts`'s matter, so that Socket.IO and a
// registrar in the same process need only carry messages.

import type {
  RegistrarEventName,
  RegistrarEvents,
  RegistrarNotes,
  RegistrarRequestName,
  RegistrarRequests,
  Unsubscribe,
} from '@shoal/shared';

export interface RendezvousListener {
  /** A connection stands, first and after each loss; the challenge is what `join` must sign. */
  up(challenge: RegistrarEvents['challenge']): void;
  /** The connection is lost; another is being made. */
  down(reason: string): void;
  /** The registrar was heard, be it only a ping: at least every few seconds while the connection lives. */
  heard(): void;
  /** The server refused the handshake for good: a code such as `bad-token`, `bad-origin`, `wrong-mesh`. */
  refused(error: Error): void;
  event<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void;
}

export interface Rendezvous {
  /** Connects and stays connected until `close`. Called once. */
  connect(listener: RendezvousListener): void;
  /** Rejects with the registrar's error, `no-registrar` when the connection is lost before the answer, or the signal's. */
  request<Name extends RegistrarRequestName>(
    name: Name,
    ask: RegistrarRequests[Name]['ask'],
    options?: { readonly signal?: AbortSignal },
  ): Promise<RegistrarRequests[Name]['answer']>;
  /** Dropped when there is no connection. */
  note<Name extends keyof RegistrarNotes>(name: Name, payload: RegistrarNotes[Name]): void;
  close(): Promise<void>;
}

export type { Unsubscribe };
