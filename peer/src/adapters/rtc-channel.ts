// A data channel as the `Channel` port: plain binary messages, back-pressure by its own buffer, one end.
// simple-peer's stream is not used: driven directly the same channel moves twice as much.

import { abortable, createChannelInbox, limits, MeshError, type Clock, type PeerId } from '@shoal/shared';
import type { Channel } from '../ports/transport.ts';
import type { RtcDataChannel } from './rtc-types.ts';

/** A fragment with its head: less than every implementation takes. */
const MAX_MESSAGE_BYTES = limits.fragmentBytes + 16;
/** `bufferedamountlow` may be missed or missing. */
const LOOK_AGAIN_MS = 100;

export interface RtcChannelDeps {
  readonly remote: PeerId;
  readonly clock: Clock;
  /** The channel was closed from here: what is below it has to follow. */
  readonly onClosing: () => void;
}

export interface RtcChannel extends Channel {
  /** What is below has ended. */
  end(reason: string): void;
}

export function createRtcChannel(data: RtcDataChannel, { remote, clock, onClosing }: RtcChannelDeps): RtcChannel {
  const inbox = createChannelInbox();
  const waiting = new Set<() => void>();
  const wake = (): void => {
    if (inbox.ended === undefined && data.bufferedAmount > limits.channelLowBytes) return;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const end = (reason: string): void => {
    inbox.end(reason);
    wake();
  };
  const close = (reason: string): void => {
    if (inbox.ended !== undefined) return;
    end(reason);
    onClosing();
  };

  data.binaryType = 'arraybuffer';
  data.bufferedAmountLowThreshold = limits.channelLowBytes;
  data.addEventListener('bufferedamountlow', wake);
  data.addEventListener('close', () => end('the other side closed it'));
  data.addEventListener('message', (event) => {
    data.onmessage = null;
    if (inbox.ended !== undefined) return;
    const message = bytesOf(event.data);
    if (message === undefined) close('text was refused');
    else if (message.byteLength > MAX_MESSAGE_BYTES) close('a message was over the limit');
    else inbox.deliver(message);
  });

  return {
    remote,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    get bufferedBytes() {
      return inbox.ended === undefined ? data.bufferedAmount : 0;
    },
    send(message) {
      const bytes = checkMessage(message);
      if (inbox.ended !== undefined) return false;
      try {
        data.send(bytes);
      } catch (error) {
        close(`sending failed: ${String(error)}`);
        return false;
      }
      return data.bufferedAmount < limits.channelHighBytes;
    },
    async ready(options) {
      if (inbox.ended !== undefined || data.bufferedAmount < limits.channelHighBytes) return;
      let resolveReady = (): void => undefined;
      const roomy = new Promise<void>((resolve) => {
        resolveReady = resolve;
        waiting.add(resolve);
      });
      let stopTimer = (): void => undefined;
      const lookAgain = (): void => {
        wake();
        if (waiting.has(resolveReady)) stopTimer = clock.setTimer(lookAgain, LOOK_AGAIN_MS);
      };
      lookAgain();
      try {
        await abortable(roomy, options?.signal);
      } finally {
        waiting.delete(resolveReady);
        stopTimer();
      }
    },
    onMessage: (receive) => inbox.onMessage(receive),
    onClose: (closed) => inbox.onClose(closed),
    close,
    end,
  };
}

/** A plain array of bytes, whatever the implementation gives; undefined for text. */
function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return undefined;
}

function checkMessage(message: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!(message instanceof Uint8Array)) throw new MeshError('bad-argument', 'A channel takes binary messages only.');
  if (message.byteLength > MAX_MESSAGE_BYTES) {
    throw new MeshError(
      'bad-argument',
      `A message of ${message.byteLength} bytes is over the channel's ${MAX_MESSAGE_BYTES}.`,
    );
  }
  const { buffer } = message;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, message.byteOffset, message.byteLength)
    : message.slice();
}
