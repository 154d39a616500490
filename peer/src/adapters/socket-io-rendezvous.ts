// `Rendezvous` over socket.io-client. WebSocket alone: no sticky sessions, no polling, and the server's
// checks of Origin and Host run on each handshake.

import {
  abortable,
  type Answer,
  type Handshake,
  isMeshErrorCode,
  MeshError,
  type MeshErrorWire,
  type RegistrarEventName,
  type RegistrarEvents,
  type RegistrarRequestName,
  type RegistrarRequests,
  SPOKEN_VERSIONS,
} from '@shoal/shared';
import { io, type Socket } from 'socket.io-client';
import type { Rendezvous, RendezvousListener } from '../ports/rendezvous.ts';

export interface SocketIoRendezvousOptions {
  /** The server's, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly mesh: string;
  readonly token?: string;
}

const EVENTS: readonly RegistrarEventName[] = [
  'delta',
  'roster',
  'wish',
  'moving',
  'signal',
  'stop',
  'hand-over-wanted',
  'still-there',
  'who-hears',
  'report-all',
];

export function createSocketIoRendezvous(options: SocketIoRendezvousOptions): Rendezvous {
  const auth: Handshake = {
    mesh: options.mesh,
    versions: [...SPOKEN_VERSIONS],
    ...(options.token === undefined ? {} : { token: options.token }),
  };
  const socket: Socket = io(options.url, {
    auth,
    autoConnect: false,
    forceNew: true,
    transports: ['websocket'],
    reconnectionDelay: 200,
    reconnectionDelayMax: 2_000,
    timeout: 5_000,
  });
  // Pending requests end when the connection does: Socket.IO's acknowledgements would wait for ever.
  let connection = new AbortController();

  return {
    connect: (listener) => {
      listen(socket, listener, {
        started: () => {
          connection = new AbortController();
        },
        ended: () => connection.abort(noRegistrar(options.url)),
      });
      socket.connect();
    },
    request: async (name, ask, requestOptions) => {
      if (!socket.connected) throw noRegistrar(options.url);
      const acknowledged = askServer(socket, name, ask);
      const { signal } = requestOptions ?? {};
      const ends = signal === undefined ? connection.signal : AbortSignal.any([connection.signal, signal]);
      const answer = await abortable(acknowledged, ends);
      if ('error' in answer) throw MeshError.fromWire(answer.error);
      return answer.ok;
    },
    note: (name, payload) => {
      if (socket.connected) socket.emit(name, payload);
    },
    close: async () => {
      connection.abort(new MeshError('closed', 'This member has left the mesh.'));
      socket.removeAllListeners();
      socket.disconnect();
    },
  };
}

function askServer<Name extends RegistrarRequestName>(
  socket: Socket,
  name: Name,
  ask: RegistrarRequests[Name]['ask'],
): Promise<Answer<RegistrarRequests[Name]['answer']>> {
  return new Promise((resolve) => {
    socket.emit(name, ask, (answer: Answer<RegistrarRequests[Name]['answer']>) => resolve(plainBytes(answer)));
  });
}

interface ConnectionSpan {
  started(): void;
  ended(): void;
}

function listen(socket: Socket, listener: RendezvousListener, span: ConnectionSpan): void {
  socket.on('challenge', (challenge: RegistrarEvents['challenge']) => {
    span.started();
    listener.heard();
    listener.up(challenge);
  });
  for (const name of EVENTS) {
    socket.on(name, (payload: RegistrarEvents[typeof name]) => {
      listener.heard();
      listener.event(name, plainBytes(payload));
    });
  }
  socket.io.on('ping', () => listener.heard());
  socket.on('disconnect', (reason) => {
    span.ended();
    listener.down(reason);
    // The server closed it on purpose (a restart closes with a transport error instead): Socket.IO
    // would not come back by itself.
    if (reason === 'io server disconnect') socket.connect();
  });
  socket.on('connect_error', (error: Error & { data?: unknown }) => {
    const refusal = parseRefusal(error.data);
    if (refusal === undefined) listener.down(error.message);
    else listener.refused(refusal);
  });
}

/** What a server's middleware gives with its refusal; undefined for errors of the network. */
function parseRefusal(data: unknown): MeshError | undefined {
  if (typeof data !== 'object' || data === null || !('code' in data) || !('message' in data)) return undefined;
  if (!isMeshErrorCode(data.code) || typeof data.message !== 'string') return undefined;
  return MeshError.fromWire(data as MeshErrorWire);
}

function noRegistrar(url: string): MeshError {
  return new MeshError('no-registrar', `The server at ${url} can't be reached; it is tried again by itself.`);
}

/** Socket.IO gives ArrayBuffers in the browser and Buffers in Node; both become plain Uint8Arrays. */
function plainBytes<T>(value: T): T {
  if (value instanceof ArrayBuffer) return new Uint8Array(value) as T;
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength) as T;
  if (Array.isArray(value)) return value.map(plainBytes) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainBytes(member)])) as T;
}
