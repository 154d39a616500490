// How many copies each member should hold: in proportion to weight as far as the preferences let it. No
// member holds two copies of a slot, different failure domains come before proportion, and so does one
// strict copy of each slot. Pure, in integers.

import type { PeerId } from '@shoal/shared';
import { sharesOf, type Taker } from './placement.ts';

export interface Candidate extends Taker {
  /** Members of one domain fail together. */
  readonly domain: string;
  readonly isStrict: boolean;
  readonly isEphemeral: boolean;
}

export interface ShareInput {
  readonly candidates: readonly Candidate[];
  /** Copies to be held in all. */
  readonly total: number;
  /** Slots: what one member can hold at most. */
  readonly slots: number;
  readonly replicas: number;
  /** What is left over by rounding goes to those that hold more already. */
  holds(id: PeerId): number;
}

export function copyShares(input: ShareInput): ReadonlyMap<PeerId, number> {
  const { candidates, slots, total, replicas } = input;
  const lasting = candidates.filter(({ isEphemeral }) => !isEphemeral);
  if (lasting.length < candidates.length && lasting.length < replicas) {
    // Too few others: they hold every slot, and ephemeral members the copies that are still missing.
    const held = Math.min(total, lasting.length * slots);
    const rest = candidates.filter(({ isEphemeral }) => isEphemeral);
    return new Map([...capped(lasting, held, input), ...capped(rest, total - held, input)]);
  }
  const shares = spread(lasting, total, input);
  const strict = lasting.filter(({ isStrict }) => isStrict);
  const held = sum(shares, strict);
  if (strict.length === 0 || held >= slots || total < slots) return shares;
  const others = lasting.filter(({ isStrict }) => !isStrict);
  return new Map([...capped(strict, slots, input), ...spread(others, total - slots, input)]);
}

/** By weight, but no domain so much that a slot must have two copies in it. */
function spread(members: readonly Candidate[], total: number, input: ShareInput): Map<PeerId, number> {
  const shares = new Map<PeerId, number>();
  let open = members;
  let left = total;
  for (;;) {
    const round = capped(open, left, input);
    const bound = domainOutOfBounds(open, round, { members, input });
    if (bound === undefined) return new Map([...shares, ...round]);
    const inside = open.filter(({ domain }) => domain === bound.domain);
    for (const [id, share] of capped(inside, bound.share, input)) shares.set(id, share);
    open = open.filter(({ domain }) => domain !== bound.domain);
    left = Math.max(0, left - bound.share);
  }
}

interface DomainView {
  readonly members: readonly Candidate[];
  readonly input: ShareInput;
}

/** The domain that has too much, or else too little, and what it should have; `undefined` for one alone. */
function domainOutOfBounds(
  open: readonly Candidate[],
  shares: ReadonlyMap<PeerId, number>,
  { members, input: { slots, replicas } }: DomainView,
): { readonly domain: string; readonly share: number } | undefined {
  const domains = new Set(members.map(({ domain }) => domain));
  const openDomains = [...new Set(open.map(({ domain }) => domain))];
  if (openDomains.length < 2) return undefined;
  const most = slots * Math.max(1, replicas - domains.size + 1);
  const least = domains.size <= replicas ? slots : 0;
  const inside = (domain: string): number =>
    sum(
      shares,
      open.filter((member) => member.domain === domain),
    );
  const over = openDomains.find((domain) => inside(domain) > most);
  if (over !== undefined) return { domain: over, share: most };
  const under = openDomains.find((domain) => inside(domain) < least);
  return under === undefined ? undefined : { domain: under, share: least };
}

/** By weight, but nobody more than there are slots. */
function capped(members: readonly Candidate[], total: number, { slots, holds }: ShareInput): Map<PeerId, number> {
  const shares = new Map<PeerId, number>();
  let open = members;
  let left = total;
  while (open.length > 0) {
    const round = sharesOf(open, left, holds);
    const full = open.filter(({ id }) => (round.get(id) ?? 0) > slots);
    if (full.length === 0) {
      for (const [id, share] of round) shares.set(id, share);
      break;
    }
    for (const { id } of full) shares.set(id, slots);
    left -= full.length * slots;
    open = open.filter((member) => !full.includes(member));
  }
  return shares;
}

function sum(shares: ReadonlyMap<PeerId, number>, members: readonly Candidate[]): number {
  return members.reduce((total, { id }) => total + (shares.get(id) ?? 0), 0);
}
