// The table of a mesh as a value: which configuration each slot has, and what changed between two states.
// Pure: whoever holds a table writes it to disk first and announces it then. Rows that did not change stay the same objects, so two states differ by reference.

import {
  compareTableEpochs,
  type Configuration,
  type Copy,
  type MeshId,
  type PeerId,
  type Slot,
  type TableEpoch,
  type TableSnapshot,
} from '@shoal/shared';

/** Starts of terms that are kept: more restarts than anybody sleeps through. */
const TERMS_KEPT = 64;

export interface Table extends TableSnapshot {
  /** Each term with the table epoch at which it began: shows which (term, epoch) this history contains. */
  readonly terms: readonly TableEpoch[];
}

/** A mesh that nobody has joined. */
export function createTable(meshId: MeshId, slotCount: number): Table {
  return { meshId, slotCount, term: 1, epoch: 0, rows: [], terms: [{ term: 1, epoch: 0 }] };
}

/** The table as a registrar's next start has it. */
export function withNextTerm(table: Table): Table {
  const term = table.term + 1;
  return { ...table, term, terms: [...table.terms, { term, epoch: table.epoch }].slice(-TERMS_KEPT) };
}

/** Whether `known` was never a state of this table: then the table is older than what a member obeyed. */
export function isBehind(table: Table, known: TableEpoch): boolean {
  const following = table.terms.find(({ term }) => term > known.term);
  // A table restored from a copy starts a higher term too, so the term alone proves nothing.
  if (following !== undefined) return known.epoch > following.epoch;
  return compareTableEpochs(known, table) > 0;
}

/** The table with these rows in place of those of the same slots: one change, one epoch. */
export function withRows(table: Table, changed: readonly Configuration[]): Table {
  if (changed.length === 0) return table;
  const rows = [...table.rows];
  for (const row of changed) rows[row.slot] = row;
  return { ...table, epoch: table.epoch + 1, rows };
}

/** Rows of `after` that `before` has not, or has otherwise. */
export function changedRows(before: Table, after: Table): readonly Configuration[] {
  return after.rows.filter((row) => before.rows[row.slot] !== row);
}

/** A new mesh: its first member owns every slot, and there is nothing to load. */
export function firstRows(slotCount: number, copy: Copy): readonly Configuration[] {
  return Array.from({ length: slotCount }, (_, index) => {
    // An index below the slot count is a slot by definition.
    const slot = index as Slot;
    return { slot, epoch: 1, owner: copy.member, copies: [copy], dropped: [], settled: true, emptyBefore: 1 };
  });
}

/** A slot that is declared empty, on the member that takes it. */
export function emptyRow(row: Configuration, copy: Copy): Configuration {
  const epoch = row.epoch + 1;
  return { ...row, epoch, owner: copy.member, copies: [copy], dropped: [], settled: true, emptyBefore: epoch };
}

/** A row without a member whose storage will not come back: `only` if nobody else has a copy, `older` if others have. */
export function rowWithout(row: Configuration, member: PeerId): Configuration | 'only' | 'older' {
  const copies = row.copies.filter((copy) => copy.member !== member);
  const dropped = row.dropped.filter((copy) => copy.member !== member);
  const [first] = copies;
  if (first === undefined) return dropped.length === 0 ? 'only' : 'older';
  if (copies.length === row.copies.length && dropped.length === row.dropped.length) return row;
  if (copies.length === row.copies.length) return { ...row, epoch: row.epoch + 1, dropped };
  const heir = copies.find(({ durability }) => durability === 'strict') ?? first;
  const owner = row.owner === member ? heir.member : row.owner;
  return { ...row, epoch: row.epoch + 1, owner, copies, dropped };
}

/** Members that the change of a row has just dropped. */
export function newlyDropped(before: Table, rows: readonly Configuration[]): ReadonlySet<PeerId> {
  const members = new Set<PeerId>();
  for (const row of rows) {
    const known = before.rows[row.slot]?.dropped ?? [];
    for (const { member } of row.dropped) if (!known.some((copy) => copy.member === member)) members.add(member);
  }
  return members;
}

/** Members of which a slot's row says something: as copies, or as dropped ones. */
export function namedIn(table: Table): ReadonlySet<PeerId> {
  const named = new Set<PeerId>();
  for (const { copies, dropped } of table.rows) {
    for (const { member } of copies) named.add(member);
    for (const { member } of dropped) named.add(member);
  }
  return named;
}
