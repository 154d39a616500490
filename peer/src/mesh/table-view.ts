// The registrar's table as this member last heard it, and apart from it the rows that other members sent
// with `moved`: those show where to ask next, and nothing else. Configurations are believed only from the
// registrar (REPLICATION, rules 9 and 10).

import {
  compareTableEpochs,
  type Configuration,
  decodeRows,
  type Delta,
  type EncodedTable,
  MeshError,
  type Slot,
  type TableEpoch,
} from '@shoal/shared';

export interface TableView {
  readonly epoch: TableEpoch;
  /** Whether a registrar's table has come in this process. */
  readonly isHere: boolean;
  /** A whole table, or the rows of an outcome or delta. Throws `bad-frame`. */
  apply(table: EncodedTable): void;
  applyRows(rows: readonly Configuration[]): void;
  /** `old`: nothing new in it. `gap`: something is missing before it. */
  place(delta: Delta): 'next' | 'old' | 'gap';
  /** A row from another member; true if it was newer than what is known. */
  hint(row: Configuration): boolean;
  /** The registrar's row. */
  row(slot: Slot): Configuration | undefined;
  rows(): readonly Configuration[];
  /** Where to ask: the registrar's row, or a newer one that a member sent. */
  route(slot: Slot): Configuration | undefined;
}

export function createTableView(
  known: TableEpoch | undefined,
  onRows: (rows: readonly Configuration[]) => void,
): TableView {
  const rows = new Map<Slot, Configuration>();
  const hints = new Map<Slot, Configuration>();
  let epoch: TableEpoch = known ?? { term: 0, epoch: 0 };
  let isHere = false;

  function applyRows(received: readonly Configuration[]): void {
    const changed = received.filter((row) => isNewer(row, rows.get(row.slot)));
    for (const row of changed) {
      rows.set(row.slot, row);
      hints.delete(row.slot);
    }
    if (changed.length > 0) onRows(changed);
  }

  const route = (slot: Slot): Configuration | undefined => hints.get(slot) ?? rows.get(slot);

  return {
    get epoch() {
      return epoch;
    },
    get isHere() {
      return isHere;
    },
    apply: (table) => {
      const decoded = decodeRows(table.rows);
      if (decoded === undefined) throw new MeshError('bad-frame', 'The registrar sent a table that is none.');
      if (!isHere || compareTableEpochs(table, epoch) >= 0) {
        epoch = { term: table.term, epoch: table.epoch };
        isHere = true;
      }
      applyRows(decoded);
    },
    applyRows,
    place: (delta) => {
      if (compareTableEpochs(delta, epoch) <= 0) return 'old';
      return delta.term === epoch.term && delta.after <= epoch.epoch ? 'next' : 'gap';
    },
    hint: (row) => {
      if (!isNewer(row, route(row.slot))) return false;
      hints.set(row.slot, row);
      return true;
    },
    row: (slot) => rows.get(slot),
    rows: () => [...rows.values()],
    route,
  };
}

/** By its slot's epoch; `settled` is the one thing that changes within an epoch. */
function isNewer(row: Configuration, known: Configuration | undefined): boolean {
  if (known === undefined) return true;
  if (row.epoch !== known.epoch) return row.epoch > known.epoch;
  return row.settled && !known.settled;
}
