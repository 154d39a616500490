// Who is in the mesh, as the registrar last said.

import type { PeerId, RosterEntry } from '@shoal/shared';

export interface RosterViewChange {
  /** New processes, of new or known members. */
  readonly joined: readonly RosterEntry[];
  readonly left: readonly RosterEntry[];
}

export interface RosterView {
  member(id: PeerId): RosterEntry | undefined;
  all(): readonly RosterEntry[];
  replace(entries: readonly RosterEntry[]): void;
  change(changed: readonly RosterEntry[], gone: readonly PeerId[]): void;
}

export function createRosterView(onChange: (change: RosterViewChange) => void): RosterView {
  const entries = new Map<PeerId, RosterEntry>();

  function change(changed: readonly RosterEntry[], gone: readonly PeerId[]): void {
    const left = gone.flatMap((id) => entries.get(id) ?? []);
    for (const id of gone) entries.delete(id);
    const joined = changed.filter(
      (entry) => entries.get(entry.id)?.incarnation !== entry.incarnation && entry.state !== 'away',
    );
    for (const entry of changed) entries.set(entry.id, entry);
    onChange({ joined, left });
  }

  return {
    member: (id) => entries.get(id),
    all: () => [...entries.values()],
    replace: (all) => {
      const ids = new Set(all.map(({ id }) => id));
      change(
        all,
        [...entries.keys()].filter((id) => !ids.has(id)),
      );
    },
    change,
  };
}
