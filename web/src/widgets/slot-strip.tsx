// The hash space in one line, cut by owner: whose share is how long.

import { Bar } from './bar.tsx';

export interface SlotShare {
  readonly name: string;
  readonly hue: number;
  readonly slots: number;
}

export function SlotStrip({
  shares,
  slotCount,
}: {
  readonly shares: readonly SlotShare[];
  readonly slotCount: number;
}) {
  const label = `Slots by owner: ${shares.map(({ name, slots }) => `${name} ${slots}`).join(', ')}`;
  const parts = shares.map(({ name, hue, slots }) => ({
    label: `${name}: ${slots} of ${slotCount} slots`,
    hue,
    share: slotCount === 0 ? 0 : slots / slotCount,
  }));
  return <Bar parts={parts} label={label} />;
}
