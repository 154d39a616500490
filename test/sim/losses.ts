// What disks have lost, whole or the last moments, and whether another may lose something now: of every slot
// one copy at least keeps all that was acknowledged, else what is gone is outside the promise.

import type { Configuration, Incarnation } from '@shoal/shared';
import type { SimMember } from './sim-member.ts';

export interface Losses {
  mayLose(member: SimMember, what: 'disk' | 'tail'): boolean;
  /** Before its process ends. */
  lost(member: SimMember): void;
}

export function createLosses(rows: () => readonly Configuration[]): Losses {
  /** Processes whose disks have lost something while they ran. */
  const hit = new Set<Incarnation>();

  const keeps = ({ settled, copies, dropped }: Configuration, { id }: SimMember, what: 'disk' | 'tail'): boolean => {
    const isNamed = [...copies, ...dropped].some(({ member }) => member === id);
    // Nobody else has it: an operator gives it up.
    if (!isNamed || (what === 'disk' && copies.length === 1 && dropped.length === 0)) return true;
    return settled && copies.some(({ member, incarnation }) => member !== id && !hit.has(incarnation));
  };

  return {
    mayLose: (member, what) => rows().every((row) => keeps(row, member, what)),
    lost(member) {
      const present = member.run?.mesh?.status().members.find(({ self }) => self);
      if (present !== undefined) hit.add(present.incarnation);
      for (const { copies, dropped } of rows())
        for (const copy of [...copies, ...dropped]) if (copy.member === member.id) hit.add(copy.incarnation);
    },
  };
}
