// The signaling server: HTTP for the page, Socket.IO for members, the registrar behind both.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  createSystemClock,
  createSystemRandom,
  DEFAULT_SLOT_COUNT,
  limits,
  MeshError,
  silentLogger,
  toMeshError,
  type Logger,
  type MeshErrorWire,
} from '@shoal/shared';
import { Server as SocketServer, type Socket } from 'socket.io';
import { assertKnownHost, isLoopbackName, isOwnOrigin, parseHandshake, type AdmissionRules } from './admission.ts';
import { CONNECTION_LIMITS, ConnectionCount, type ConnectionLimits } from './connection-count.ts';
import { createHttpHandler } from './http.ts';
import type { Registrar } from './registrar-api.ts';
import { createRegistrar, type RegistrarDeps } from './registrar.ts';
import { openSocketSession, type SocketSession } from './socket-session.ts';
import { createTableFiles } from './table-folder.ts';

/** A frozen client, or one whose network is gone, is away five seconds later. */
const PING_INTERVAL_MS = 2_000;
const PING_TIMEOUT_MS = 3_000;
/** A connection that has not begun its handshake by then is closed. */
const CONNECT_TIMEOUT_MS = 10_000;
const PAGE_DIR = fileURLToPath(new URL('../../web/dist', import.meta.url));

export interface SignalingServerOptions extends Partial<RegistrarDeps> {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  /** Where the tables are kept. */
  readonly dataDir: string;
  /** Wanted of each member; made if `host` is not loopback and none is given. */
  readonly token?: string;
  /** Names, beside loopback's, under which clients may call it. */
  readonly hosts?: readonly string[];
  /** The built page. */
  readonly pageDir?: string;
  readonly connections?: ConnectionLimits;
}

export interface SignalingServer {
  /** To be opened by a user, with the token if there is one. */
  readonly url: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly registrar: Registrar;
  close(): Promise<void>;
}

/** Rejects with `locked` or `port-in-use`. */
export async function createSignalingServer(options: SignalingServerOptions): Promise<SignalingServer> {
  const { host } = options;
  const logger = options.logger ?? silentLogger;
  const token = options.token ?? (isLoopbackName(host) ? undefined : randomBytes(16).toString('base64url'));
  const rules: AdmissionRules = { host, hosts: options.hosts ?? [], token };
  const tables = await createTableFiles(options.dataDir);
  const registrar = createRegistrar({
    ...options,
    tables: options.tables ?? tables,
    clock: options.clock ?? createSystemClock(),
    random: options.random ?? createSystemRandom(),
    slotCount: options.slotCount ?? DEFAULT_SLOT_COUNT,
    logger,
  });
  const http = createServer(
    createHttpHandler({ pageDir: options.pageDir ?? PAGE_DIR, rules, status: () => registrar.status(), logger }),
  );
  const sockets = attachSockets(http, {
    rules,
    registrar,
    logger,
    connections: options.connections ?? CONNECTION_LIMITS,
  });
  const release = async (): Promise<void> => {
    await registrar.close();
    await tables.close();
  };
  try {
    const port = await listen(http, options.port, host);
    const close = async (): Promise<void> => {
      await registrar.close();
      // Ends the sockets and the HTTP server with them, which waits for whoever still reads.
      const ended = sockets.close();
      http.closeAllConnections();
      await ended;
      await tables.close();
    };
    let closing: Promise<void> | undefined;
    return { url: urlOf(host, port, token), port, token, registrar, close: () => (closing ??= close()) };
  } catch (error) {
    await release();
    throw error;
  }
}

interface SocketDeps {
  readonly rules: AdmissionRules;
  readonly registrar: Registrar;
  readonly logger: Logger;
  readonly connections: ConnectionLimits;
}

function attachSockets(http: HttpServer, { rules, registrar, logger, connections }: SocketDeps): SocketServer {
  const count = new ConnectionCount(connections);
  const sockets = new SocketServer(http, {
    serveClient: false,
    transports: ['websocket'],
    maxHttpBufferSize: limits.signalingBytes,
    pingInterval: PING_INTERVAL_MS,
    pingTimeout: PING_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A page of another site can't see why, and has no business to.
    allowRequest: (request: IncomingMessage, decide) => {
      const isOwn = isOwnOrigin(request.headers);
      if (!isOwn) logger.warn('foreignOrigin', { origin: request.headers.origin, host: request.headers.host });
      decide(
        isOwn ? undefined : 'A page of another origin may not connect.',
        isOwn && sockets.engine.clientsCount < connections.total,
      );
    },
  });
  const sessions = new WeakMap<Socket, SocketSession>();
  const admit = async (socket: Socket): Promise<void> => {
    assertKnownHost(rules, socket.handshake.headers.host);
    const { mesh } = parseHandshake(rules, socket.handshake.auth);
    const leave = count.enter(socket.handshake.address);
    socket.conn.once('close', leave);
    try {
      sessions.set(socket, await openSocketSession(registrar, mesh, socket));
    } catch (error) {
      leave();
      throw error;
    }
  };
  /** As Socket.IO wants it: an error whose data the client gets; undefined lets it in. */
  const refusalOf = async (socket: Socket): Promise<(Error & { data: MeshErrorWire }) | undefined> => {
    try {
      await admit(socket);
      return undefined;
    } catch (thrown) {
      const error = toMeshError(thrown);
      // A server that is closing refuses nobody for good: who tries again meets the next one.
      if (error.code === 'closed') socket.conn.close(true);
      else logger.warn('handshakeRefused', { code: error.code, address: socket.handshake.address });
      return Object.assign(new Error(error.message), { data: error.toWire() });
    }
  };
  sockets.use((socket, next) => void refusalOf(socket).then(next));
  sockets.on('connection', (socket) => sessions.get(socket)?.start());
  return sockets;
}

function listen(http: HttpServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const isInUse = error.code === 'EADDRINUSE';
      const inUse = `Port ${port} of ${host} is in use: set PORT to another one, or end what uses it.`;
      const cannot = `The server can't listen on port ${port} of ${host} (${error.code ?? error.message}): set HOST and PORT to what this machine has.`;
      reject(new MeshError(isInUse ? 'port-in-use' : 'bad-argument', isInUse ? inUse : cannot, { cause: error }));
    });
    http.listen(port, host, () => {
      const address = http.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function urlOf(host: string, port: number, token: string | undefined): string {
  // An address for all interfaces is none to call; this machine's own name for itself is.
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}/${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`;
}
