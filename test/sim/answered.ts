// How much of the load was answered, of what could be: operations whose asker was cut off, stood still or
// was down meanwhile don't count, and none of a slot of which all copies were, or one and the registrar.

import type { Configuration } from '@shoal/shared';
import type { Operation } from './history.ts';
import type { SimMember } from './sim-member.ts';
import { machineOf } from './sim-process.ts';
import type { World } from './world.ts';

export interface Answered {
  rowsStored(rows: readonly Configuration[]): void;
  /** 0 to 1. */
  part(history: readonly Operation[]): number;
}

interface Holders {
  readonly machines: readonly string[];
  readonly fromMs: number;
}

export function createAnswered(
  { outages, nowMs }: World,
  { members, slotOf }: { readonly members: readonly SimMember[]; slotOf(key: string): number },
): Answered {
  /** Of each slot, oldest first. */
  const held = new Map<number, Holders[]>();

  const couldBe = ({ key, at, atMs, untilMs }: Operation): boolean => {
    const isOut = (machine: string): boolean => outages.during(machine, atMs, untilMs);
    if (isOut(machineOf(at))) return false;
    const holders = held.get(slotOf(key)) ?? [];
    const then = holders.filter(
      ({ fromMs }, index) => fromMs <= untilMs && (holders[index + 1]?.fromMs ?? Infinity) >= atMs,
    );
    const isHeadless = isOut('registrar');
    return !then.some(({ machines }) => machines.every(isOut) || (isHeadless && machines.some(isOut)));
  };

  return {
    rowsStored(rows) {
      for (const { slot, copies } of rows) {
        const isCopy = ({ id }: SimMember): boolean => copies.some(({ member }) => member === id);
        const machines = members.filter(isCopy).map(({ name }) => name);
        held.set(slot, [...(held.get(slot) ?? []), { machines, fromMs: nowMs() }]);
      }
    },
    part(history) {
      const asked = history.filter(couldBe);
      const answered = asked.filter(({ told }) => told.kind !== 'never' && told.kind !== 'maybe');
      return asked.length === 0 ? 1 : answered.length / asked.length;
    },
  };
}
