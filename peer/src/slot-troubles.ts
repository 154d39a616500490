// What is wrong with the slots of a mesh, in a few lines: those that are equally unsafe for the same reason
// are one trouble. `shoal status` and the page say it with the same words.

import type { PeerId, Slot } from '@shoal/shared';
import type { SlotView, Waiting } from './api-status.ts';

export interface Trouble extends Waiting {
  readonly health: 'lost' | 'degraded';
  /** Ascending. */
  readonly slots: readonly Slot[];
}

/** Lost ones first, then those with most slots. */
export function troublesOf(slots: readonly SlotView[]): readonly Trouble[] {
  const troubles = new Map<string, Trouble & { readonly slots: Slot[] }>();
  for (const { slot, health, waitsFor } of slots) {
    if (health === 'whole' || health === 'moving') continue;
    const name = [health, waitsFor.needs, ...waitsFor.members.toSorted()].join();
    const known = troubles.get(name);
    if (known === undefined) troubles.set(name, { health, ...waitsFor, slots: [slot] });
    else known.slots.push(slot);
  }
  return [...troubles.values()].sort(
    (a, b) => Number(b.health === 'lost') - Number(a.health === 'lost') || b.slots.length - a.slots.length,
  );
}

/** Whom it waits for, and what to do. */
export function reasonOf(
  { health, members, needs }: Omit<Trouble, 'slots'>,
  nameOf: (member: PeerId) => string,
): string {
  const names = members.map(nameOf).join(needs === 'one' ? ' or ' : ' and ');
  if (health === 'degraded') return members.length === 0 ? 'waits for another member' : `without ${names}`;
  if (members.length === 0) return 'is made ready on a disk that is back';
  return `waits for ${names}: start ${members.length > 1 && needs === 'all' ? 'them' : 'it'}, or see \`shoal recover\` and \`shoal forget\``;
}
