// Where the copies of each slot should be: owners as `placement` has them, and backups beside them. In this
// order: as many copies as are wanted, in different failure domains, one of them strict, each member by its
// weight, and as little moved as possible. Pure, like `placement`.

import type { Configuration, PeerId, Slot } from '@shoal/shared';
import { copyShares, type Candidate } from './copy-shares.ts';
import { drawOf, planMoves, type Taker } from './placement.ts';
import { evenOut } from './even-out.ts';

export interface CopyInput {
  readonly rows: readonly Configuration[];
  readonly replicas: number;
  /** Members that should own slots. */
  readonly takers: readonly Taker[];
  /** Members that may hold copies; those that should own are among them. */
  readonly candidates: readonly Candidate[];
  /** A copy whose member is away for the moment: it stays until its owner drops it. */
  waitingFor(member: PeerId): Candidate | undefined;
  isMovable(owner: PeerId): boolean;
  /** The wish before this one, of slots that were not as they should be. */
  readonly previous?: ReadonlyMap<Slot, readonly PeerId[]>;
}

/** A slot while its copies are chosen. */
export interface Choice {
  readonly row: Configuration;
  /** Owner first. */
  readonly chosen: Candidate[];
  readonly wanted: number;
}

/** What the choices are judged by. */
export interface Preferences {
  readonly domains: number;
  readonly hasStrict: boolean;
}

/** The copies of slots that should be otherwise than they are, owner first. */
export function planCopies(input: CopyInput): ReadonlyMap<Slot, readonly PeerId[]> {
  const { rows, takers, replicas, previous } = input;
  const lasting = input.candidates.filter(({ isEphemeral }) => !isEphemeral);
  const candidates = lasting.length < replicas ? input.candidates : lasting;
  const known = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const owners = new Map(
    planMoves({ rows, takers, isMovable: input.isMovable, previous: ownersOf(previous) }).map(({ slot, to }) => [
      slot,
      to,
    ]),
  );
  const choices = rows.flatMap((row): Choice[] => {
    const owner = known.get(owners.get(row.slot) ?? row.owner) ?? input.waitingFor(row.owner);
    if (owner === undefined || !input.isMovable(row.owner)) return [];
    const waiting = row.copies.filter(({ member }) => !known.has(member) && input.waitingFor(member) !== undefined);
    return [{ row, chosen: [owner], wanted: Math.min(replicas, candidates.length + waiting.length) }];
  });
  if (replicas > 1) chooseBackups(choices, { ...input, candidates, known });
  const wished = new Map<Slot, readonly PeerId[]>();
  for (const { row, chosen } of choices) {
    const ids = chosen.map(({ id }) => id);
    if (!isAsWished(row, ids)) wished.set(row.slot, ids);
  }
  return wished;
}

function isAsWished(row: Configuration, [owner, ...backups]: readonly PeerId[]): boolean {
  const copies = row.copies.map(({ member }) => member);
  return row.owner === owner && copies.length === backups.length + 1 && backups.every((id) => copies.includes(id));
}

interface ChoosingInput extends CopyInput {
  readonly known: ReadonlyMap<PeerId, Candidate>;
}

function chooseBackups(choices: readonly Choice[], input: ChoosingInput): void {
  const { candidates, known } = input;
  const preferences = {
    domains: new Set(candidates.map(({ domain }) => domain)).size,
    hasStrict: candidates.some(({ isStrict }) => isStrict),
  };
  keepPresent(choices, input, preferences);
  const held = countHeld(choices);
  const waiting = [...held].reduce((total, [id, count]) => total + (known.has(id) ? 0 : count), 0);
  const shares = copyShares({
    candidates,
    total: choices.reduce((total, { wanted }) => total + wanted, 0) - waiting,
    slots: choices.length,
    replicas: input.replicas,
    holds: (id) => held.get(id) ?? 0,
  });
  const room = new Map(candidates.map(({ id }) => [id, (shares.get(id) ?? 0) - (held.get(id) ?? 0)]));
  release(choices, room, input);
  fill(choices, room, { input, preferences });
  evenOut(choices, room, known);
}

/** First of all a slot stays where it is, as far as that is as good as another place. */
function keepPresent(choices: readonly Choice[], input: ChoosingInput, preferences: Preferences): void {
  for (const choice of choices) {
    const { row, chosen, wanted } = choice;
    const present = row.copies.flatMap(({ member }) => input.known.get(member) ?? input.waitingFor(member) ?? []);
    const wished = input.previous?.get(row.slot) ?? [];
    const rank = (candidate: Candidate): number =>
      (wished.includes(candidate.id) ? 2 ** 32 : 0) + drawOf(candidate, row.slot);
    while (chosen.length < wanted) {
      const [best] = present
        .filter((candidate) => !chosen.includes(candidate) && fit(choice, candidate, preferences) === BEST_FIT)
        .sort((a, b) => rank(b) - rank(a));
      if (best === undefined) break;
      chosen.push(best);
    }
  }
}

/** Members that hold more than their share give up backups: first what was wished away before, then by draw. */
function release(choices: readonly Choice[], room: Map<PeerId, number>, input: ChoosingInput): void {
  for (const candidate of input.candidates) {
    const { id } = candidate;
    const surplus = -(room.get(id) ?? 0);
    if (surplus <= 0) continue;
    const isKept = ({ row }: Choice): boolean => input.previous?.get(row.slot)?.includes(id) ?? true;
    const leaving = choices
      .filter(({ chosen }) => chosen.indexOf(candidate) > 0)
      .map((choice) => ({ choice, rank: isKept(choice) ? drawOf(candidate, choice.row.slot) : -1 }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, surplus);
    for (const { choice } of leaving) choice.chosen.splice(choice.chosen.indexOf(candidate), 1);
    room.set(id, leaving.length - surplus);
  }
}

function fill(
  choices: readonly Choice[],
  room: Map<PeerId, number>,
  { input, preferences }: { readonly input: ChoosingInput; readonly preferences: Preferences },
): void {
  for (const choice of choices) {
    const { row, chosen, wanted } = choice;
    const wished = input.previous?.get(row.slot) ?? [];
    while (chosen.length < wanted) {
      let best: Candidate | undefined;
      let highest = -1;
      for (const candidate of input.candidates) {
        if (chosen.includes(candidate)) continue;
        const { id } = candidate;
        const score =
          fit(choice, candidate, preferences) * 16 +
          (candidate.isEphemeral ? 0 : 8) +
          ((room.get(id) ?? 0) > 0 ? 4 : 0) +
          (row.copies.some(({ member }) => member === id) ? 2 : 0) +
          (wished.includes(id) ? 1 : 0) +
          drawOf(candidate, row.slot) / 2 ** 32;
        if (score <= highest) continue;
        best = candidate;
        highest = score;
      }
      if (best === undefined) break;
      chosen.push(best);
      room.set(best.id, (room.get(best.id) ?? 0) - 1);
    }
  }
}

const BEST_FIT = 3;

/** Whether a slot, with this copy too, can still be in as many domains as there are, and have a strict copy. */
function fit({ chosen, wanted }: Choice, candidate: Candidate, { domains, hasStrict }: Preferences): number {
  const left = wanted - chosen.length;
  const present = new Set(chosen.map(({ domain }) => domain));
  const isDomainGood = !present.has(candidate.domain) || left > Math.min(wanted, domains) - present.size;
  const isStrictGood = !hasStrict || candidate.isStrict || left > 1 || chosen.some(({ isStrict }) => isStrict);
  return (isDomainGood ? 2 : 0) + (isStrictGood ? 1 : 0);
}

function countHeld(choices: readonly Choice[]): Map<PeerId, number> {
  const held = new Map<PeerId, number>();
  for (const { chosen } of choices) for (const { id } of chosen) held.set(id, (held.get(id) ?? 0) + 1);
  return held;
}

/** Owners that were wished, of slots that were to move. */
function ownersOf(previous: CopyInput['previous']): ReadonlyMap<Slot, PeerId> | undefined {
  if (previous === undefined) return undefined;
  return new Map([...previous].flatMap(([slot, [owner]]) => (owner === undefined ? [] : [[slot, owner] as const])));
}
