// The registrar without its sockets: sessions that receive requests and send events. Socket.IO carries
// it in the server; tests and simulations carry it in the same process.

import type {
  Answer,
  RegistrarEventName,
  RegistrarEvents,
  RegistrarNotes,
  RegistrarRequestName,
  RegistrarRequests,
} from '@shoal/shared';

/** The way back to one connected client. */
export interface RegistrarClient {
  send<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void;
  close(): void;
}

export interface RegistrarSession {
  /** `payload` is foreign: parsed here. Never rejects; what is wrong is `{ error }`. */
  request<Name extends RegistrarRequestName>(
    name: Name,
    payload: unknown,
  ): Promise<Answer<RegistrarRequests[Name]['answer']>>;
  note(name: keyof RegistrarNotes, payload: unknown): void;
  /** The client's connection is gone. That alone changes no configuration. */
  disconnected(): void;
}

export interface Registrar {
  /** After admission. Sends the challenge at once. Rejects if the mesh's table can't be loaded or is locked. */
  connect(mesh: string, client: RegistrarClient): Promise<RegistrarSession>;
  /** For `/healthz` and tests. */
  status(): RegistrarStatus;
  close(): Promise<void>;
}

export interface RegistrarStatus {
  readonly meshes: number;
  /** Connected members, commands included. */
  readonly members: number;
  readonly relayedSignals: number;
  readonly relayedBytes: number;
  /** Meshes in which nothing changes, since their table is older than what a member knows. */
  readonly frozen: readonly { readonly mesh: string; readonly reason: string }[];
}

/** Where a mesh's table is kept. Writing resolves only when it would survive a loss of power. */
export interface TableStore {
  read(mesh: string): Promise<Uint8Array | undefined>;
  write(mesh: string, bytes: Uint8Array): Promise<void>;
}
