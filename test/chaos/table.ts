// The registrar's table, from its file: who owns which slot, and whether all slots are whole.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Configuration, type Key, slotOfKey } from '@shoal/shared';
import { decodeTableFile, type TableFile } from '../../signaling-server/src/table-file.ts';

export type { TableFile };

const MESH = 'main';

/** `folder`: the data folder of `shoal serve`. */
export async function readTable(folder: string): Promise<TableFile> {
  return decodeTableFile(MESH, new Uint8Array(await readFile(join(folder, 'registrar', `${MESH}.table`))));
}

/** A copy counts if its process is there: the member's newest, and not stopped. `isUp` takes a member's id. */
export function livingCopies({ roster }: TableFile, row: Configuration, isUp: (id: string) => boolean): number {
  return row.copies.filter(
    ({ member, incarnation }) => isUp(member) && roster.get(member)?.entry.incarnation === incarnation,
  ).length;
}

/** Slots that lack a living copy of `replicas`, or whose row is about to change. */
export function slotsNotWhole(file: TableFile, replicas: number, isUp: (id: string) => boolean): number {
  return file.table.rows.filter(
    (row) => !row.settled || row.dropped.length > 0 || livingCopies(file, row, isUp) < replicas,
  ).length;
}

/** For each slot a text that lies in it as the tag of a key. */
export function tagsOfSlots(slotCount: number): readonly string[] {
  const tags: string[] = [];
  for (let number = 0, found = 0; found < slotCount; number += 1) {
    const slot = slotOfKey(`{${number}}` as Key, slotCount);
    if (tags[slot] !== undefined) continue;
    tags[slot] = `{${number}}`;
    found += 1;
  }
  return tags;
}
