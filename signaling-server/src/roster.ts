// Who is in a mesh, as a value: members that are connected, and members that are away and still hold
// slots. Pure; the registrar keeps one roster for each mesh and announces the difference of two.

import type { Incarnation, PeerId, RosterChange, RosterEntry, Update } from '@shoal/shared';

/** Replaced incarnations of a member that are remembered: one that comes back is refused. */
const RETIRED_KEPT = 16;

export interface MemberRecord {
  readonly entry: RosterEntry;
  readonly retired: readonly Incarnation[];
  /** Mesh time at which its incarnation first came in: of two copies the longer-lived one stays. */
  readonly sinceMs?: number;
  /** Mesh time at which it was last dropped from a slot: how old what it has of that one is, at most. */
  readonly droppedAtMs?: number;
}

export type Roster = ReadonlyMap<PeerId, MemberRecord>;

/** The roster with a member's newest incarnation in it. */
export function withMember(roster: Roster, entry: RosterEntry): Roster {
  const before = roster.get(entry.id);
  const retired = before?.retired ?? [];
  const isNew = before !== undefined && before.entry.incarnation !== entry.incarnation;
  const record: MemberRecord = {
    ...before,
    entry,
    retired: isNew ? [...retired, before.entry.incarnation].slice(-RETIRED_KEPT) : retired,
    sinceMs: isNew ? entry.seenAtMs : (before?.sinceMs ?? entry.seenAtMs),
  };
  return new Map(roster).set(entry.id, record);
}

/** The roster with what a connected member says of itself. */
export function withUpdate(roster: Roster, id: PeerId, update: Update): Roster {
  const record = roster.get(id);
  if (record === undefined) return roster;
  const { entry } = record;
  const { paused, leaving, name, workers, freeBytes } = update;
  const isLeaving = leaving ?? entry.state === 'leaving';
  const isPaused = paused ?? entry.state === 'paused';
  const changed: RosterEntry = {
    ...entry,
    name: name ?? entry.name,
    workers: workers ?? entry.workers,
    freeBytes: freeBytes ?? entry.freeBytes,
    state: isLeaving ? 'leaving' : isPaused ? 'paused' : 'here',
  };
  return new Map(roster).set(id, { ...record, entry: changed });
}

/** The roster without a member's connection: away if the table still names it, gone otherwise. */
export function withoutConnection(roster: Roster, id: PeerId, after: { isNamed: boolean; nowMs: number }): Roster {
  const record = roster.get(id);
  if (record === undefined) return roster;
  const next = new Map(roster);
  if (after.isNamed) next.set(id, { ...record, entry: { ...record.entry, state: 'away', seenAtMs: after.nowMs } });
  else next.delete(id);
  return next;
}

export function withoutMember(roster: Roster, id: PeerId): Roster {
  const next = new Map(roster);
  next.delete(id);
  return next;
}

/** Whether a member is in it, or named by the table, whose disk survives a loss of power. */
export function hasStrict(roster: Roster): boolean {
  return [...roster.values()].some(
    ({ entry: { kind, durability, ephemeral, weight } }) =>
      kind !== 'command' && durability === 'strict' && !ephemeral && weight > 0,
  );
}

/** What to announce, or `undefined` when nothing differs. */
export function rosterDifference(before: Roster, after: Roster): RosterChange | undefined {
  const changed = [...after.values()]
    .filter(({ entry }) => before.get(entry.id)?.entry !== entry)
    .map(({ entry }) => entry);
  const gone = [...before.keys()].filter((id) => !after.has(id));
  return changed.length + gone.length === 0 ? undefined : { changed, gone };
}

export function rosterEntries(roster: Roster): readonly RosterEntry[] {
  return [...roster.values()].map(({ entry }) => entry);
}

/** Members that a person may mean: by id, by the beginning of an id, or by name. */
export function membersNamed(roster: Roster, text: string): readonly RosterEntry[] {
  const entries = rosterEntries(roster).filter(({ kind }) => kind !== 'command');
  const exact = entries.filter(({ id }) => id === text);
  if (exact.length > 0) return exact;
  const named = entries.filter(({ name }) => name === text);
  if (named.length > 0) return named;
  return /^[0-9a-f]{4,}$/.test(text) ? entries.filter(({ id }) => id.startsWith(text)) : [];
}

/** The roster without members that are away and of which the table says nothing any more. */
export function withoutUnnamed(roster: Roster, named: ReadonlySet<PeerId>): Roster {
  const kept = [...roster].filter(([id, { entry }]) => entry.state !== 'away' || named.has(id));
  return kept.length === roster.size ? roster : new Map(kept);
}

/** The roster with the time at which these members were dropped from a slot. */
export function withDropped(roster: Roster, dropped: ReadonlySet<PeerId>, nowMs: number): Roster {
  if (dropped.size === 0) return roster;
  return new Map([...roster].map(([id, record]) => [id, dropped.has(id) ? { ...record, droppedAtMs: nowMs } : record]));
}
