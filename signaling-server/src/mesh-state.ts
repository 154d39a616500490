// What the registrar knows of one mesh: the table as it works on it, the table as it is on disk, the
// roster, and who is connected. The one rule it holds: members hear of a table only once it is on disk.

import {
  encodeRows,
  encodeSlotSet,
  MeshError,
  must,
  parseMeshId,
  randomHex,
  toMeshError,
  type Clock,
  type Configuration,
  type Copy,
  type Deferred,
  type EncodedTable,
  type IceServer,
  type Incarnation,
  type Logger,
  type MemberKind,
  type Moving,
  type PeerId,
  type Random,
  type RegistrarEventName,
  type RegistrarEvents,
  type RosterEntry,
  type Slot,
} from '@shoal/shared';
import type { Waiting } from './adopting.ts';
import { createGroupCommit } from './group-commit.ts';
import type { RegistrarClient, TableStore } from './registrar-api.ts';
import { hasStrict, rosterDifference, withDropped, withoutConnection, withoutUnnamed, type Roster } from './roster.ts';
import { decodeTableFile, encodeTableFile } from './table-file.ts';
import { changedRows, createTable, namedIn, newlyDropped, withNextTerm, withRows, type Table } from './table.ts';

/** Between tries to write a table that could not be written. */
const WRITE_AGAIN_MS = 1_000;
/** A strict member that is away for less costs no third copies. */
const STRICT_MISSED_MS = 60_000;

export interface MeshContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tables: TableStore;
  readonly slotCount: number;
  readonly iceServers: readonly IceServer[];
  readonly wishMs: number;
  readonly wishQuietMs: number;
  readonly tabGivenUpMs: number;
  /** auto: 2 if a member whose disk survives a loss of power is in the mesh, or was a minute ago, else 3. */
  readonly replicas: Replicas;
}

/** Copies that each slot should have. */
export type Replicas = number | 'auto';

/** A connected, admitted member. */
export interface Seat {
  readonly id: PeerId;
  readonly incarnation: Incarnation;
  readonly kind: MemberKind;
  readonly client: RegistrarClient;
  /** Resolved when its connection has ended. */
  readonly gone: Deferred<void>;
}

export class MeshState {
  readonly name: string;
  readonly context: MeshContext;
  readonly seats = new Map<PeerId, Seat>();
  /** Since when members are away, by the monotonic clock. */
  readonly awaySinceMs = new Map<PeerId, number>();
  /** When connected processes began, by the monotonic clock. */
  readonly beganMs = new Map<PeerId, { readonly incarnation: Incarnation; readonly atMs: number }>();
  /** Processes that are gone: they said goodbye, or nobody hears them. */
  readonly departed = new Map<PeerId, Incarnation>();
  /** Members that proved who they are while nothing may change. */
  readonly waiting = new Map<PeerId, Waiting>();
  /** Why nothing may change: the table is older than what a member knows. */
  frozen: MeshError | undefined;
  #moving: Moving | undefined;
  #table: Table;
  #durable: Table;
  #roster: Roster;
  #written: { readonly table: Table; readonly roster: Roster } | undefined;
  #stopRetry: (() => void) | undefined;
  /** When the last strict member went. */
  #strictGoneMs: number | undefined;
  readonly #commit = createGroupCommit(() => this.#write());

  constructor(name: string, context: MeshContext, loaded: { table: Table; roster: Roster }) {
    this.name = name;
    this.context = context;
    this.#table = loaded.table;
    this.#durable = loaded.table;
    this.#roster = loaded.roster;
    for (const id of loaded.roster.keys()) this.awaySinceMs.set(id, context.clock.monotonicMs());
  }

  /** The table with changes that may not be on disk yet: what the next change is based on. */
  get table(): Table {
    return this.#table;
  }

  /** The table that members may hear of. */
  get durable(): Table {
    return this.#durable;
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** Whether there is a file of it. */
  get isFounded(): boolean {
    return this.#written !== undefined;
  }

  /** Copies that each slot should have, as the mesh is now. */
  get replicas(): number {
    const { replicas } = this.context;
    if (replicas !== 'auto') return replicas;
    return hasStrict(this.#roster) || this.replicasRiseInMs !== undefined ? 2 : 3;
  }

  /** Until the last strict member has been missed for long enough. */
  get replicasRiseInMs(): number | undefined {
    const { replicas, clock } = this.context;
    if (replicas !== 'auto' || this.#strictGoneMs === undefined) return undefined;
    const leftMs = this.#strictGoneMs + STRICT_MISSED_MS - clock.monotonicMs();
    return leftMs > 0 ? leftMs : undefined;
  }

  change(rows: readonly Configuration[]): void {
    if (rows.length === 0) return;
    const dropped = newlyDropped(this.#table, rows);
    this.#table = withRows(this.#table, rows);
    this.setRoster(withDropped(this.#roster, dropped, this.context.clock.wallMs()));
    const isAnyAway = [...this.#roster.values()].some(({ entry }) => entry.state === 'away');
    if (!isAnyAway) return;
    this.setRoster(withoutUnnamed(this.#roster, namedIn(this.#table)));
    for (const known of [this.awaySinceMs, this.beganMs, this.departed])
      for (const id of known.keys()) if (!this.#roster.has(id)) known.delete(id);
  }

  /** Slots that the wish would have otherwise. */
  get moving(): Moving['slots'] {
    return this.#moving?.slots ?? encodeSlotSet([], this.#table.slotCount);
  }

  setMoving(wished: Iterable<Slot>): void {
    const { replicas, moving } = this;
    const slots = encodeSlotSet(wished, this.#table.slotCount);
    if (this.#moving?.replicas === replicas && slots.every((byte, index) => byte === moving[index])) return;
    this.#moving = { replicas, slots };
    this.broadcast('moving', this.#moving);
  }

  /** A table made of what members reported; what could not change may change again. */
  adopt(table: Table, named: readonly RosterEntry[]): void {
    this.#table = table;
    this.frozen = undefined;
    const nowMs = this.context.clock.monotonicMs();
    for (const { id } of named) this.awaySinceMs.set(id, nowMs);
    const roster = new Map(this.#roster);
    for (const entry of named) roster.set(entry.id, { entry, retired: [] });
    this.setRoster(roster);
  }

  /** A copy's process: here · gone, for certain · away: nobody knows yet. */
  presenceOf({ member, incarnation }: Copy): 'here' | 'gone' | 'away' {
    const seat = this.seats.get(member);
    if (seat !== undefined) return seat.incarnation === incarnation ? 'here' : 'gone';
    const newest = this.#roster.get(member)?.entry.incarnation;
    const isReplaced = newest !== undefined && newest !== incarnation;
    return isReplaced || this.departed.get(member) === incarnation ? 'gone' : 'away';
  }

  /** Everything up to now is on disk, and announced, when this resolves. Rejects with `storage`. */
  commit(): Promise<void> {
    return this.#commit.commit();
  }

  setRoster(roster: Roster): void {
    const difference = rosterDifference(this.#roster, roster);
    if (hasStrict(roster)) this.#strictGoneMs = undefined;
    else if (hasStrict(this.#roster)) this.#strictGoneMs = this.context.clock.monotonicMs();
    this.#roster = roster;
    if (difference !== undefined) this.broadcast('roster', difference);
  }

  broadcast<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void {
    for (const seat of this.seats.values()) seat.client.send(name, payload);
  }

  /** Ends a seat: its member is away if the table names it. Harmless if another seat took its place. */
  leave(seat: Seat): void {
    seat.gone.resolve();
    if (this.seats.get(seat.id) !== seat) return;
    this.seats.delete(seat.id);
    const { clock } = this.context;
    const isNamed = namedIn(this.#table).has(seat.id);
    if (isNamed) this.awaySinceMs.set(seat.id, clock.monotonicMs());
    this.setRoster(withoutConnection(this.#roster, seat.id, { isNamed, nowMs: clock.wallMs() }));
  }

  encodeWhole(): EncodedTable {
    const { term, epoch, rows } = this.#durable;
    return { term, epoch, rows: encodeRows(rows) };
  }

  /** The copy that a connected incarnation would be, or why there is none. */
  copyOf(member: PeerId, incarnation: Incarnation): Copy | 'away' | 'incarnation' {
    const seat = this.seats.get(member);
    const entry = this.#roster.get(member)?.entry;
    if (seat === undefined || entry === undefined || seat.kind === 'command') return 'away';
    if (seat.incarnation !== incarnation) return 'incarnation';
    return { member, incarnation, durability: entry.durability };
  }

  close(): void {
    this.#stopRetry?.();
    for (const seat of [...this.seats.values()]) seat.client.close();
  }

  async #write(): Promise<void> {
    const table = this.#table;
    const roster = this.#roster;
    if (this.#written?.table === table && this.#written.roster === roster) return;
    try {
      await this.context.tables.write(this.name, encodeTableFile({ table, roster }));
    } catch (error) {
      this.context.logger.error('tableNotWritten', { mesh: this.name, error: toMeshError(error).message });
      this.#retryLater();
      throw new MeshError('storage', `The server could not write the table of mesh ${this.name} to its disk.`, {
        cause: error,
      });
    }
    this.#written = { table, roster };
    const before = this.#durable;
    this.#durable = table;
    if (before.epoch === table.epoch) return;
    const rows = encodeRows(changedRows(before, table));
    this.broadcast('delta', { after: before.epoch, term: table.term, epoch: table.epoch, rows });
  }

  /** What could not be written may have been promised to nobody, but members wait for it. */
  #retryLater(): void {
    this.#stopRetry ??= this.context.clock.setTimer(() => {
      this.#stopRetry = undefined;
      // A failure is logged, and tried again, by the write itself.
      this.commit().catch(() => undefined);
    }, WRITE_AGAIN_MS);
  }
}

/** A mesh as its file has it, in a new term that is on disk; one without a file is made, in memory. */
export async function loadMesh(name: string, context: MeshContext): Promise<{ state: MeshState; isNew: boolean }> {
  const bytes = await context.tables.read(name);
  if (bytes === undefined) {
    const meshId = must(parseMeshId(randomHex(context.random, 16)), 'mesh id');
    const table = createTable(meshId, context.slotCount);
    return { state: new MeshState(name, context, { table, roster: new Map() }), isNew: true };
  }
  const file = decodeTableFile(name, bytes);
  const table = withNextTerm(file.table);
  const named = namedIn(table);
  const away = [...file.roster.values()].filter(({ entry }) => named.has(entry.id));
  const roster: Roster = new Map(
    away.map((record) => [record.entry.id, { ...record, entry: { ...record.entry, state: 'away' as const } }]),
  );
  const state = new MeshState(name, context, { table, roster });
  await state.commit();
  return { state, isNew: false };
}
