// One Socket.IO socket and one session of the registrar, joined: events one way, requests with their
// acknowledgements the other.

import type { RegistrarEventName, RegistrarEvents, RegistrarNotes, RegistrarRequestName } from '@shoal/shared';
import type { Socket } from 'socket.io';
import type { Registrar, RegistrarClient, RegistrarSession } from './registrar-api.ts';

const REQUESTS = [
  'join',
  'lookup',
  'table',
  'update',
  'signal',
  'propose',
  'forget',
  'recover',
  'adopt',
  'report',
  'goodbye',
] as const satisfies readonly RegistrarRequestName[];
const NOTES = ['here', 'hears'] as const satisfies readonly (keyof RegistrarNotes)[];
const KNOWN: ReadonlySet<string> = new Set([...REQUESTS, ...NOTES]);

export interface SocketSession {
  /** The socket is connected: what was sent meanwhile goes out, and requests are heard. */
  start(): void;
}

/** Before the socket is connected, so that a mesh that can't be had refuses the handshake. */
export async function openSocketSession(registrar: Registrar, mesh: string, socket: Socket): Promise<SocketSession> {
  // Nothing may be sent before Socket.IO has connected the socket.
  let waiting: (() => void)[] | undefined = [];
  const client: RegistrarClient = {
    send<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void {
      if (waiting === undefined) socket.emit(name, payload);
      else waiting.push(() => socket.emit(name, payload));
    },
    close: () => {
      socket.disconnect(true);
    },
  };
  const session = await registrar.connect(mesh, client);
  const onClosed = (): void => session.disconnected();
  // Of the connection, not the socket: that one never hears of a connection lost before it was its.
  if (socket.conn.readyState === 'open') socket.conn.once('close', onClosed);
  else onClosed();
  return {
    start() {
      socket.once('disconnect', onClosed);
      listen(socket, session);
      const first = waiting ?? [];
      waiting = undefined;
      for (const send of first) send();
    },
  };
}

function listen(socket: Socket, session: RegistrarSession): void {
  for (const name of REQUESTS) {
    socket.on(name, (payload: unknown, acknowledge: unknown) => {
      void session.request(name, payload).then((answer) => {
        if (typeof acknowledge === 'function') acknowledge(answer);
      });
    });
  }
  for (const name of NOTES) socket.on(name, (payload: unknown) => session.note(name, payload));
  // A client that says what is no word of the protocol is none of ours.
  socket.onAny((name: unknown) => {
    if (typeof name !== 'string' || !KNOWN.has(name)) socket.disconnect(true);
  });
}
