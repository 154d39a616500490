// The slots of a mesh in a few lines: how many are how safe, and whom those wait for that are not.

import type { SlotHealth, SlotView, Waiting } from '@shoal/peer';
import { formatSpans, type PeerId, type Slot, spansOf } from '@shoal/shared';

/** Slots that are equally unsafe for the same reason. */
export interface Trouble extends Waiting {
  readonly health: 'lost' | 'degraded';
  readonly slots: readonly Slot[];
}

/** A mesh of 4,096 slots whose owners are drawn by lot has a thousand spans. */
const SPANS_SHOWN = 12;

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
  const weight = ({ health, slots: of }: Trouble): number => (health === 'lost' ? 1e6 : 0) + of.length;
  return [...troubles.values()].sort((a, b) => weight(b) - weight(a));
}

export function formatHealth(health: Readonly<Record<SlotHealth, number>>): string {
  const { whole, degraded, moving, lost } = health;
  return `${whole} whole, ${degraded} degraded, ${moving} moving, ${lost} lost`;
}

/** Such as `lost: slots 3, 9-12 wait for ada or ben; …`. */
export function formatTrouble(trouble: Trouble, nameOf: (member: PeerId) => string): string {
  const { health, slots } = trouble;
  const spans = spansOf(slots);
  const rest = spans.length - SPANS_SHOWN;
  const shown = `${formatSpans(spans.slice(0, SPANS_SHOWN))}${rest > 0 ? ` and ${rest} more spans (--slots)` : ''}`;
  return `${health}: ${slots.length === 1 ? 'slot' : `${slots.length} slots,`} ${shown}: ${reasonOf(trouble, nameOf)}`;
}

function reasonOf({ health, members, needs }: Trouble, nameOf: (member: PeerId) => string): string {
  const names = members.map(nameOf).join(needs === 'one' ? ' or ' : ' and ');
  if (health === 'degraded') return members.length === 0 ? 'waits for another member' : `without ${names}`;
  if (members.length === 0) return 'is being served again from a disk that is back';
  return `waits for ${names}; start ${members.length > 1 && needs === 'all' ? 'them' : 'it'}, or see recover and forget`;
}
