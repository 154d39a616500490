// Who owes an answer owes it from when the line has taken the question: on a slow one, or behind a large
// value, that may be long after it was sent, and proves nothing against who is asked.

import { limits, type PeerId } from '@shoal/shared';
import type { StoreContext } from './store-context.ts';

/** Where what was just queued to that member ends. What a receiver took it tells some fragments later. */
export function markOf({ deps }: StoreContext, to: PeerId): number {
  const line = deps.line(to);
  return line === undefined ? 0 : line.takenBytes + line.waitingBytes - limits.fragmentBytes;
}

/** Whether the line has yet to carry what ended there. */
export function isOnTheWay({ deps }: StoreContext, to: PeerId, mark: number): boolean {
  return (deps.line(to)?.takenBytes ?? Infinity) < mark;
}
