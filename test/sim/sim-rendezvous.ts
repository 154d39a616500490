// The connection of a member to the registrar: requests, events and pings that take their time, are held
// up by cuts, and end when either side has heard nothing for too long, as over a socket.

import {
  MeshError,
  type Answer,
  type RegistrarEventName,
  type RegistrarEvents,
  type RegistrarRequestName,
  type RegistrarRequests,
} from '@shoal/shared';
import type { Rendezvous, RendezvousListener } from '@shoal/peer';
import type { RegistrarSession } from '@shoal/signaling-server';
import type { Lane, Paths } from './paths.ts';
import type { SimProcess } from './sim-process.ts';
import { MESH, type SimRegistrar } from './sim-registrar.ts';
import type { Draw, World } from './world.ts';

export interface RendezvousParts {
  readonly world: World;
  readonly paths: Paths;
  readonly registrar: SimRegistrar;
  readonly process: SimProcess;
  /** The machine of this member. */
  readonly machine: string;
  readonly draw: Draw;
  /** Told of each request as it is sent. */
  onRequest?(name: RegistrarRequestName, ask: unknown): void;
}

interface Connection {
  readonly server: SimProcess;
  readonly up: Lane;
  readonly down: Lane;
  session: RegistrarSession | undefined;
  /** Requests that are not answered. */
  readonly pending: Set<(error: MeshError) => void>;
  isOverHere: boolean;
  isOverThere: boolean;
}

/** As the server's pings: a side that hears nothing for this long gives the connection up. */
const SILENCE_MS = 5_000;
const CONNECT_MS = 5_000;
const PING_MS = 1_000;

export function createSimRendezvous(parts: RendezvousParts): Rendezvous {
  const { world, paths, process, machine, draw } = parts;
  const there = paths.path(machine, 'registrar');
  const back = paths.path('registrar', machine);
  let listener: RendezvousListener | undefined;
  let connection: Connection | undefined;
  let isClosed = false;

  const retry = (): void => {
    if (!isClosed) world.after(draw.between(200, 2_000), () => process.deliver('connects', open));
  };

  const open = (): void => {
    if (isClosed || connection !== undefined) return;
    const { running } = parts.registrar;
    if (running === undefined || there.isCut || back.isCut) {
      world.after(running === undefined ? 5 : CONNECT_MS, () =>
        process.deliver('connect failed', () => {
          if (isClosed) return;
          listener?.down('the server is away');
          retry();
        }),
      );
      return;
    }
    const made: Connection = {
      server: running.process,
      up: there.lane(),
      down: back.lane(),
      session: undefined,
      pending: new Set(),
      isOverHere: false,
      isOverThere: false,
    };
    connection = made;
    made.up.send(0, () =>
      made.server.deliver(`connection of ${process.name}`, () => connectThere(made, running.registrar)),
    );
    // A refused connection tells at once; a server that died says nothing.
    running.process.onDeath(() => {
      world.after(draw.chance(0.7) ? draw.between(1, 50) : SILENCE_MS, () =>
        process.deliver('server died', () => endHere(made, 'the server is away')),
      );
    });
    process.onDeath(() => {
      world.after(draw.chance(0.7) ? draw.between(1, 50) : SILENCE_MS, () => endThere(made));
    });
    ping(made);
  };

  const connectThere = (made: Connection, registrar: NonNullable<SimRegistrar['running']>['registrar']): void => {
    const client = {
      send: <Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void => {
        const copy = structuredClone(payload);
        toClient(made, `${name} of the registrar`, () => receive(name, copy));
      },
      close: () => endThere(made),
    };
    registrar.connect(MESH, client).then(
      (session) => {
        made.session = session;
        if (made.isOverThere) session.disconnected();
      },
      () => toClient(made, 'refusal of the registrar', () => endHere(made, 'the server refused')),
    );
  };

  const toClient = (made: Connection, what: string, run: () => void): void => {
    made.down.send(0, () => {
      if (!made.isOverHere) process.deliver(what, () => !made.isOverHere && run());
    });
  };

  const receive = <Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void => {
    listener?.heard();
    if (name === 'challenge') listener?.up(payload as RegistrarEvents['challenge']);
    else listener?.event(name, payload);
  };

  /** Heard by the client while the paths are whole and the server runs; a silence ends the connection at both sides. */
  const ping = (made: Connection): void => {
    let silentHereMs = 0;
    let silentThereMs = 0;
    const tick = (): void => {
      if (made.isOverHere && made.isOverThere) return;
      const isWhole = !there.isCut && !back.isCut;
      silentHereMs = isWhole && !made.isOverThere && made.server.state === 'running' ? 0 : silentHereMs + PING_MS;
      silentThereMs = isWhole && process.state === 'running' ? 0 : silentThereMs + PING_MS;
      if (silentHereMs === 0 && made.session !== undefined && !made.isOverHere)
        process.deliver('ping', () => !made.isOverHere && listener?.heard());
      if (silentHereMs > SILENCE_MS) process.deliver('ping missed', () => endHere(made, 'ping timeout'));
      if (silentThereMs > SILENCE_MS) endThere(made);
      world.after(PING_MS, tick);
    };
    world.after(PING_MS * draw.next(), tick);
  };

  const endHere = (made: Connection, reason: string): void => {
    if (made.isOverHere) return;
    made.isOverHere = true;
    // The other side hears of a closed connection if the path is whole; else its own pings tell it.
    if (!there.isCut) made.up.send(0, () => endThere(made));
    for (const reject of made.pending) reject(noRegistrar());
    made.pending.clear();
    if (connection !== made) return;
    connection = undefined;
    if (isClosed) return;
    listener?.down(reason);
    retry();
  };

  const endThere = (made: Connection): void => {
    if (made.isOverThere) return;
    made.isOverThere = true;
    made.server.deliver(`end of ${process.name}`, () => made.session?.disconnected());
    toClient(made, 'close of the registrar', () => endHere(made, 'the server closed the connection'));
  };

  return {
    connect(given) {
      listener = given;
      open();
    },
    request<Name extends RegistrarRequestName>(
      name: Name,
      ask: RegistrarRequests[Name]['ask'],
      options?: { readonly signal?: AbortSignal },
    ) {
      return new Promise<RegistrarRequests[Name]['answer']>((resolve, reject) => {
        const made = connection;
        if (made === undefined) return reject(noRegistrar());
        const { signal } = options ?? {};
        const settle = (run: () => void): void => {
          signal?.removeEventListener('abort', onAbort);
          made.pending.delete(onLost);
          run();
        };
        const onLost = (error: MeshError): void => settle(() => reject(error));
        const onAbort = (): void =>
          settle(() =>
            reject(signal?.reason instanceof MeshError ? signal.reason : new MeshError('aborted', 'Cancelled.')),
          );
        if (signal?.aborted === true) return onAbort();
        signal?.addEventListener('abort', onAbort, { once: true });
        made.pending.add(onLost);
        parts.onRequest?.(name, ask);
        const answered = (answer: Answer<RegistrarRequests[Name]['answer']>): void => {
          const copy = structuredClone(answer);
          toClient(made, `answer to ${name}`, () =>
            settle(() => ('error' in copy ? reject(MeshError.fromWire(copy.error)) : resolve(copy.ok))),
          );
        };
        sendUp(made, name, structuredClone(ask), answered);
      });
    },
    note(name, payload) {
      const made = connection;
      const copy = structuredClone(payload);
      made?.up.send(0, () => {
        if (!made.isOverThere) made.server.deliver(`${name} of ${process.name}`, () => made.session?.note(name, copy));
      });
    },
    async close() {
      isClosed = true;
      if (connection !== undefined) endHere(connection, 'closed');
    },
  };

  function sendUp<Name extends RegistrarRequestName>(
    made: Connection,
    name: Name,
    ask: unknown,
    answered: (answer: Answer<RegistrarRequests[Name]['answer']>) => void,
  ): void {
    made.up.send(0, () => {
      if (made.isOverThere) return;
      made.server.deliver(`${name} of ${process.name}`, () => {
        if (made.session !== undefined) void made.session.request(name, ask).then(answered);
      });
    });
  }
}

function noRegistrar(): MeshError {
  return new MeshError('no-registrar', 'The server is away; it is tried again by itself.');
}
