// The receiving half that all channels have in common: messages and the end of the channel, kept until
// somebody listens, each told once and in order.

import type { Unsubscribe } from './emitter.ts';

export interface ChannelInbox {
  deliver(message: Uint8Array): void;
  /** The first call counts. */
  end(reason: string): void;
  /** Set once the channel has ended. */
  readonly ended: string | undefined;
  onMessage(receive: (message: Uint8Array) => void): Unsubscribe;
  onClose(closed: (reason: string) => void): Unsubscribe;
}

export function createChannelInbox(): ChannelInbox {
  const receivers = new Set<(message: Uint8Array) => void>();
  const closers = new Set<(reason: string) => void>();
  let early: Uint8Array[] | undefined = [];
  let ended: string | undefined;
  return {
    get ended() {
      return ended;
    },
    deliver(message) {
      if (early !== undefined) early.push(message);
      else for (const receive of receivers) receive(message);
    },
    end(reason) {
      if (ended !== undefined) return;
      ended = reason;
      const told = [...closers];
      closers.clear();
      for (const closed of told) closed(reason);
    },
    onMessage(receive) {
      const listener = (message: Uint8Array): void => receive(message);
      receivers.add(listener);
      const kept = early ?? [];
      early = undefined;
      for (const message of kept) listener(message);
      return () => receivers.delete(listener);
    },
    onClose(closed) {
      if (ended !== undefined) {
        closed(ended);
        return () => undefined;
      }
      const listener = (reason: string): void => closed(reason);
      closers.add(listener);
      return () => closers.delete(listener);
    },
  };
}
