// Moments at which a fault can do more than at most others: somebody has just proposed a change, or a
// changed row is on the registrar's disk and nobody knows it yet.

import type { Configuration, PeerId } from '@shoal/shared';
import type { SimMember } from './sim-member.ts';

export type Moment = 'proposal' | 'row';

export interface Moments {
  /** Told once, the next time, who is concerned: the one who proposed, or will own, first. */
  next(moment: Moment, tell: (concerned: readonly SimMember[]) => void): void;
  proposed(name: string, ask: unknown): void;
  rowsStored(rows: readonly Configuration[]): void;
}

export function createMoments(members: readonly SimMember[]): Moments {
  const waiting: { readonly moment: Moment; readonly tell: (concerned: readonly SimMember[]) => void }[] = [];

  const tellOne = (moment: Moment, concerned: readonly SimMember[]): void => {
    const index = waiting.findIndex((each) => each.moment === moment);
    if (index >= 0) waiting.splice(index, 1)[0]?.tell(concerned);
  };

  const withId = (ids: ReadonlySet<unknown>): readonly SimMember[] => members.filter(({ id }) => ids.has(id));

  return {
    next: (moment, tell) => waiting.push({ moment, tell }),
    proposed(name, ask) {
      const named = new Set<unknown>();
      // Whatever it names: members are recognised by their ids.
      JSON.stringify(ask, (_, value: unknown) => {
        named.add(value);
        return value;
      });
      const proposer = members.filter((member) => member.name === name);
      tellOne('proposal', [...proposer, ...withId(named).filter((member) => member.name !== name)]);
    },
    rowsStored(rows) {
      for (const { owner, copies, dropped } of rows.slice(0, 1)) {
        const others: ReadonlySet<PeerId> = new Set([...copies, ...dropped].map(({ member }) => member));
        tellOne('row', [...withId(new Set([owner])), ...withId(others).filter(({ id }) => id !== owner)]);
      }
    },
  };
}
