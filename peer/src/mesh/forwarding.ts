// Links over a third member, as a transport: a dial agrees with the remote, by way of the registrar, on a
// member that both are linked to, and gives a channel over its links. Who speaks is the registrar's word,
// as for every dial, and the key that only the two ends have keeps it so (`path-seal`).

import {
  abortable,
  createDeferred,
  createPathSeal,
  type Clock,
  type Deferred,
  dialOfPath,
  type ForwardedFrame,
  fromHex,
  limits,
  type Logger,
  MeshError,
  must,
  NO_PAYLOAD,
  PATH_KEY_BYTES,
  parsePathSignal,
  type PathId,
  pathOfDial,
  type PathSignal,
  type PeerId,
  type Random,
  randomHex,
  throwIfAborted,
  toHex,
  toMeshError,
} from '@shoal/shared';
import type { Channel, SignalPath, Transport } from '../ports/transport.ts';
import type { Outbound } from '../wire/outbound.ts';
import { PATH_PRIORITY } from './hop.ts';
import { createPathChannel, type PathChannel } from './path-channel.ts';

/** A member that could forward, and how far it is. */
export interface HopChoice {
  readonly member: PeerId;
  readonly roundTripMs: number;
}

export interface ForwardingDeps {
  readonly signals: SignalPath;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Direct links that were heard of late, nearest first, `HOPS_MOST` at most. */
  hops(): readonly HopChoice[];
  /** Of the direct link with that member, if there is one. */
  outboundOf(member: PeerId): Outbound | undefined;
  /** Resolves when there is a direct link; rejects `link-lost`. */
  linkTo(member: PeerId, signal: AbortSignal | undefined): Promise<void>;
  /** Why a member needs nobody to forward to us; undefined if it does. */
  refusal(member: PeerId): string | undefined;
}

export interface Forwarding extends Transport {
  /** Came over the direct link with `via`. */
  receive(via: PeerId, frame: ForwardedFrame): void;
  /** Of what was on its way over that direct link something is lost. */
  linkLost(via: PeerId): void;
}

interface Path {
  readonly remote: PeerId;
  readonly path: PathId;
  readonly via: PeerId;
  readonly key: Uint8Array;
}

interface Awaited extends Path {
  readonly stopTimer: () => void;
}

export function createForwarding(deps: ForwardingDeps): Forwarding {
  const { clock, logger, outboundOf, random, signals } = deps;
  const listeners = new Set<(channel: Channel) => void>();
  /** Dialled from here, and not answered. */
  const offers = new Map<PathId, { readonly remote: PeerId; readonly answered: Deferred<PeerId> }>();
  /** Answered, one for each remote: its first message makes it a channel. */
  const awaited = new Map<PeerId, Awaited>();
  const channels = new Map<string, PathChannel>();

  function tell(to: PeerId, path: PathId, signal: PathSignal): void {
    signals.send(to, dialOfPath(path), JSON.stringify(signal));
  }

  function open({ remote, path, via, key }: Path, side: 'dialling' | 'dialled'): PathChannel {
    const name = nameOf(remote, path);
    const channel = createPathChannel({
      remote,
      path,
      via,
      seal: createPathSeal(key, side),
      outbound: () => outboundOf(via),
      onEnded: () => channels.delete(name),
    });
    channels.set(name, channel);
    return channel;
  }

  async function dial(remote: PeerId, signal: AbortSignal | undefined): Promise<Channel> {
    throwIfAborted(signal);
    const path = must(pathOfDial(`path ${randomHex(random, 8)}`), 'a path');
    const key = random.bytes(PATH_KEY_BYTES);
    const answered = createDeferred<PeerId>();
    offers.set(path, { remote, answered });
    try {
      tell(remote, path, { kind: 'offer', key: toHex(key), hops: [...deps.hops()] });
      const via = await abortable(answered.promise, signal);
      if (outboundOf(via) === undefined) await deps.linkTo(via, signal);
      return open({ remote, path, via, key }, 'dialling');
    } finally {
      offers.delete(path);
    }
  }

  function onOffer(remote: PeerId, path: PathId, offer: Extract<PathSignal, { readonly kind: 'offer' }>): void {
    if (listeners.size === 0) return;
    const hop = nearest(deps.hops(), remote, offer.hops);
    const reason = deps.refusal(remote) ?? (hop === undefined ? 'no member is linked to both' : undefined);
    if (hop === undefined || reason !== undefined) {
      return tell(remote, path, { kind: 'refused', reason: reason ?? '' });
    }
    forget(remote);
    const stopTimer = clock.setTimer(() => forget(remote), limits.dialMs);
    awaited.set(remote, { remote, path, via: hop, key: must(fromHex(offer.key), 'key'), stopTimer });
    tell(remote, path, { kind: 'answer', hop });
  }

  function forget(remote: PeerId): void {
    awaited.get(remote)?.stopTimer();
    awaited.delete(remote);
  }

  /** The other end does not know yet that the path is over. */
  function refuse(via: PeerId, { from, path }: ForwardedFrame): void {
    const ended = 'the other side knows no such path';
    try {
      outboundOf(via)?.send({ kind: 'forward', to: from, path, ended, payload: NO_PAYLOAD }, PATH_PRIORITY);
    } catch (error) {
      logger.debug('path-not-refused', { from, code: toMeshError(error).code });
    }
  }

  const stopSignals = signals.onSignal(({ from, dial: dialName, data }) => {
    const path = pathOfDial(dialName);
    if (path === undefined) return;
    const signal = parsePathSignal(data);
    if (signal === undefined) return logger.warn('signal-damaged', { from });
    if (signal.kind === 'offer') return onOffer(from, path, signal);
    const offer = offers.get(path);
    if (offer?.remote !== from) return;
    if (signal.kind === 'answer') return offer.answered.resolve(signal.hop);
    offer.answered.reject(new MeshError('link-lost', signal.reason));
  });

  return {
    dial: (remote, options) => dial(remote, options?.signal),
    onChannel(accept) {
      const listener = (channel: Channel): void => accept(channel);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    receive(via, frame) {
      const { from, path } = frame;
      let channel = channels.get(nameOf(from, path));
      const first = awaited.get(from);
      if (channel === undefined && first?.path === path && first.via === via) {
        forget(from);
        channel = open(first, 'dialled');
        for (const accept of [...listeners]) accept(channel);
      }
      if (channel?.via === via) return channel.received(frame);
      if (frame.ended === undefined) refuse(via, frame);
    },
    linkLost(via) {
      for (const channel of [...channels.values()])
        if (channel.via === via) channel.end('the link to the forwarding member was lost');
    },
    close() {
      stopSignals();
      listeners.clear();
      for (const remote of [...awaited.keys()]) forget(remote);
      for (const channel of [...channels.values()]) channel.close('transport closed');
      return Promise.resolve();
    },
  };
}

function nameOf(remote: PeerId, path: PathId): string {
  return `${remote} ${path}`;
}

/** Of our own links the one with the shortest way to both; any of ours for a member that has none yet. */
function nearest(ours: readonly HopChoice[], remote: PeerId, theirs: readonly HopChoice[]): PeerId | undefined {
  const farMs = new Map(theirs.map(({ member, roundTripMs }) => [member, roundTripMs]));
  const common = ours.filter(({ member }) => member !== remote && (farMs.size === 0 || farMs.has(member)));
  const lengthMs = ({ member, roundTripMs }: HopChoice): number => roundTripMs + (farMs.get(member) ?? 0);
  return common.toSorted((a, b) => lengthMs(a) - lengthMs(b))[0]?.member;
}
