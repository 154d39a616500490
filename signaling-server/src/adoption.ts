// The table that is made of what members report, after the registrar's file was lost or is an old copy
// (REPLICATION, rule 2). Pure. All numbers lie far above any reported: those of a missing member stay below.

import type { Configuration, Copy, MeshId, PeerId, Slot, TableEpoch } from '@shoal/shared';
import { namedIn, type Table } from './table.ts';

const AHEAD = 1_000;

export interface MemberReport {
  readonly name: string;
  readonly meshId: MeshId | undefined;
  /** The copy that it is now. */
  readonly copy: Copy;
  readonly known: TableEpoch | undefined;
  /** As the registrar last sent them to this process. */
  readonly rows: readonly Configuration[];
  /** The highest version on its storage. */
  readonly versions: ReadonlyMap<Slot, { readonly epoch: number; readonly counter: number }>;
}

export function adoptTable(own: Table, reports: readonly MemberReport[], meshId: MeshId): Table {
  const known = reports.flatMap((report) => report.known ?? []);
  const term = Math.max(own.term, ...known.map((each) => each.term)) + AHEAD;
  const epoch = Math.max(own.epoch, ...known.map((each) => each.epoch)) + AHEAD;
  const newest = new Map<Slot, Configuration>();
  for (const row of [own.rows, ...reports.map(({ rows }) => rows)].flat()) {
    if ((newest.get(row.slot)?.epoch ?? 0) < row.epoch) newest.set(row.slot, row);
  }
  const highest = Math.max(-1, ...newest.keys());
  const slotCount = own.rows.length > 0 || highest < 0 ? own.slotCount : highest + 1;
  const rows = Array.from({ length: slotCount }, (_, index) => {
    // An index below the slot count is a slot by definition.
    const slot = index as Slot;
    const row = newest.get(slot);
    const written = highestEpoch(slot, reports);
    return row === undefined || row.epoch < written ? rowOfHolders(slot, reports, row) : rowOfLast(row, reports);
  }).filter((row) => row !== undefined);
  return { meshId, slotCount, term, epoch, rows, terms: [{ term, epoch }] };
}

/** Members that the table names and that have not reported. */
export function missingOf(table: Table, reports: readonly MemberReport[]): readonly PeerId[] {
  const here = new Set(reports.map(({ copy }) => copy.member));
  return [...namedIn(table)].filter((member) => !here.has(member));
}

/** How many slots have no copy among those who reported. */
export function countLost(table: Table, reports: readonly MemberReport[]): number {
  const here = new Set(reports.map(({ copy }) => copy.member));
  return table.rows.filter(({ copies }) => copies.every(({ member }) => !here.has(member))).length;
}

/** Processes that never ended have all that was acknowledged; without one the slot waits to be revived. */
function rowOfLast(row: Configuration, reports: readonly MemberReport[]): Configuration {
  const epoch = epochOf(row.slot, reports, row.epoch);
  const lives = (copy: Copy): boolean => reports.some((report) => report.copy.incarnation === copy.incarnation);
  const copies = row.copies.filter(lives);
  const [first] = copies;
  if (!row.settled || first === undefined) return { ...row, epoch };
  const heir = copies.find(({ durability }) => durability === 'strict') ?? first;
  const owner = copies.some(({ member }) => member === row.owner) ? row.owner : heir.member;
  const dropped = [...row.dropped, ...row.copies.filter((copy) => !lives(copy))];
  return { ...row, epoch, owner, copies, dropped, settled: false };
}

/** The last configuration is not known: it is settled among all who hold something of its highest epoch, or begins empty. */
function rowOfHolders(
  slot: Slot,
  reports: readonly MemberReport[],
  known: Configuration | undefined,
): Configuration | undefined {
  const written = highestEpoch(slot, reports);
  const holders = reports
    .filter(({ versions }) => versions.get(slot)?.epoch === written)
    .sort((a, b) => (b.versions.get(slot)?.counter ?? 0) - (a.versions.get(slot)?.counter ?? 0));
  const copies = (holders.length > 0 ? holders : reports.slice(0, 1)).map(({ copy }) => copy);
  const [first] = copies;
  if (first === undefined) return undefined;
  const older = [...(known?.dropped ?? []), ...(known?.copies ?? [])];
  const dropped = older.filter(({ member }) => copies.every((copy) => copy.member !== member));
  const epoch = epochOf(slot, reports, known?.epoch ?? 0);
  const emptyBefore = known?.emptyBefore ?? 0;
  return { slot, epoch, owner: first.member, copies, dropped, settled: false, emptyBefore };
}

function epochOf(slot: Slot, reports: readonly MemberReport[], least: number): number {
  return Math.max(least, highestEpoch(slot, reports)) + AHEAD;
}

/** Of what is on the storages of those who reported. */
function highestEpoch(slot: Slot, reports: readonly MemberReport[]): number {
  return Math.max(0, ...reports.map(({ versions }) => versions.get(slot)?.epoch ?? 0));
}
