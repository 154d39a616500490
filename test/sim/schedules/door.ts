// The registrar as one member meets it: the real one, with what passes between the two held where a
// schedule says so. Wishes are the schedule's own: only so does it say when copies are made and moved.

import type { RegistrarEventName, RegistrarEvents, Wish } from '@shoal/shared';
import type { Registrar, RegistrarClient, RegistrarSession } from '@shoal/signaling-server';
import type { SimRegistrar } from '../sim-registrar.ts';
import type { Holds } from './holds.ts';

export interface Door {
  /** For this member's connection. */
  readonly registrar: SimRegistrar;
  wish(wish: Wish): void;
}

const REGISTRAR = 'registrar';

export function createDoor(registrar: SimRegistrar, holds: Holds, name: string): Door {
  let client: RegistrarClient | undefined;

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
      const session = await inner.connect(mesh, clientOf(given));
      client = given;
      return sessionOf(session);
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
  };
}
