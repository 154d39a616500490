// What a program sees of the mesh's state: members, links and this member's own store.

import type { Durability, Incarnation, MemberKind, MemberState, PeerId, Slot } from '@shoal/shared';

export interface MemberView {
  readonly id: PeerId;
  readonly incarnation: Incarnation;
  readonly name: string;
  readonly kind: MemberKind;
  readonly state: MemberState;
  readonly durability: Durability;
  /** Its storage does not outlive it: it owns nothing unless there is nobody else. */
  readonly ephemeral: boolean;
  /** What it gives, 1 to 16; 0 owns nothing. */
  readonly weight: number;
  /** Members of one domain fail together. */
  readonly domain: string;
  readonly workers: number;
  readonly self: boolean;
  /** Slots that it owns. */
  readonly slots: number;
  /** Slots of which it is a copy, owned ones included. */
  readonly copies: number;
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
  /** Copies that each slot should have. */
  readonly replicas: number;
  /** How many slots are how safe; none before the first table. */
  readonly health: Readonly<Record<SlotHealth, number>>;
  readonly registrar: 'connected' | 'connecting' | 'lost' | 'refused';
  readonly members: readonly MemberView[];
  /** This member's own store. */
  readonly store: StoreView;
  /** While it leaves: slots still to be handed over. */
  readonly leaving: { readonly slotsLeft: number } | undefined;
}

/**
 * lost: nobody answers for it until disks come back · degraded: fewer copies are here than there should be ·
 * moving: all are here, and it should be elsewhere or is being settled.
 */
export type SlotHealth = 'whole' | 'degraded' | 'moving' | 'lost';

export interface SlotView {
  readonly slot: Slot;
  readonly epoch: number;
  readonly owner: PeerId;
  /** Owner included. */
  readonly copies: readonly PeerId[];
  readonly health: SlotHealth;
  readonly waitsFor: Waiting;
}

/** Members whose return a slot waits for: one of them is enough, or all are needed. */
export interface Waiting {
  readonly members: readonly PeerId[];
  readonly needs: 'one' | 'all';
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
  /** Requests that wait for a slot or a key, writes that not every copy has, frames kept for a row to come. */
  readonly waiting: number;
  readonly cacheBytes: number;
  readonly asideRecords: number;
  readonly asideBytes: number;
  readonly stops: StopsView;
}

/** How long slots stood still because they moved, as their owners measured it since they started. */
export interface StopsView {
  /** Those that stopped nobody included. */
  readonly moves: number;
  /** In which writes never rested for a second and had to wait. */
  readonly forced: number;
  readonly longestMs: number;
  /** Of the last 4,096. */
  readonly p99Ms: number;
}
