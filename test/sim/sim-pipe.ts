// One data channel between two processes: each direction is ordered, late and cuttable. What travels over
// a cut path waits and arrives when the path heals, unless the channel has ended by then.

import { limits, MeshError, type PeerId } from '@shoal/shared';
import type { Channel, CloseReason } from '@shoal/peer';
import type { Path } from './paths.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export interface PipeEnd {
  readonly member: PeerId;
  readonly process: SimProcess;
}

export interface SimPipe {
  readonly near: Channel;
  readonly far: Channel;
  readonly isOver: boolean;
  /** The connection is lost: each end hears of it when its delay is over, and nothing travels any more. */
  lose(nearDelayMs: number, farDelayMs: number): void;
  isBetween(a: SimProcess, b: SimProcess): boolean;
  isOf(process: SimProcess): boolean;
}

export interface PipeOptions {
  readonly world: World;
  readonly near: PipeEnd;
  readonly far: PipeEnd;
  /** From near to far, and back. */
  readonly there: Path;
  readonly back: Path;
  /** What travels instead of a message. */
  readonly replace?: ((from: PipeEnd, message: Uint8Array) => Uint8Array) | undefined;
  /** Told of each message as it is sent. */
  onSent(from: PipeEnd, to: PipeEnd, message: Uint8Array): void;
}

const MAX_MESSAGE_BYTES = limits.fragmentBytes + 16;

export function createPipe(options: PipeOptions): SimPipe {
  const { world, near, far, there, back } = options;
  const line = { isLost: false };
  const nearInbox = createInbox();
  const farInbox = createInbox();
  const nearEnd = createEnd({ options, line, self: near, remote: far, path: there, mine: nearInbox, theirs: farInbox });
  const farEnd = createEnd({ options, line, self: far, remote: near, path: back, mine: farInbox, theirs: nearInbox });
  const endLater = (end: PipeEnd, inbox: Inbox, delayMs: number): void => {
    world.after(delayMs, () => end.process.deliver('channel lost', () => inbox.end('connection lost')));
  };
  return {
    near: nearEnd,
    far: farEnd,
    get isOver() {
      const isOver = (end: PipeEnd, inbox: Inbox): boolean => inbox.ended || end.process.state === 'dead';
      return isOver(near, nearInbox) && isOver(far, farInbox);
    },
    lose(nearDelayMs, farDelayMs) {
      if (line.isLost) return;
      line.isLost = true;
      endLater(near, nearInbox, nearDelayMs);
      endLater(far, farInbox, farDelayMs);
    },
    isOf: (process) => near.process === process || far.process === process,
    isBetween: (a, b) => (near.process === a && far.process === b) || (near.process === b && far.process === a),
  };
}

interface EndParts {
  readonly options: PipeOptions;
  readonly line: { readonly isLost: boolean };
  readonly self: PipeEnd;
  readonly remote: PipeEnd;
  readonly path: Path;
  readonly mine: Inbox;
  readonly theirs: Inbox;
}

function createEnd({ options, line, self, remote, path, mine, theirs }: EndParts): Channel {
  let bufferedBytes = 0;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  mine.onClose(wake);
  const leave = (bytes: number): void => {
    bufferedBytes -= bytes;
    if (waiting.size > 0 && bufferedBytes <= limits.channelLowBytes) self.process.deliver('channel has room', wake);
  };
  const lane = path.lane();
  return {
    remote: remote.member,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    get bufferedBytes() {
      return bufferedBytes;
    },
    send(message) {
      if (message.byteLength > MAX_MESSAGE_BYTES) throw new MeshError('bad-argument', 'A message over the limit.');
      if (mine.ended || self.process.state === 'dead') return false;
      const copy = options.replace?.(self, message.slice()) ?? message.slice();
      bufferedBytes += copy.byteLength;
      options.onSent(self, remote, copy);
      lane.send(copy.byteLength, () => {
        leave(copy.byteLength);
        if (line.isLost || theirs.ended) return;
        remote.process.deliver(`message of ${self.process.name}`, () => theirs.deliver(copy), copy);
      });
      return bufferedBytes < limits.channelHighBytes;
    },
    async ready(readyOptions) {
      if (mine.ended || bufferedBytes < limits.channelHighBytes) return;
      await untilWoken(waiting, readyOptions?.signal);
    },
    onMessage: mine.onMessage,
    onClose: mine.onClose,
    close(reason) {
      if (mine.ended) return;
      // What was sent before arrives before the end does.
      if (self.process.state !== 'dead') {
        lane.send(0, () => {
          if (!line.isLost) remote.process.deliver(`close of ${self.process.name}`, () => theirs.end(reason));
        });
      }
      mine.end(reason);
    },
  };
}

function untilWoken(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const woken = (): void => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    };
    const aborted = (): void => {
      waiting.delete(woken);
      reject(new MeshError('aborted', 'No longer waited for.'));
    };
    waiting.add(woken);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

interface Inbox {
  readonly ended: boolean;
  deliver(message: Uint8Array): void;
  end(reason: CloseReason): void;
  onMessage(receive: (message: Uint8Array) => void): () => void;
  onClose(closed: (reason: CloseReason) => void): () => void;
}

/** Keeps what comes before the first listener. */
function createInbox(): Inbox {
  const receivers = new Set<(message: Uint8Array) => void>();
  const closers = new Set<(reason: CloseReason) => void>();
  let early: Uint8Array[] | undefined = [];
  let ended: CloseReason | undefined;
  return {
    get ended() {
      return ended !== undefined;
    },
    deliver(message) {
      if (ended !== undefined) return;
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
      receivers.add(receive);
      const kept = early ?? [];
      early = undefined;
      for (const message of kept) receive(message);
      return () => receivers.delete(receive);
    },
    onClose(closed) {
      if (ended !== undefined) {
        closed(ended);
        return () => undefined;
      }
      closers.add(closed);
      return () => closers.delete(closed);
    },
  };
}
