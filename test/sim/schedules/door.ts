// The registrar as one member meets it: the real one, with what passes between the two held where a
// schedule says so. Wishes are the schedule's own: only so does it say when copies are made and moved.

import type { RegistrarEventName, RegistrarEvents, RegistrarRequestName, Wish } from '@shoal/shared';
import type { Registrar, RegistrarClient, RegistrarSession } from '@shoal/signaling-server';
import type { SimRegistrar } from '../sim-registrar.ts';
import type { Holds } from './holds.ts';

export interface Door {
  /** For this member's connection. */
  readonly registrar: SimRegistrar;
  wish(wish: Wish): void;
  /** In its name, as no process of ours would ask. */
  request(name: RegistrarRequestName, ask: unknown): Promise<unknown>;
}

const REGISTRAR = 'registrar';

export function createDoor(registrar: SimRegistrar, holds: Holds, name: string): Door {
  let client: RegistrarClient | undefined;
  let session: RegistrarSession | undefined;

  const clientOf = (inner: RegistrarClient): RegistrarClient => ({
    send<Name extends RegistrarEventName>(kind: Name, payload: RegistrarEvents[Name]): void {
      if (kind === 'wish') return;
      holds.pass({ from: REGISTRAR, to: name, kind, content: payload }, () => inner.send(kind, payload));
    },
    close: () => inner.close(),
  });

  const sessionOf = (inner: RegistrarSession): RegistrarSession => ({
    request: (kind, payload) =>
      new Promise((resolve) => {
        holds.pass({ from: name, to: REGISTRAR, kind, content: payload }, () => {
          void inner.request(kind, payload).then((answer) => {
            holds.pass({ from: REGISTRAR, to: name, kind: `${kind} answered`, content: answer }, () => resolve(answer));
          });
        });
      }),
    note(kind, payload) {
      holds.pass({ from: name, to: REGISTRAR, kind, content: payload }, () => inner.note(kind, payload));
    },
    disconnected: () => inner.disconnected(),
  });

  const registrarOf = (inner: Registrar): Registrar => ({
    async connect(mesh, given) {
      const made = await inner.connect(mesh, clientOf(given));
      client = given;
      session = made;
      return sessionOf(made);
    },
    status: () => inner.status(),
    close: () => inner.close(),
  });

  return {
    registrar: {
      get running() {
        const { running } = registrar;
        return running && { process: running.process, registrar: registrarOf(running.registrar) };
      },
      start: (table) => registrar.start(table),
      kill: () => registrar.kill(),
      rows: () => registrar.rows(),
      get newest() {
        return registrar.newest;
      },
      get hasOldCopy() {
        return registrar.hasOldCopy;
      },
    },
    wish: (wish) => client?.send('wish', wish),
    request: async (kind, ask) => session?.request(kind, ask),
  };
}
