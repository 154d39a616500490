// Where slots should be, as the schedule says it: told to their owners in the registrar's name.

import type { PeerId } from '@shoal/shared';
import type { SimRegistrar } from '../sim-registrar.ts';
import type { Door } from './door.ts';

export interface Wishes {
  /** Names, owner first; for every slot if none is given. */
  wish(copies: readonly string[], slot?: number): void;
  /** Tells everybody again. */
  publish(): void;
}

export function createWishes(parts: {
  readonly registrar: SimRegistrar;
  readonly doors: ReadonlyMap<string, Door>;
  readonly replicas: number;
  readonly nameOf: (member: PeerId) => string;
  readonly idOf: (name: string) => PeerId | undefined;
}): Wishes {
  const { registrar, doors, replicas, nameOf, idOf } = parts;
  const wished = new Map<number, readonly string[]>();
  const publish = (): void => {
    for (const [name, door] of doors) {
      const slots = registrar.rows().flatMap(({ slot, owner }) => {
        const copies = (wished.get(slot) ?? []).flatMap((each) => idOf(each) ?? []);
        return nameOf(owner) === name && copies.length > 0 ? [{ slot, copies }] : [];
      });
      door.wish({ replicas, slots });
    }
  };
  return {
    wish(copies, slot) {
      for (const row of registrar.rows()) if (slot === undefined || row.slot === slot) wished.set(row.slot, copies);
      publish();
    },
    publish,
  };
}
