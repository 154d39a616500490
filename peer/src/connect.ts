// The events between the parts of a running member: what is heard of the registrar and of the links, and
// who is told.

import { toMeshError } from '@shoal/shared';
import type { PeerParts, Start } from './assemble.ts';
import { noteBelonging } from './belonging.ts';
import type { Hearing } from './mesh/hearing.ts';
import type { MeshLinks } from './mesh/mesh.ts';
import type { Router } from './router/router.ts';
import type { RangeStore } from './store/range-store.ts';
import type { UserMesh } from './user-mesh.ts';

interface Connected {
  readonly links: MeshLinks;
  readonly store: RangeStore;
  readonly hearing: Hearing;
  readonly user: UserMesh;
}

export function connectRegistration(start: Start, parts: Connected & Pick<PeerParts, 'stop'>): readonly (() => void)[] {
  const { registration } = start;
  const { links, store, hearing, user } = parts;
  const noteTable = createNoteTable(start);
  return [
    registration.on('heard', hearing.heard),
    registration.on('joined', () => {
      hearing.reconnected();
      store.poke();
      admit(start, links);
      user.changed();
    }),
    registration.on('rowsChanged', ({ rows }) => {
      store.applyRows(rows);
      user.rowsChanged(rows);
      noteTable();
    }),
    registration.on('rosterChanged', (change) => {
      admit(start, links);
      user.rosterChanged(change);
    }),
    links.on('linkClosed', ({ member }) => {
      if (registration.member(member)?.state === 'away') admit(start, links);
    }),
    registration.on('wishChanged', store.setWish),
    registration.on('movingChanged', user.changed),
    registration.on('handOverWanted', ({ slot, to }) => store.giveTo(slot, to)),
    registration.on('stateChanged', user.changed),
    registration.on('hearsAsked', ({ question, members }) =>
      registration.answerHears(
        question,
        members.filter((member) => links.unheardFromMs(member) < HEARD_MS),
      ),
    ),
    registration.on('stopped', (error) => void parts.stop(error)),
  ];
}

/** The highest table obeyed is noted now and then, unsynced: it shows an old file of the registrar's, and guards nothing. */
const NOTE_TABLE_MS = 2_000;

function createNoteTable({ deps, config, registration }: Start): () => void {
  let waiting = false;
  return () => {
    if (waiting || config.kind === 'command') return;
    waiting = true;
    deps.clock.setTimer(() => {
      waiting = false;
      noteBelonging(deps.storage, config.mesh, registration).catch((error: unknown) => {
        deps.logger.debug('tableNotNoted', { code: toMeshError(error).code });
      });
    }, NOTE_TABLE_MS);
  };
}

/** REPLICATION, section 3: `hears` names those heard within 4 s. */
const HEARD_MS = 4_000;

export function connectLinks(parts: Connected & { readonly router: Router }): readonly (() => void)[] {
  const { links, router, store, hearing, user } = parts;
  return [
    links.on('linkOpened', ({ member, incarnation }) => {
      hearing.heard();
      store.linkOpened(member, incarnation);
      user.changed();
    }),
    links.on('linkClosed', ({ member, reason }) => {
      router.linkClosed(member, reason);
      user.changed();
    }),
    links.on('frameReceived', ({ from, incarnation, frame }) => {
      hearing.heard();
      router.receive(from, incarnation, frame);
    }),
    links.on('goodbyeReceived', ({ from, incarnation }) => store.goodbye(from, incarnation)),
    links.on('linkChanged', () => {
      user.changed();
    }),
    links.on('heard', hearing.heard),
  ];
}

/**
 * Everybody in the roster may link to us; a command itself dials only whom it needs, and nobody dials it. Who lost
 * only the registrar keeps the links that it has.
 */
export function admit({ registration, config, self }: Start, links: MeshLinks): void {
  const others = registration.roster().filter(({ id, state }) => id !== self && (state !== 'away' || links.isOpen(id)));
  links.admit(others);
  links.want(config.kind === 'command' ? [] : others.filter((entry) => entry.kind !== 'command'));
}
