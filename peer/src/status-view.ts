// What `status()` shows, made when it is asked for; changes are told at most ten times a second.

import type { PeerId, RosterEntry, StopTimer } from '@shoal/shared';
import type { MemberView, MeshStatus } from './api.ts';
import type { PeerParts } from './assemble.ts';

export interface StatusView {
  read(): MeshStatus;
  memberView(entry: RosterEntry): MemberView;
  /** Slots of which this member is a copy: when it leaves they go to others. */
  heldSlots(): number;
  changed(): void;
  setLeaving(leaving: boolean): void;
  close(): void;
}

const TICK_MS = 100;

export function createStatusView(parts: PeerParts): StatusView {
  const { registration, links, store, self, config, deps, events } = parts;
  let isLeaving = false;
  let stopTimer: StopTimer | undefined;

  function slotCounts(): ReadonlyMap<PeerId, number> {
    const counts = new Map<PeerId, number>();
    for (const { owner } of registration.rows()) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return counts;
  }

  function view(entry: RosterEntry, slots: number): MemberView {
    const { id, incarnation, name, kind, state, durability, workers } = entry;
    const link = links.views().find((candidate) => candidate.member === id);
    return { id, incarnation, name, kind, state, durability, workers, self: id === self, slots, link };
  }

  function read(): MeshStatus {
    const counts = slotCounts();
    return {
      mesh: config.mesh,
      self,
      term: registration.table.term,
      epoch: registration.table.epoch,
      slots: registration.standing.slotCount,
      registrar: registration.state,
      members: registration
        .roster()
        .filter((entry) => entry.kind !== 'command' || entry.id === self)
        .map((entry) => view(entry, counts.get(entry.id) ?? 0)),
      store: store.view(),
      leaving: isLeaving ? { slotsLeft: counts.get(self) ?? 0 } : undefined,
    };
  }

  const changed = (): void => {
    stopTimer ??= deps.clock.setTimer(() => {
      stopTimer = undefined;
      events.emit('changed', read());
    }, TICK_MS);
  };

  return {
    read,
    memberView: (entry) => view(entry, slotCounts().get(entry.id) ?? 0),
    heldSlots: () => registration.rows().filter(({ copies }) => copies.some(({ member }) => member === self)).length,
    changed,
    setLeaving: (leaving) => {
      isLeaving = leaving;
      changed();
    },
    close: () => {
      stopTimer?.();
      stopTimer = undefined;
    },
  };
}
