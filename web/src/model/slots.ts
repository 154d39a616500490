// The slots as the page draws them, made anew at most twice a second, and only when the table, the copies
// that are here or what moves has changed.

import { reasonOf, type SlotHealth, type SlotView, troublesOf } from '@shoal/peer';
import { type PeerId, shortId, type StopTimer } from '@shoal/shared';
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { formatCount, plural } from './format.ts';
import type { PagePorts } from './ports.ts';
import type { Session } from './session.ts';

export type Health = SlotHealth;

export interface Trouble {
  readonly isLost: boolean;
  readonly text: string;
}

export interface Slots {
  /** One for each slot, in order; none before this tab has joined. */
  readonly cells: ReadonlySignal<readonly SlotView[]>;
  /** How many slots are how safe. */
  readonly health: ReadonlySignal<Readonly<Record<SlotHealth, number>>>;
  /** A sentence for each kind of trouble, worst first. */
  readonly troubles: ReadonlySignal<readonly Trouble[]>;
  nameOf(member: PeerId): string;
}

const LEAST_MS = 500;
const NONE = { whole: 0, degraded: 0, moving: 0, lost: 0 };

export function createSlots(ports: PagePorts, { status, mesh }: Session): Slots {
  const cells = signal<readonly SlotView[]>([]);
  const health = signal<Readonly<Record<SlotHealth, number>>>(NONE);
  const troubles = signal<readonly Trouble[]>([]);
  let drawn = '';
  let stopTimer: StopTimer | undefined;

  const nameOf = (member: PeerId): string =>
    status.peek()?.members.find(({ id }) => id === member)?.name ?? shortId(member);

  const look = (): void => {
    stopTimer = undefined;
    const now = status.peek();
    const present = now?.members.map(({ id, state, incarnation, link }) =>
      [id, state === 'away', incarnation, link?.state === 'open'].join(),
    );
    const next =
      now === undefined ? '' : [now.term, now.epoch, JSON.stringify(now.health), ...(present ?? [])].join('|');
    if (next === drawn) return;
    drawn = next;
    cells.value = now === undefined ? [] : (mesh.peek()?.slots() ?? []);
    health.value = now?.health ?? NONE;
    troubles.value = troublesOf(cells.peek()).map((trouble) => ({
      isLost: trouble.health === 'lost',
      text: `${plural(trouble.slots.length, 'slot')} ${trouble.health}: ${reasonOf(trouble, nameOf)}.`,
    }));
  };

  effect(() => {
    if (status.value === undefined) {
      stopTimer?.();
      look();
    } else stopTimer ??= ports.clock.setTimer(look, drawn === '' ? 0 : LEAST_MS);
  });

  return { cells, health, troubles, nameOf };
}

/** Neighbouring slots with the same owner, copies and health. */
export function runAround(
  cells: readonly SlotView[],
  index: number,
): { readonly first: number; readonly last: number } {
  let first = index;
  let last = index;
  while (first > 0 && areAlike(cells[first - 1], cells[index])) first -= 1;
  while (last < cells.length - 1 && areAlike(cells[last + 1], cells[index])) last += 1;
  return { first, last };
}

/** Such as `Slots 12–14: ada; copies at ben; whole`. */
export function describeSlot(cells: readonly SlotView[], index: number, nameOf: (member: PeerId) => string): string {
  const cell = cells[index];
  if (cell === undefined) return '';
  const { first, last } = runAround(cells, index);
  const span = first === last ? `Slot ${formatCount(first)}` : `Slots ${formatCount(first)}–${formatCount(last)}`;
  const others = cell.copies.filter((member) => member !== cell.owner).map(nameOf);
  const copies = others.length === 0 ? 'no other copy' : `also at ${others.join(', ')}`;
  const { health, waitsFor } = cell;
  const why = health === 'lost' || health === 'degraded' ? `, ${reasonOf({ health, ...waitsFor }, nameOf)}` : '';
  return `${span}: ${nameOf(cell.owner)}; ${copies}; ${health}${why}`;
}

function areAlike(a: SlotView | undefined, b: SlotView | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const isSame = a.owner === b.owner && a.health === b.health && a.copies.length === b.copies.length;
  return isSame && a.copies.every((member) => b.copies.includes(member));
}
