// The members as the page lists them: this tab first, each with its share, its link and its hue.

import type { LinkView, MeshStatus } from '@shoal/peer';
import { type PeerId, shortId } from '@shoal/shared';
import { computed, type ReadonlySignal } from '@preact/signals';

export interface MemberRow {
  readonly id: PeerId;
  readonly shortId: string;
  readonly name: string;
  readonly kind: 'tab' | 'node' | 'command';
  readonly state: 'here' | 'paused' | 'leaving' | 'away';
  readonly durability: 'strict' | 'relaxed';
  readonly ephemeral: boolean;
  readonly isSelf: boolean;
  readonly workers: number;
  readonly slots: number;
  /** 0 to 1. */
  readonly share: number;
  readonly link: LinkView['state'] | 'none';
  /** The name of the member that forwards, while there is no direct link. */
  readonly via: string | undefined;
  readonly roundTripMs: number | undefined;
  readonly hue: number;
}

export interface Roster {
  readonly members: ReadonlySignal<readonly MemberRow[]>;
  readonly slotCount: ReadonlySignal<number>;
  hueOf(member: string): number;
}

const HUES = 8;

export function createRoster(status: ReadonlySignal<MeshStatus | undefined>): Roster {
  // A member keeps its hue while the page is open, whoever comes and goes; a new one gets one that fewest have.
  const hues = new Map<string, number>();
  const hueOf = (member: string): number => {
    const known = hues.get(member);
    if (known !== undefined) return known;
    const uses = Array.from({ length: HUES }, () => 0);
    for (const { id } of status.peek()?.members ?? []) {
      const hue = hues.get(id);
      if (hue !== undefined) uses[hue] = (uses[hue] ?? 0) + 1;
    }
    const next = uses.indexOf(Math.min(...uses));
    hues.set(member, next);
    return next;
  };

  const members = computed<readonly MemberRow[]>(() => {
    const current = status.value;
    if (current === undefined) return [];
    for (const { id, self } of current.members) if (self) hueOf(id);
    return current.members
      .map((member): MemberRow => ({
        id: member.id,
        shortId: shortId(member.id),
        name: member.name,
        kind: member.kind,
        state: member.state,
        durability: member.durability,
        ephemeral: member.ephemeral,
        isSelf: member.self,
        workers: member.workers,
        slots: member.slots,
        share: current.slots === 0 ? 0 : member.slots / current.slots,
        link: member.link?.state ?? 'none',
        via: nameOf(current, member.link?.via),
        roundTripMs: member.link?.roundTripMs,
        hue: hueOf(member.id),
      }))
      .sort(byPlace);
  });

  return { members, hueOf, slotCount: computed(() => status.value?.slots ?? 0) };
}

function nameOf({ members }: MeshStatus, id: PeerId | undefined): string | undefined {
  if (id === undefined) return undefined;
  return members.find((member) => member.id === id)?.name ?? shortId(id);
}

function byPlace(a: MemberRow, b: MemberRow): number {
  if (a.isSelf !== b.isSelf) return a.isSelf ? -1 : 1;
  if ((a.kind === 'command') !== (b.kind === 'command')) return a.kind === 'command' ? 1 : -1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1;
}
