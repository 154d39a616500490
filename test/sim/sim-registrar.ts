// The real registrar as a process that can be frozen and killed, over a table file whose writes take time:
// one that is killed meanwhile leaves the old file or the new one. It can be started on an old copy of its
// file, or without it, as operators do; the right file waits until it is put back.

import { limits, type Configuration, type Logger, type TableEpoch } from '@shoal/shared';
import { createRegistrar, type Registrar, type TableStore } from '@shoal/signaling-server';
import { decodeTableFile } from '../../signaling-server/src/table-file.ts';
import { createProcess, type SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export type TableKind = 'newest' | 'old' | 'none';

export interface SimRegistrar {
  /** Undefined while it is down. */
  readonly running: { readonly process: SimProcess; readonly registrar: Registrar } | undefined;
  start(table: TableKind): void;
  kill(): void;
  /** Rows of the newest file. */
  rows(): readonly Configuration[];
  /** The number of the newest file's table. */
  readonly newest: TableEpoch;
  /** Whether an older copy of the file is there. */
  readonly hasOldCopy: boolean;
}

export interface SimRegistrarOptions {
  readonly world: World;
  readonly slotCount: number;
  readonly replicas: number;
  readonly logger: Logger;
  /** A table is on disk: rows that it has otherwise than the one before. */
  onRows(rows: readonly Configuration[]): void;
  /** A registrar without the newest file changed a row of what it has. */
  onWrongChange(kind: TableKind): void;
}

export const MESH = 'main';
/** Copies of the file that an operator may have kept. */
const COPIES_KEPT = 50;

interface Files {
  newest: Uint8Array | undefined;
  readonly copies: Uint8Array[];
}

export function createSimRegistrar(options: SimRegistrarOptions): SimRegistrar {
  const { world, slotCount, replicas, logger } = options;
  const draw = world.random('registrar');
  const files: Files = { newest: undefined, copies: [] };
  let rows: readonly Configuration[] = [];
  let newest: TableEpoch = { term: 0, epoch: 0 };
  let running: SimRegistrar['running'];
  let starts = 0;

  const onStored = (bytes: Uint8Array): void => {
    if (files.newest !== undefined) files.copies.push(files.newest);
    if (files.copies.length > COPIES_KEPT) files.copies.shift();
    files.newest = bytes;
    const before = rows;
    ({ rows, ...newest } = decodeTableFile(MESH, bytes).table);
    const changed = rows.filter((row) => JSON.stringify(row) !== JSON.stringify(before[row.slot]));
    if (changed.length > 0) options.onRows(changed);
  };

  const storeOf = (process: SimProcess, kind: TableKind): TableStore => {
    // What a registrar on a wrong file writes is thrown away when the right one is put back.
    let wrong = kind === 'old' ? oldCopy() : undefined;
    return {
      read: async () => (kind === 'newest' ? files.newest : wrong),
      write: (_mesh, bytes) => {
        const stored = bytes.slice();
        const put = (): void => {
          if (kind === 'newest') return onStored(stored);
          if (hasOtherRows(wrong, stored)) options.onWrongChange(kind);
          wrong = stored;
        };
        return writeSlowly({ world, process, put, delayMs: draw.between(0.2, 15), isKept: () => draw.chance(0.5) });
      },
    };
  };

  /** One that lacks a change of the table. */
  const oldCopy = (): Uint8Array | undefined => {
    const old = oldCopies();
    return old[draw.whole(0, old.length - 1)];
  };
  const oldCopies = (): readonly Uint8Array[] =>
    files.copies.filter((copy) => files.newest !== undefined && epochOf(copy) < epochOf(files.newest));

  return {
    get running() {
      return running;
    },
    get hasOldCopy() {
      return oldCopies().length > 0;
    },
    start(kind) {
      if (running !== undefined) return;
      starts += 1;
      const process = createProcess(world, {
        name: `registrar.${starts}`,
        rate: draw.between(0.95, 1.05),
      });
      const registrar = createRegistrar({
        clock: process.clock,
        random: world.random(process.name),
        logger,
        tables: storeOf(process, kind),
        slotCount,
        replicas,
        wishMs: 200,
        wishQuietMs: starts === 1 ? 0 : 1_000,
        tabGivenUpMs: limits.tabGivenUpMs,
      });
      running = { process, registrar };
    },
    kill() {
      running?.process.kill();
      running = undefined;
    },
    rows: () => rows,
    get newest() {
      return newest;
    },
  };
}

function epochOf(file: Uint8Array): number {
  return decodeTableFile(MESH, file).table.epoch;
}

function hasOtherRows(before: Uint8Array | undefined, after: Uint8Array): boolean {
  const rowsOf = (file: Uint8Array | undefined): readonly Configuration[] =>
    file === undefined ? [] : decodeTableFile(MESH, file).table.rows;
  return JSON.stringify(rowsOf(before)) !== JSON.stringify(rowsOf(after));
}

interface SlowWrite {
  readonly world: World;
  readonly process: SimProcess;
  readonly delayMs: number;
  put(): void;
  /** Whether a write survives that its process did not see the end of. */
  isKept(): boolean;
}

function writeSlowly({ world, process, put, delayMs, isKept }: SlowWrite): Promise<void> {
  return new Promise((resolve) => {
    if (process.state === 'dead') return;
    const landsMs = delayMs / 2;
    world.after(landsMs, () => {
      if (process.state !== 'dead' || isKept()) put();
      world.after(delayMs - landsMs, () => process.deliver('table on disk', resolve));
    });
  });
}
