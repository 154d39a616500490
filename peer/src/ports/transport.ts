// The way to other members: an ordered, reliable pipe of messages to each.

import type { PeerId, Unsubscribe } from '@shoal/shared';

/** Why a channel ended: a short phrase for people and logs. */
export type CloseReason = string;

/** How signals of dials travel: through the registrar, stamped with the true sender. */
export interface SignalPath {
  send(to: PeerId, dial: string, data: string): void;
  onSignal(
    listener: (signal: { readonly from: PeerId; readonly dial: string; readonly data: string }) => void,
  ): Unsubscribe;
}

/** One for each member's process; made by the composition root. */
export interface Transport {
  /** Opens a channel to `remote`; rejects `link-lost` if it fails or the signal's error when that aborts, and then nothing is left open. */
  dial(remote: PeerId, options?: { readonly signal?: AbortSignal }): Promise<Channel>;
  /** Called for each channel that a remote opened; returns the way to stop listening. */
  onChannel(accept: (channel: Channel) => void): Unsubscribe;
  close(): Promise<void>;
}

/** An ordered, reliable pipe of binary messages to one member. Text is refused. */
export interface Channel {
  readonly remote: PeerId;
  /** The member over whose links it goes, if it is not direct. */
  readonly via?: PeerId;
  readonly maxMessageBytes: number;
  /** Bytes handed over and not yet sent. */
  readonly bufferedBytes: number;
  /** Takes the message in any case while open. False means: full; wait for `ready` before the next. The bytes are the channel's from here on. */
  send(message: Uint8Array): boolean;
  /** Resolves when there is room again, or when the channel has closed. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Messages that came before the first listener are kept and given to it, in order. */
  onMessage(receive: (message: Uint8Array) => void): Unsubscribe;
  /** Called once; at once if it is closed already. */
  onClose(closed: (reason: CloseReason) => void): Unsubscribe;
  close(reason: CloseReason): void;
}
