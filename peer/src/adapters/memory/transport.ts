// Channels between members of one process, for tests, simulation and the documents. Messages are copied
// and delivered in later turns, as over a real channel. Latency and rate run on the clock that is given;
// without them a microtask delivers. Pairs can be cut: then nothing arrives and nobody is told.

import { abortError, MeshError, shortId, throwIfAborted } from '@shoal/shared';
import type { Clock, PeerId, Unsubscribe } from '@shoal/shared';
import type { Channel, Transport } from '../../ports/transport.ts';
import { createMemoryPipe, type MemoryPipe } from './pipe.ts';

export interface MemoryNetworkOptions {
  /** Needed with latency or rate. */
  readonly clock?: Clock;
  readonly latencyMs?: number;
  readonly bytesPerMs?: number;
}

export interface MemoryNetwork {
  /** One for each member; a new one replaces that of an earlier life, whose channels it closes. */
  transport(self: PeerId): Transport;
  /** From now on nothing passes between the two: dials hang, channels that stand are silent for ever. */
  cut(a: PeerId, b: PeerId): void;
  /** New dials pass again. */
  heal(a: PeerId, b: PeerId): void;
  /** Ends the channels between the two; both are told. */
  breakChannels(a: PeerId, b: PeerId, reason?: string): void;
  /** Channels that are open, each counted once. */
  channelCount(): number;
}

interface Endpoint {
  readonly accept: Set<(channel: Channel) => void>;
  readonly end: () => void;
}

export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  const endpoints = new Map<PeerId, Endpoint>();
  const pipes = new Set<MemoryPipe>();
  const cuts = new Set<string>();

  const dial = async (self: PeerId, remote: PeerId, signal: AbortSignal | undefined): Promise<Channel> => {
    throwIfAborted(signal);
    await passTime(options);
    throwIfAborted(signal);
    if (cuts.has(pairOf(self, remote))) return hang(signal);
    const endpoint = endpoints.get(remote);
    if (endpoint === undefined || endpoint.accept.size === 0 || !endpoints.has(self)) {
      throw new MeshError('link-lost', `Member ${shortId(remote)} can't be reached.`, { detail: { member: remote } });
    }
    const pipe = createMemoryPipe(self, remote, options);
    pipes.add(pipe);
    pipe.onEnd(() => pipes.delete(pipe));
    for (const accept of endpoint.accept) accept(pipe.far);
    await passTime(options);
    if (isAborted(signal)) pipe.near.close('dial given up');
    throwIfAborted(signal);
    return pipe.near;
  };

  const pipesOf = (a: PeerId, b: PeerId): MemoryPipe[] =>
    [...pipes].filter((pipe) => pairOf(pipe.near.remote, pipe.far.remote) === pairOf(a, b));

  return {
    transport(self) {
      endpoints.get(self)?.end();
      const accept = new Set<(channel: Channel) => void>();
      const endpoint: Endpoint = {
        accept,
        end: () => {
          accept.clear();
          if (endpoints.get(self) === endpoint) endpoints.delete(self);
          for (const pipe of pipes) if (pipe.isOf(self)) pipe.end('transport closed');
        },
      };
      endpoints.set(self, endpoint);
      return {
        dial: (remote, dialOptions) => dial(self, remote, dialOptions?.signal),
        onChannel(listener): Unsubscribe {
          accept.add(listener);
          return () => accept.delete(listener);
        },
        close: () => Promise.resolve(endpoint.end()),
      };
    },
    cut(a, b) {
      cuts.add(pairOf(a, b));
      for (const pipe of pipesOf(a, b)) pipe.silence();
    },
    heal: (a, b) => void cuts.delete(pairOf(a, b)),
    breakChannels(a, b, reason = 'broken') {
      for (const pipe of pipesOf(a, b)) pipe.end(reason);
    },
    channelCount: () => pipes.size,
  };
}

/** Asked anew: the compiler believes that what `throwIfAborted` has seen stays so. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function pairOf(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function passTime(options: MemoryNetworkOptions): Promise<void> {
  const { clock, latencyMs } = options;
  if (clock === undefined || latencyMs === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    clock.setTimer(resolve, latencyMs);
  });
}

/** A dial whose signals are lost ends only by its signal. */
function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(abortError(signal)), { once: true });
  });
}
