// `adopt`: the operator's word that a new table is made of what the members know. All who are connected, or
// wait to be let in, stop serving and report; who is missing is shown before anything is written.

import {
  createDeferred,
  decodeRows,
  limits,
  MeshError,
  shortId,
  sleep,
  type Adopt,
  type Adopted,
  type Deferred,
  type Join,
  type MeshId,
  type PeerId,
  type Report,
  type RosterEntry,
} from '@shoal/shared';
import { adoptTable, countLost, missingOf, type MemberReport } from './adoption.ts';
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

/** Longer than a member takes to look through its storage; who has not reported by then counts as missing. */
const REPORT_WITHIN_MS = 20_000;

/** One question to all, with the answers so far. */
interface Round {
  readonly number: number;
  readonly asked: Set<RegistrarClient>;
  readonly reports: Map<PeerId, MemberReport>;
  readonly complete: Deferred<void>;
}

export class Adopting {
  readonly #state: MeshState;
  readonly #stop = new AbortController();
  #number = 0;
  #round: Round | undefined;

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
    if (this.#round !== undefined) throw new MeshError('busy', 'Another adopt is asking the members: wait for it.');
    try {
      const reports = await this.#ask(write);
      if (reports.length === 0)
        throw new MeshError('no-member', 'No member has reported: start the members of the mesh first.');
      const table = adoptTable(state.table, reports, meshIdOf(state, reports));
      const adopted = describe(state, table, reports);
      if (!write) return { ...adopted, written: false };
      state.adopt(table, namedEntries(state, table));
      reviveNow(state);
      await state.commit();
      return { ...adopted, written: true };
    } finally {
      this.#round = undefined;
    }
  }

  async #ask(stop: boolean): Promise<readonly MemberReport[]> {
    const { clock } = this.#state.context;
    this.#number += 1;
    const clients = membersOf(this.#state);
    const round: Round = {
      number: this.#number,
      asked: new Set(clients),
      reports: new Map(),
      complete: createDeferred<void>(),
    };
    this.#round = round;
    for (const client of clients) client.send('report-all', { number: round.number, stop });
    if (clients.length === 0) round.complete.resolve();
    const enough = new AbortController();
    const late = sleep(clock, REPORT_WITHIN_MS, AbortSignal.any([enough.signal, this.#stop.signal]));
    // As long as leases last that were given before.
    const quiet = stop ? sleep(clock, limits.graceMs, this.#stop.signal) : Promise.resolve();
    try {
      await Promise.race([Promise.all([round.complete.promise, quiet]), late]);
    } finally {
      late.catch(() => undefined);
      enough.abort();
    }
    return [...round.reports.values()];
  }

  /** A connection has ended: it reports nothing any more. */
  ended(client: RegistrarClient): void {
    this.#answered(client);
  }

  report(client: RegistrarClient, report: Report): void {
    const round = this.#round;
    if (report.number !== round?.number) return;
    const { id, ask, meshId } = reporterOf(this.#state, client);
    const rows = report.table === undefined ? [] : decodeRows(report.table.rows);
    if (rows === undefined) throw new MeshError('bad-frame', 'The rows of a report are none.');
    round.reports.set(id, {
      name: ask.name,
      meshId,
      copy: { member: id, incarnation: ask.incarnation, durability: ask.durability },
      known: report.table ?? ('known' in ask ? ask.known : undefined),
      rows,
      versions: new Map(report.versions.map(([slot, epoch, counter]) => [slot, { epoch, counter }])),
    });
    this.#answered(client);
  }

  #answered(client: RegistrarClient): void {
    const round = this.#round;
    if (round?.asked.delete(client) === true && round.asked.size === 0) round.complete.resolve();
  }

  close(): void {
    this.#stop.abort(new MeshError('closed', 'The server is closing.'));
  }
}

/** Commands know nothing that members don't. */
function membersOf({ seats, waiting }: MeshState): readonly RegistrarClient[] {
  const seated = [...seats.values()].filter(({ kind }) => kind !== 'command');
  return [...seated, ...waiting.values()].map(({ client }) => client);
}

interface Reporter {
  readonly id: PeerId;
  readonly ask: Join | RosterEntry;
  readonly meshId: MeshId | undefined;
}

/** Who proved its identity on that connection: let in, or waiting. */
function reporterOf({ seats, waiting, roster, table }: MeshState, client: RegistrarClient): Reporter {
  for (const { id, ask, client: its } of waiting.values()) if (its === client) return { id, ask, meshId: ask.meshId };
  for (const { id, client: its } of seats.values()) {
    const entry = its === client ? roster.get(id)?.entry : undefined;
    if (entry !== undefined) return { id, ask: entry, meshId: table.meshId };
  }
  throw new MeshError('forbidden', 'This connection has not proved an identity.');
}

function describe(state: MeshState, table: Table, reports: readonly MemberReport[]): Omit<Adopted, 'written'> {
  const nameOf = (id: PeerId): string => state.roster.get(id)?.entry.name ?? shortId(id);
  return {
    reported: reports.map(({ copy, name }) => ({ id: copy.member, name })),
    missing: missingOf(table, reports).map((id) => ({ id, name: nameOf(id) })),
    lost: countLost(table, reports),
  };
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
