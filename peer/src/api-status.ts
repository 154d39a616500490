// What a program sees of the mesh's state: members, links and this member's own store.

import type { Durability, Incarnation, MemberKind, MemberState, PeerId } from '@shoal/shared';

export interface MemberView {
  readonly id: PeerId;
  readonly incarnation: Incarnation;
  readonly name: string;
  readonly kind: MemberKind;
  readonly state: MemberState;
  readonly durability: Durability;
  readonly workers: number;
  readonly self: boolean;
  /** Slots that it owns. */
  readonly slots: number;
  readonly link: LinkView | undefined;
}

/** The data channel to one member. */
export interface LinkView {
  readonly member: PeerId;
  readonly state: 'idle' | 'dialling' | 'greeting' | 'open' | 'waiting';
  /** The member that forwards, while there is no direct link. */
  readonly via: PeerId | undefined;
  readonly roundTripMs: number | undefined;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly queuedBytes: number;
}

export interface MeshStatus {
  readonly mesh: string;
  readonly self: PeerId;
  readonly term: number;
  readonly epoch: number;
  readonly slots: number;
  readonly registrar: 'connected' | 'connecting' | 'lost' | 'refused';
  readonly members: readonly MemberView[];
  /** This member's own store. */
  readonly store: StoreView;
  /** While it leaves: slots still to be handed over. */
  readonly leaving: { readonly slotsLeft: number } | undefined;
}

/** What a member says of itself when it is asked. */
export interface MemberReport {
  readonly id: PeerId;
  readonly links: readonly LinkView[];
  readonly store: StoreView;
}

export interface StoreView {
  readonly owned: number;
  readonly moving: number;
  readonly cacheBytes: number;
  readonly asideRecords: number;
  readonly asideBytes: number;
}
