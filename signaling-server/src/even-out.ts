// The last step of placement: copies move from members with more than their share to those with less, where
// choosing slot by slot left no room: directly, or through a third member.

import type { PeerId } from '@shoal/shared';
import type { Choice } from './copy-placement.ts';
import type { Candidate } from './copy-shares.ts';

export function evenOut(
  choices: readonly Choice[],
  room: Map<PeerId, number>,
  known: ReadonlyMap<PeerId, Candidate>,
): void {
  const members = [...known.values()];
  const roomOf = ({ id }: Candidate): number => room.get(id) ?? 0;
  for (const from of members) {
    for (const to of members) {
      while (roomOf(from) < 0 && roomOf(to) > 0) {
        if (!pass(choices, from, to) && !passThrough(choices, { from, to, members })) break;
        room.set(from.id, roomOf(from) + 1);
        room.set(to.id, roomOf(to) - 1);
      }
    }
  }
}

interface Passing {
  readonly from: Candidate;
  readonly to: Candidate;
  readonly members: readonly Candidate[];
}

function passThrough(choices: readonly Choice[], { from, to, members }: Passing): boolean {
  for (const third of members) {
    if (third === from || third === to) continue;
    const first = find(choices, from, third);
    if (first === undefined) continue;
    const second = find(choices, third, to);
    if (second === undefined || second === first) continue;
    replace(first, from, third);
    replace(second, third, to);
    return true;
  }
  return false;
}

function pass(choices: readonly Choice[], from: Candidate, to: Candidate): boolean {
  const choice = find(choices, from, to);
  if (choice === undefined) return false;
  replace(choice, from, to);
  return true;
}

/** A slot in which the one may take the other's place: first of those in which that one is no copy yet. */
function find(choices: readonly Choice[], from: Candidate, to: Candidate): Choice | undefined {
  let found: Choice | undefined;
  for (const choice of choices) {
    if (!mayReplace(choice, from, to)) continue;
    if (choice.row.copies.every(({ member }) => member !== from.id)) return choice;
    found ??= choice;
  }
  return found;
}

function mayReplace({ chosen }: Choice, from: Candidate, to: Candidate): boolean {
  if (chosen.indexOf(from) < 1 || chosen.includes(to)) return false;
  const others = chosen.filter((candidate) => candidate !== from);
  const isFree = (domain: string): boolean => others.every((other) => other.domain !== domain);
  if (isFree(from.domain) && !isFree(to.domain)) return false;
  return to.isStrict || !from.isStrict || others.some(({ isStrict }) => isStrict);
}

function replace({ chosen }: Choice, from: Candidate, to: Candidate): void {
  chosen[chosen.indexOf(from)] = to;
}
