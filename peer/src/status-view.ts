// What `status()` shows, made when it is asked for; changes are told at most ten times a second.

import type { PeerId, RosterEntry, StopTimer } from '@shoal/shared';
import type { MemberView, MeshStatus, SlotView } from './api.ts';
import type { PeerParts } from './assemble.ts';
import { countHealth, healthViewOf, slotView } from './slot-health.ts';

export interface StatusView {
  read(): MeshStatus;
  slots(): readonly SlotView[];
  memberView(entry: RosterEntry): MemberView;
  /** Slots of which this member is a copy: when it leaves they go to others. */
  heldSlots(): number;
  changed(): void;
  setLeaving(leaving: boolean): void;
  close(): void;
}

interface SlotCounts {
  readonly slots: number;
  readonly copies: number;
}

const NO_SLOTS: SlotCounts = { slots: 0, copies: 0 };
const TICK_MS = 100;

export function createStatusView(parts: PeerParts): StatusView {
  const { registration, links, store, self, config, deps, events } = parts;
  let isLeaving = false;
  let stopTimer: StopTimer | undefined;

  function slotCounts(): ReadonlyMap<PeerId, SlotCounts> {
    const counts = new Map<PeerId, { slots: number; copies: number }>();
    for (const { owner, copies } of registration.rows()) {
      for (const { member } of copies) {
        let of = counts.get(member);
        if (of === undefined) counts.set(member, (of = { slots: 0, copies: 0 }));
        of.copies += 1;
        if (member === owner) of.slots += 1;
      }
    }
    return counts;
  }

  function view(entry: RosterEntry, { slots, copies }: SlotCounts): MemberView {
    const { id, incarnation, name, kind, state, durability, ephemeral, weight, domain, workers } = entry;
    const link = links.views().find((candidate) => candidate.member === id);
    const said = { id, incarnation, name, kind, state, durability, ephemeral, weight, domain, workers };
    return { ...said, self: id === self, slots, copies, link };
  }

  function read(): MeshStatus {
    const counts = slotCounts();
    const { slotCount, replicas } = registration.standing;
    return {
      mesh: config.mesh,
      self,
      term: registration.table.term,
      epoch: registration.table.epoch,
      slots: slotCount,
      replicas,
      health: countHealth(registration.rows(), healthViewOf(registration, links)),
      registrar: registration.state,
      members: registration
        .roster()
        .filter((entry) => entry.kind !== 'command' || entry.id === self)
        .map((entry) => view(entry, counts.get(entry.id) ?? NO_SLOTS)),
      store: store.view(),
      leaving: isLeaving ? { slotsLeft: counts.get(self)?.copies ?? 0 } : undefined,
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
    slots: () => {
      const safety = healthViewOf(registration, links);
      return registration.rows().map((row) => slotView(row, safety));
    },
    memberView: (entry) => view(entry, slotCounts().get(entry.id) ?? NO_SLOTS),
    heldSlots: () => slotCounts().get(self)?.copies ?? 0,
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
