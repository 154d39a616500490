// The sending half of one link: frames to fragments to the channel. What keeps the link goes ahead of
// everything; the rest waits in the queue until the channel has room and the receiver has taken enough.

import { abortable, createDeferred, createFragmentCutter, encodeFrame, limits, toMeshError } from '@shoal/shared';
import type { Clock, Deferred, Frame, FramePriority, LinkFrame, Logger } from '@shoal/shared';
import type { Channel } from '../ports/transport.ts';
import { createFlight } from './flight.ts';
import { createSendQueue } from './send-queue.ts';

/** The head of a fragment, and then some: messages must fit into the channel's. */
const MESSAGE_HEAD_BYTES = 16;

export interface Outbound {
  /** At once, ahead of what waits. */
  sendLink(frame: LinkFrame): void;
  /** Throws `busy` at a bound of the queue, `bad-frame` for a frame that can't be encoded. Frames of one id, or else of one slot, keep their order within a priority. */
  send(frame: Frame, priority: FramePriority): void;
  unsend(id: string): void;
  /** Whether a frame of about that size would be taken now. */
  fits(bytes: number): boolean;
  /** Resolves when less than half of the queue's bounds is used, or it was closed. */
  room(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** The receiver has taken so many more bytes. */
  credited(bytes: number): void;
  /** Bytes that wait here of the frames with which this one would keep its order. */
  bytesBefore(frame: Frame, priority: FramePriority): number;
  /** The largest fragment payload that the remote takes. */
  setFragmentBytes(bytes: number): void;
  readonly queuedBytes: number;
  /** Queued, or sent and not taken by the receiver. */
  readonly waitingBytes: number;
  readonly takenBytes: number;
  readonly sentBytes: number;
  /** Drops what waits. */
  close(): void;
}

export interface OutboundDeps {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The shortest round trip seen. */
  readonly roundTripMs: () => number | undefined;
  /** Bytes that may be on their way; the receiver's credit unless told. */
  readonly windowBytes?: number | undefined;
}

export function createOutbound({ channel, clock, logger, roundTripMs, windowBytes }: OutboundDeps): Outbound {
  let stream = 0;
  let fragmentBytes: number = limits.fragmentBytesInitial;
  let sentBytes = 0;
  let isFull = false;
  let isClosed = false;
  let roomWaiters: Deferred<void>[] = [];
  const flight = createFlight(clock, roundTripMs, windowBytes);
  const nextStream = (): number => {
    stream = (stream + 1) >>> 0;
    return stream;
  };
  const queue = createSendQueue({
    nextStream,
    onUnsendable: (error, kind) =>
      logger.error('frame-unsendable', { kind, member: channel.remote, error: toMeshError(error) }),
  });
  const hasRoom = (): boolean => queue.bytes < limits.outboundBytes / 2 && queue.frames < limits.outboundFrames / 2;

  function hand(message: Uint8Array): boolean {
    sentBytes += message.byteLength;
    flight.sent(message.byteLength);
    return channel.send(message);
  }

  function pump(): void {
    while (!isFull && !isClosed && flight.hasRoom) {
      const message = queue.next(fragmentBytes);
      if (message === undefined) break;
      if (!hand(message)) awaitChannel();
    }
    if (roomWaiters.length > 0 && (isClosed || hasRoom())) {
      const told = roomWaiters;
      roomWaiters = [];
      for (const waiter of told) waiter.resolve();
    }
  }

  function awaitChannel(): void {
    isFull = true;
    const goOn = (): void => {
      isFull = false;
      pump();
    };
    // Without a signal it settles when there is room or the channel has closed.
    channel
      .ready()
      .then(goOn, (error: unknown) =>
        logger.error('channel-not-ready', { member: channel.remote, error: toMeshError(error) }),
      );
  }

  return {
    sendLink(frame) {
      if (isClosed) return;
      const cutter = createFragmentCutter(nextStream(), encodeFrame(frame));
      for (let message = cutter.next(fragmentBytes); message !== undefined; message = cutter.next(fragmentBytes))
        hand(message);
    },
    send(frame, priority) {
      queue.push(frame, priority);
      pump();
    },
    unsend(id) {
      queue.unsend(id);
      pump();
    },
    fits: (bytes) => queue.bytes + bytes <= limits.outboundBytes && queue.frames < limits.outboundFrames,
    async room(options) {
      if (isClosed || hasRoom()) return;
      const waiter = createDeferred<void>();
      roomWaiters.push(waiter);
      try {
        await abortable(waiter.promise, options?.signal);
      } finally {
        roomWaiters = roomWaiters.filter((other) => other !== waiter);
      }
    },
    credited(bytes) {
      flight.credited(bytes);
      pump();
    },
    setFragmentBytes(bytes) {
      fragmentBytes = Math.min(bytes, limits.fragmentBytes, channel.maxMessageBytes - MESSAGE_HEAD_BYTES);
    },
    bytesBefore: queue.bytesBefore,
    get queuedBytes() {
      return queue.bytes;
    },
    get waitingBytes() {
      return queue.bytes + flight.outstandingBytes;
    },
    get takenBytes() {
      return sentBytes - flight.outstandingBytes;
    },
    get sentBytes() {
      return sentBytes;
    },
    close() {
      isClosed = true;
      queue.clear();
      pump();
    },
  };
}
