// `adopt`: the operator's word that a new table is made of what the members know. All who are connected, or
// wait to be let in, stop serving and report; who is missing is shown before anything is written.

import {
  decodeRows,
  limits,
  MeshError,
  shortId,
  sleep,
  type Adopt,
  type Adopted,
  type Join,
  type MeshId,
  type PeerId,
  type Report,
  type RosterEntry,
} from '@shoal/shared';
import { adoptTable, missingOf, type MemberReport } from './adoption.ts';
import { entryOf } from './joining.ts';
import type { MeshState } from './mesh-state.ts';
import type { RegistrarClient } from './registrar-api.ts';
import { reviveNow } from './reviving.ts';
import { namedIn, type Table } from './table.ts';

/** A member whose join was refused because nothing changes in its mesh. */
export interface Waiting {
  readonly id: PeerId;
  readonly ask: Join;
  readonly client: RegistrarClient;
}

export class Adopting {
  readonly #state: MeshState;
  readonly #stop = new AbortController();
  #number = 0;
  #reports = new Map<PeerId, MemberReport>();

  constructor(state: MeshState) {
    this.#state = state;
  }

  async adopt({ write }: Adopt): Promise<Adopted> {
    const state = this.#state;
    if (state.frozen === undefined) {
      throw new MeshError(
        'bad-argument',
        `The table of mesh ${state.name} is the newest that anybody knows: there is nothing to adopt.`,
      );
    }
    this.#number += 1;
    this.#reports = new Map();
    const clients = [
      ...[...state.seats.values()].map(({ client }) => client),
      ...[...state.waiting.values()].map(({ client }) => client),
    ];
    for (const client of clients) client.send('report-all', { number: this.#number });
    // As long as leases last that were given before.
    await sleep(state.context.clock, limits.graceMs, this.#stop.signal);
    const reports = [...this.#reports.values()];
    if (reports.length === 0)
      throw new MeshError('no-member', 'No member has reported: start the members of the mesh first.');
    const table = adoptTable(state.table, reports, meshIdOf(state, reports));
    if (write && state.frozen !== undefined) {
      state.adopt(table, namedEntries(state, table));
      reviveNow(state);
      await state.commit();
    }
    return { reported: reports.map(({ copy }) => copy.member), missing: missingOf(table, reports), written: write };
  }

  report(client: RegistrarClient, report: Report): void {
    if (report.number !== this.#number) return;
    const state = this.#state;
    const seat = [...state.seats.values()].find((each) => each.client === client);
    const waiting = [...state.waiting.values()].find((each) => each.client === client);
    const entry = seat === undefined ? undefined : state.roster.get(seat.id)?.entry;
    const member = waiting?.id ?? seat?.id;
    const { incarnation, durability } = waiting?.ask ?? entry ?? {};
    if (member === undefined || incarnation === undefined || durability === undefined) {
      throw new MeshError('forbidden', 'This connection has not proved an identity.');
    }
    const rows = report.table === undefined ? [] : decodeRows(report.table.rows);
    if (rows === undefined) throw new MeshError('bad-frame', 'The rows of a report are none.');
    this.#reports.set(member, {
      meshId: waiting?.ask.meshId ?? (seat === undefined ? undefined : state.table.meshId),
      copy: { member, incarnation, durability },
      known: report.table ?? waiting?.ask.known,
      rows,
      versions: new Map(report.versions.map(([slot, epoch, counter]) => [slot, { epoch, counter }])),
    });
  }

  close(): void {
    this.#stop.abort(new MeshError('closed', 'The server is closing.'));
  }
}

function meshIdOf(state: MeshState, reports: readonly MemberReport[]): MeshId {
  const ids = new Set(reports.flatMap(({ meshId }) => meshId ?? []));
  if (ids.size > 1)
    throw new MeshError(
      'wrong-mesh',
      `The members that reported belong to ${ids.size} meshes: end those of the others first.`,
    );
  const [id] = ids;
  return id ?? state.table.meshId;
}

/** Roster entries of members that the table names and the roster has not, so that they can be forgotten. */
function namedEntries(state: MeshState, table: Table): readonly RosterEntry[] {
  const unknown = [...namedIn(table)].filter((id) => !state.roster.has(id));
  return unknown.flatMap((id): readonly RosterEntry[] => {
    const waiting = state.waiting.get(id);
    if (waiting !== undefined) return [{ ...entryOf(state, id, waiting.ask), state: 'away' }];
    const copy = table.rows
      .flatMap(({ copies, dropped }) => [...copies, ...dropped])
      .find(({ member }) => member === id);
    if (copy === undefined) return [];
    const { incarnation, durability } = copy;
    const nothing = { ephemeral: false, workers: 0, weight: 0, freeBytes: 0, domain: '', publicKey: '0'.repeat(64) };
    const seenAtMs = state.context.clock.wallMs();
    return [{ ...nothing, id, incarnation, durability, kind: 'node', name: shortId(id), state: 'away', seenAtMs }];
  });
}
