// One connection of the memory transport: two channels, back to back.

import { abortable, createChannelInbox, limits, MeshError } from '@shoal/shared';
import type { ChannelInbox, Clock, PeerId } from '@shoal/shared';
import type { Channel, CloseReason } from '../../ports/transport.ts';

/** The largest message of a channel: a fragment with its head. */
const MAX_MESSAGE_BYTES = limits.fragmentBytes + 16;

export interface MemoryPipe {
  /** Held by the member that dialled. */
  readonly near: Channel;
  readonly far: Channel;
  isOf(member: PeerId): boolean;
  end(reason: CloseReason): void;
  /** Nothing passes any more, the end of the channels neither. */
  silence(): void;
  onEnd(ended: () => void): void;
}

export interface PipeTiming {
  readonly clock?: Clock;
  readonly latencyMs?: number;
  readonly bytesPerMs?: number;
}

export function createMemoryPipe(dialler: PeerId, remote: PeerId, timing: PipeTiming): MemoryPipe {
  const line: Line = { silent: false };
  const nearInbox = createChannelInbox();
  const farInbox = createChannelInbox();
  const near = createEnd({ remote, mine: nearInbox, theirs: farInbox, line, timing });
  const far = createEnd({ remote: dialler, mine: farInbox, theirs: nearInbox, line, timing });
  return {
    near,
    far,
    isOf: (member) => member === dialler || member === remote,
    end(reason) {
      nearInbox.end(reason);
      farInbox.end(reason);
    },
    silence() {
      line.silent = true;
    },
    onEnd(ended) {
      nearInbox.onClose(ended);
      farInbox.onClose(ended);
    },
  };
}

interface Line {
  silent: boolean;
}

interface EndParts {
  readonly remote: PeerId;
  readonly mine: ChannelInbox;
  readonly theirs: ChannelInbox;
  readonly line: Line;
  readonly timing: PipeTiming;
}

function createEnd({ remote, mine, theirs, line, timing }: EndParts): Channel {
  let bufferedBytes = 0;
  let freeAtMs = 0;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  mine.onClose(wake);
  const leave = (bytes: number): void => {
    bufferedBytes -= bytes;
    if (bufferedBytes <= limits.channelLowBytes) wake();
  };
  const arrive = (deliver: () => void): void => {
    if (!line.silent && theirs.ended === undefined) deliver();
  };
  /** Calls `sent` when the message has left, then `arrived`, in order. */
  const pass = (bytes: number, sent: () => void, arrived: () => void): void => {
    const { clock, latencyMs = 0, bytesPerMs } = timing;
    if (clock === undefined || (latencyMs === 0 && bytesPerMs === undefined)) {
      queueMicrotask(() => {
        sent();
        arrived();
      });
      return;
    }
    const nowMs = clock.monotonicMs();
    freeAtMs = Math.max(freeAtMs, nowMs) + (bytesPerMs === undefined ? 0 : bytes / bytesPerMs);
    clock.setTimer(sent, freeAtMs - nowMs);
    clock.setTimer(arrived, freeAtMs - nowMs + latencyMs);
  };
  return {
    remote,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    get bufferedBytes() {
      return bufferedBytes;
    },
    send(message) {
      checkMessage(message);
      if (mine.ended !== undefined) return false;
      const copy = message.slice();
      bufferedBytes += copy.byteLength;
      pass(
        copy.byteLength,
        () => leave(copy.byteLength),
        () => arrive(() => theirs.deliver(copy)),
      );
      return bufferedBytes < limits.channelHighBytes;
    },
    async ready(options) {
      if (mine.ended !== undefined || bufferedBytes < limits.channelHighBytes) return;
      let resolveReady: (() => void) | undefined;
      const roomy = new Promise<void>((resolve) => {
        resolveReady = resolve;
        waiting.add(resolve);
      });
      try {
        await abortable(roomy, options?.signal);
      } finally {
        if (resolveReady !== undefined) waiting.delete(resolveReady);
      }
    },
    onMessage: (receive) => mine.onMessage(receive),
    onClose: (closed) => mine.onClose(closed),
    close(reason) {
      if (mine.ended !== undefined) return;
      // What was sent before arrives before the end does.
      pass(
        0,
        () => undefined,
        () => arrive(() => theirs.end(reason)),
      );
      mine.end(reason);
    },
  };
}

function checkMessage(message: Uint8Array): void {
  if (!(message instanceof Uint8Array)) throw new MeshError('bad-argument', 'A channel takes binary messages only.');
  if (message.byteLength > MAX_MESSAGE_BYTES) {
    throw new MeshError(
      'bad-argument',
      `A message of ${message.byteLength} bytes is over the channel's ${MAX_MESSAGE_BYTES}.`,
    );
  }
}
