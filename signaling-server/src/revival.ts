// Slots all of whose copies are gone: which may be served again by the disks that are back, when, and by
// whom (REPLICATION, rule 28). Pure. With one copy of each slot: at once when its member is back.

import { limits, type Configuration, type Copy, type PeerId } from '@shoal/shared';
import type { Table } from './table.ts';

export interface RevivalView {
  readonly nowMs: number;
  presenceOf(copy: Copy): 'here' | 'gone' | 'away';
  /** The copy that a connected member would be now, and when its process began. */
  back(member: PeerId): { readonly copy: Copy; readonly beganMs: number } | undefined;
}

export interface RevivalPlan {
  readonly rows: readonly Configuration[];
  /** Copies that hold up a revival while nobody knows whether their processes are gone. */
  readonly doubtful: readonly Copy[];
  /** When to look again, if nothing happens before. */
  readonly againMs: number | undefined;
}

type Verdict =
  | { readonly kind: 'not' }
  | { readonly kind: 'now'; readonly row: Configuration }
  | { readonly kind: 'doubt'; readonly copies: readonly Copy[] }
  | { readonly kind: 'later'; readonly atMs: number };

export function planRevival(table: Table, view: RevivalView): RevivalPlan {
  const rows: Configuration[] = [];
  const doubtful = new Map<string, Copy>();
  let againMs: number | undefined;
  for (const row of table.rows) {
    const verdict = judge(row, view);
    if (verdict.kind === 'now') rows.push(verdict.row);
    else if (verdict.kind === 'later') againMs = Math.min(againMs ?? Infinity, verdict.atMs);
    else if (verdict.kind === 'doubt') for (const copy of verdict.copies) doubtful.set(copy.incarnation, copy);
  }
  return { rows, doubtful: [...doubtful.values()], againMs };
}

function judge(row: Configuration, view: RevivalView): Verdict {
  const presences = row.copies.map((copy) => view.presenceOf(copy));
  // A revived configuration answers nobody before it is settled, so one that lost a copy is begun anew.
  const isOver = row.settled
    ? presences.every((presence) => presence !== 'here')
    : presences.some((presence) => presence !== 'here');
  if (!isOver) return { kind: 'not' };
  const revived = reviveOn(row, view);
  if (revived === undefined) return { kind: 'not' };
  const away = row.copies.filter((_, index) => presences[index] === 'away');
  if (row.settled ? away.length > 0 : !presences.includes('gone')) return { kind: 'doubt', copies: away };
  const began = row.copies.map(({ member }) => view.back(member)?.beganMs);
  const known = began.filter((ms) => ms !== undefined);
  if (known.length === began.length || known.length === 0) return { kind: 'now', row: revived };
  // An owner that lives unheard has lost the lease of whoever began four seconds ago.
  const atMs = Math.min(...known) + limits.graceMs;
  return atMs <= view.nowMs ? { kind: 'now', row: revived } : { kind: 'later', atMs };
}

/** The row on the disks that are back, or `undefined` while one is missed that may alone have what was acknowledged. */
function reviveOn(row: Configuration, view: RevivalView): Configuration | undefined {
  const copies: Copy[] = [];
  const missing: Copy[] = [];
  for (const copy of row.copies) {
    const now = view.back(copy.member)?.copy;
    if (now === undefined) missing.push(copy);
    else copies.push(copy.durability === 'relaxed' ? { ...now, durability: 'relaxed' } : now);
  }
  let { dropped } = row;
  if (!copies.some(({ durability }) => durability === 'strict')) {
    if (missing.length > 0) return undefined;
    for (const { member } of dropped) {
      const now = view.back(member)?.copy;
      if (now === undefined) return undefined;
      // Strict as it may be, it has not got what was written after it was dropped.
      copies.push({ ...now, durability: 'relaxed' });
    }
    dropped = [];
  }
  const first = copies[0];
  if (first === undefined) return undefined;
  const strict = copies.find(({ durability }) => durability === 'strict');
  const owner = copies.some(({ member }) => member === row.owner) ? row.owner : (strict ?? first).member;
  return { ...row, epoch: row.epoch + 1, owner, copies, dropped: [...dropped, ...missing], settled: false };
}
