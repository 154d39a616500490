// `Rendezvous` to a registrar in the same process: what passes is cloned, as a socket would, and arrives a
// microtask later. `cut` and `restore` are a lost connection and its return.

import {
  abortable,
  type Answer,
  type Clock,
  limits,
  MeshError,
  type RegistrarEventName,
  type RegistrarEvents,
  type RegistrarNotes,
  type RegistrarRequestName,
  type RegistrarRequests,
  type StopTimer,
} from '@shoal/shared';
import type { Rendezvous, RendezvousListener } from '../../ports/rendezvous.ts';

/** The registrar's side of one connection. */
export interface MemorySession {
  request<Name extends RegistrarRequestName>(
    name: Name,
    payload: unknown,
  ): Promise<Answer<RegistrarRequests[Name]['answer']>>;
  note(name: keyof RegistrarNotes, payload: unknown): void;
  disconnected(): void;
}

/** This side of it. */
export interface MemoryClient {
  send<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void;
  close(): void;
}

export interface MemoryRendezvous extends Rendezvous {
  cut(): void;
  restore(): void;
}

interface Connection {
  readonly session: Promise<MemorySession>;
  readonly ends: AbortController;
}

const RECONNECT_MS = 200;

export function createMemoryRendezvous(deps: {
  readonly clock: Clock;
  /** Rejects while the registrar is away. */
  readonly connect: (client: MemoryClient) => Promise<MemorySession>;
}): MemoryRendezvous {
  const { clock } = deps;
  let listener: RendezvousListener | undefined;
  let connection: Connection | undefined;
  let isCut = false;
  let isClosed = false;
  const timers = new Set<StopTimer>();

  function later(work: () => void, delayMs: number): void {
    const stop = clock.setTimer(() => {
      timers.delete(stop);
      work();
    }, delayMs);
    timers.add(stop);
  }

  function open(): void {
    if (isCut || isClosed || connection !== undefined) return;
    const ends = new AbortController();
    const client: MemoryClient = {
      send: (name, payload) => {
        const copy = structuredClone(payload);
        queueMicrotask(() => !ends.signal.aborted && receive(name, copy));
      },
      close: () => queueMicrotask(() => lose(opened, 'the server closed the connection')),
    };
    const opened: Connection = { session: deps.connect(client), ends };
    connection = opened;
    opened.session.then(ping, () => lose(opened, 'the server is away'));
  }

  function receive<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void {
    listener?.heard();
    if (name === 'challenge') listener?.up(payload as RegistrarEvents['challenge']);
    else listener?.event(name, payload);
  }

  /** As Socket.IO's pings would tell that the server is there. */
  function ping(): void {
    const pinged = connection;
    later(() => {
      if (pinged === undefined || pinged !== connection) return;
      listener?.heard();
      ping();
    }, limits.heartbeatMs);
  }

  function lose(lost: Connection, reason: string): void {
    if (connection !== lost) return;
    connection = undefined;
    lost.ends.abort(noRegistrar());
    void lost.session.then(
      (session) => session.disconnected(),
      () => undefined,
    );
    if (isClosed) return;
    listener?.down(reason);
    later(open, RECONNECT_MS);
  }

  return {
    connect: (given) => {
      listener = given;
      open();
    },
    request: async (name, ask, options) => {
      const asked = connection;
      if (asked === undefined) throw noRegistrar();
      const { signal } = options ?? {};
      const until = signal === undefined ? asked.ends.signal : AbortSignal.any([asked.ends.signal, signal]);
      const session = await abortable(asked.session, until);
      const answer = structuredClone(await abortable(session.request(name, structuredClone(ask)), until));
      if ('error' in answer) throw MeshError.fromWire(answer.error);
      return answer.ok;
    },
    note: (name, payload) => {
      void connection?.session.then(
        (session) => session.note(name, structuredClone(payload)),
        () => undefined,
      );
    },
    close: async () => {
      isClosed = true;
      for (const stop of timers) stop();
      if (connection !== undefined) lose(connection, 'closed');
    },
    cut: () => {
      isCut = true;
      if (connection !== undefined) lose(connection, 'cut');
    },
    restore: () => {
      isCut = false;
      open();
    },
  };
}

function noRegistrar(): MeshError {
  return new MeshError('no-registrar', 'The server is away; it is tried again by itself.');
}
