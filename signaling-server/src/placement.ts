// Where slots should be: shares in proportion to weight, and as little moved as possible. Pure, and
// only the registrar computes it, so it may change without breaking anybody. A slot leaves its owner
// only when that one has more than its share; which slots, and to whom, is drawn by rendezvous hash.

import type { Configuration, PeerId, Slot } from '@shoal/shared';

export interface Taker {
  readonly id: PeerId;
  /** 1 to 16. */
  readonly weight: number;
}

export interface Move {
  readonly slot: Slot;
  readonly from: PeerId;
  readonly to: PeerId;
}

export interface PlacementInput {
  readonly rows: readonly Configuration[];
  /** Members that should own slots. */
  readonly takers: readonly Taker[];
  /** Whether an owner's slots can be moved; those of members that are away stay. */
  isMovable(owner: PeerId): boolean;
  /** The wish before this one: moves that are still right stay as they are. */
  readonly previous?: ReadonlyMap<Slot, PeerId> | undefined;
}

/** The moves after which every taker has its share. */
export function planMoves(input: PlacementInput): readonly Move[] {
  const { takers, rows } = input;
  if (takers.length === 0) return [];
  const owned = slotsByOwner(rows, input);
  const total = [...owned.values()].reduce((sum, slots) => sum + slots.length, 0);
  const shares = sharesOf(takers, total, (id) => owned.get(id)?.length ?? 0);
  const room = new Map<PeerId, number>();
  const leaving: { slot: Slot; from: PeerId }[] = [];
  for (const { id } of takers) {
    const missing = (shares.get(id) ?? 0) - (owned.get(id)?.length ?? 0);
    if (missing > 0) room.set(id, missing);
  }
  for (const [owner, slots] of owned) {
    const surplus = slots.length - (shares.get(owner) ?? 0);
    for (const slot of leastLiked(owner, slots, input.previous).slice(0, Math.max(0, surplus))) {
      leaving.push({ slot, from: owner });
    }
  }
  const backups = (slot: Slot): readonly PeerId[] => rows[slot]?.copies.map(({ member }) => member) ?? [];
  return assign(leaving, room, { previous: input.previous, copies: backups });
}

/** Exact integer shares of `total` by weight; what is left over goes to those that hold more already. */
export function sharesOf(
  takers: readonly Taker[],
  total: number,
  holds: (id: PeerId) => number,
): ReadonlyMap<PeerId, number> {
  const weights = takers.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map(takers.map(({ id, weight }) => [id, Math.floor((total * weight) / weights)]));
  let left = total - [...shares.values()].reduce((sum, share) => sum + share, 0);
  const excess = ({ id }: Taker): number => holds(id) - (shares.get(id) ?? 0);
  // Whose share is a whole number has it exactly.
  const inTurn = takers
    .filter(({ weight }) => (total * weight) % weights !== 0)
    .sort((a, b) => excess(b) - excess(a) || (a.id < b.id ? -1 : 1));
  for (const { id } of inTurn) {
    if (left === 0) break;
    shares.set(id, (shares.get(id) ?? 0) + 1);
    left -= 1;
  }
  return shares;
}

function slotsByOwner(rows: readonly Configuration[], input: PlacementInput): Map<PeerId, Slot[]> {
  const owned = new Map<PeerId, Slot[]>();
  for (const { slot, owner } of rows) {
    const slots = owned.get(owner);
    if (slots !== undefined) slots.push(slot);
    else if (input.isMovable(owner)) owned.set(owner, [slot]);
  }
  return owned;
}

/** First what was wished away before, so that hand-offs under way go on; then by the owner's own draw. */
function leastLiked(owner: PeerId, slots: readonly Slot[], previous: PlacementInput['previous']): readonly Slot[] {
  const seed = seedOf(owner);
  const isWishedAway = (slot: Slot): boolean => (previous?.get(slot) ?? owner) !== owner;
  const rank = (slot: Slot): number => (isWishedAway(slot) ? -1 : draw(seed, slot));
  return slots
    .map((slot) => ({ slot, rank: rank(slot) }))
    .sort((a, b) => a.rank - b.rank || a.slot - b.slot)
    .map(({ slot }) => slot);
}

function assign(
  leaving: readonly { slot: Slot; from: PeerId }[],
  room: Map<PeerId, number>,
  { previous, copies }: { previous: PlacementInput['previous']; copies(slot: Slot): readonly PeerId[] },
): readonly Move[] {
  const seeds = new Map([...room.keys()].map((id) => [id, seedOf(id)]));
  const moves: Move[] = [];
  const give = (slot: Slot, from: PeerId, to: PeerId): void => {
    moves.push({ slot, from, to });
    const left = (room.get(to) ?? 0) - 1;
    if (left > 0) room.set(to, left);
    else room.delete(to);
  };
  const open: (typeof leaving)[number][] = [];
  for (const { slot, from } of leaving) {
    const wished = previous?.get(slot);
    // A backup needs only the name of owner, not the data.
    const to = wished !== undefined && room.has(wished) ? wished : copies(slot).find((id) => room.has(id));
    if (to !== undefined) give(slot, from, to);
    else open.push({ slot, from });
  }
  for (const { slot, from } of open.sort((a, b) => a.slot - b.slot)) {
    const to = best(slot, room.keys(), seeds);
    if (to !== undefined) give(slot, from, to);
  }
  return moves.sort((a, b) => a.slot - b.slot);
}

function best(slot: Slot, ids: Iterable<PeerId>, seeds: ReadonlyMap<PeerId, number>): PeerId | undefined {
  let chosen: PeerId | undefined;
  let highest = -1;
  for (const id of ids) {
    const drawn = draw(seeds.get(id) ?? 0, slot);
    if (drawn > highest || (drawn === highest && chosen !== undefined && id < chosen)) {
      highest = drawn;
      chosen = id;
    }
  }
  return chosen;
}

/** FNV-1a of the id: the member's part of its draws. */
function seedOf(id: PeerId): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The finish of MurmurHash3 over seed and slot: 32 even bits. */
function draw(seed: number, slot: Slot): number {
  let hash = seed ^ Math.imul(slot + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A member's draw for a slot: the best of as many as it has weight. */
export function drawOf({ id, weight }: Taker, slot: Slot): number {
  const seed = seedOf(id);
  let best = 0;
  for (let index = 0; index < weight; index += 1) best = Math.max(best, draw(seed + index, slot));
  return best;
}
