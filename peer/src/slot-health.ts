// How safe a slot is, as a member can tell: from the registrar's row, who is here, and what the registrar
// wishes to move. Pure. Which disks a lost slot needs is REPLICATION, rule 28.

import { isInSlotSet, type Configuration, type Copy, type Incarnation, type PeerId } from '@shoal/shared';
import type { MeshLinks } from './mesh/mesh.ts';
import type { Registration } from './mesh/registration.ts';
import type { SlotHealth, SlotView, Waiting } from './api-status.ts';

export interface HealthView {
  /** Copies that a slot should have. */
  readonly replicas: number;
  /** Processes that are here. */
  readonly living: ReadonlySet<Incarnation>;
  /** Members of which some process is here. */
  readonly here: ReadonlySet<PeerId>;
  /** Slots that should be elsewhere, as `encodeSlotSet` gives them. */
  readonly moving: Uint8Array;
}

/** As this member sees it: one that only the registrar does not hear is here. */
export function healthViewOf(
  { roster, standing }: Pick<Registration, 'roster' | 'standing'>,
  links: Pick<MeshLinks, 'isOpen'>,
): HealthView {
  const living = new Set<Incarnation>();
  const here = new Set<PeerId>();
  for (const { id, incarnation, state } of roster()) {
    if (state === 'away' && !links.isOpen(id)) continue;
    living.add(incarnation);
    here.add(id);
  }
  return { replicas: standing.replicas, moving: standing.moving, living, here };
}

export function healthOf({ slot, copies, settled }: Configuration, view: HealthView): SlotHealth {
  let present = 0;
  for (const { incarnation } of copies) if (view.living.has(incarnation)) present += 1;
  if (present === 0 || (!settled && present < copies.length)) return 'lost';
  if (present < view.replicas) return 'degraded';
  return !settled || isInSlotSet(view.moving, slot) ? 'moving' : 'whole';
}

/** Whose return a slot waits for; nobody's if all that it needs is back, or is yet to be found. */
export function waitingOf(row: Configuration, view: HealthView): Waiting {
  const { copies, dropped } = row;
  const isBack = ({ member }: Copy): boolean => view.here.has(member);
  if (healthOf(row, view) !== 'lost') {
    const away = [...copies, ...dropped].filter(({ incarnation }) => !view.living.has(incarnation));
    return { members: away.filter((copy) => !isBack(copy)).map(({ member }) => member), needs: 'all' };
  }
  const strict = copies.filter(({ durability }) => durability === 'strict');
  if (strict.length > 0)
    return { members: strict.some(isBack) ? [] : strict.map(({ member }) => member), needs: 'one' };
  const missing = [...copies, ...dropped].filter((copy) => !isBack(copy));
  return { members: missing.map(({ member }) => member), needs: 'all' };
}

export function slotView(row: Configuration, view: HealthView): SlotView {
  const { slot, epoch, owner, copies } = row;
  const health = healthOf(row, view);
  const members = copies.map(({ member }) => member);
  return {
    slot,
    epoch,
    owner,
    copies: members,
    health,
    waitsFor: health === 'whole' || health === 'moving' ? NOBODY : waitingOf(row, view),
  };
}

const NOBODY: Waiting = { members: [], needs: 'all' };

export function countHealth(rows: readonly Configuration[], view: HealthView): Readonly<Record<SlotHealth, number>> {
  const counts = { whole: 0, degraded: 0, moving: 0, lost: 0 };
  for (const row of rows) counts[healthOf(row, view)] += 1;
  return counts;
}
