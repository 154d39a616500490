// A channel to a member over the links of another one: its messages are sealed, and travel as frames of the
// link with whoever forwards them.

import {
  createChannelInbox,
  type ForwardedFrame,
  type ForwardFrame,
  limits,
  MeshError,
  NO_PAYLOAD,
  type PathId,
  type PathSeal,
  type PeerId,
  SEAL_BYTES,
  toMeshError,
} from '@shoal/shared';
import type { Channel } from '../ports/transport.ts';
import type { Outbound } from '../wire/outbound.ts';
import { PATH_PRIORITY } from './hop.ts';

/** Sealed and with the head of its frame it still fits into one fragment. */
const MAX_MESSAGE_BYTES = limits.fragmentBytes - 256;
const REASON_CHARS = 256;

export interface PathChannelDeps {
  readonly remote: PeerId;
  readonly via: PeerId;
  readonly path: PathId;
  readonly seal: PathSeal;
  /** Of the direct link with `via`, while there is one. */
  readonly outbound: () => Outbound | undefined;
  readonly onEnded: () => void;
}

export interface PathChannel extends Channel {
  readonly via: PeerId;
  received(frame: ForwardedFrame): void;
  /** Ended from outside: nothing is told. */
  end(reason: string): void;
}

export function createPathChannel(deps: PathChannelDeps): PathChannel {
  const { path, remote, seal, via } = deps;
  const inbox = createChannelInbox();
  inbox.onClose(deps.onEnded);
  const frameOf = (payload: Uint8Array): ForwardFrame => ({ kind: 'forward', to: remote, path, payload });
  const empty = frameOf(NO_PAYLOAD);

  function send(frame: ForwardFrame): boolean {
    try {
      const outbound = deps.outbound();
      outbound?.send(frame, PATH_PRIORITY);
      return outbound !== undefined;
    } catch (error) {
      inbox.end(`sending failed: ${toMeshError(error).message}`);
      return false;
    }
  }

  function close(reason: string): void {
    if (inbox.ended !== undefined) return;
    inbox.end(reason);
    send({ ...empty, ended: reason.slice(0, REASON_CHARS) });
  }

  return {
    remote,
    via,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    get bufferedBytes() {
      return inbox.ended === undefined ? (deps.outbound()?.bytesBefore(empty, PATH_PRIORITY) ?? 0) : 0;
    },
    send(message) {
      if (message.byteLength > MAX_MESSAGE_BYTES) {
        throw new MeshError(
          'bad-argument',
          `A message of ${message.byteLength} bytes is over the channel's ${MAX_MESSAGE_BYTES}.`,
        );
      }
      // Never full: `limits.pathWindowBytes` keeps what is on its way below any bound of the link's queue.
      return inbox.ended === undefined && send(frameOf(seal.seal(message)));
    },
    ready: () => Promise.resolve(),
    onMessage: inbox.onMessage,
    onClose: inbox.onClose,
    close,
    received({ ended, payload }) {
      if (ended !== undefined) return inbox.end(ended);
      const message = payload.byteLength > SEAL_BYTES ? seal.open(payload) : undefined;
      if (message === undefined) return close('a message was damaged on its way');
      if (inbox.ended === undefined) inbox.deliver(message);
    },
    end: inbox.end,
  };
}
