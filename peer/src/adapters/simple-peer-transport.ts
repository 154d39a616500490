// The `Transport` port over simple-peer, with the RTC implementation and the way for signals passed in. The
// sender of a signal is the registrar's word; each dial has a number of its own, so that what comes late
// for an old one meets nobody.

import {
  abortError,
  createDeferred,
  limits,
  MeshError,
  randomHex,
  shortId,
  throwIfAborted,
  toMeshError,
} from '@shoal/shared';
import type { Clock, Logger, PeerId, Random, Unsubscribe } from '@shoal/shared';
import type { Channel, Transport } from '../ports/transport.ts';
import { createRtcDial, type RtcDial, type RtcDialDeps } from './rtc-dial.ts';
import type { IceTransportPolicy, RtcIceServer, RtcImplementation } from './rtc-types.ts';
import { parseSignalData, type SignalPart } from './signal-data.ts';

/** A signal with its true sender, as the registrar stamped it. */
export interface ReceivedSignal {
  readonly from: PeerId;
  readonly dial: string;
  readonly data: string;
}

export interface SimplePeerTransportDeps {
  readonly self: PeerId;
  readonly rtc: RtcImplementation;
  readonly signals: {
    send(to: PeerId, dial: string, data: string): void;
    onSignal(listener: (signal: ReceivedSignal) => void): Unsubscribe;
  };
  readonly iceServers: () => readonly RtcIceServer[];
  /** Of the connection to each member; all ways unless told. */
  readonly iceTransportPolicy?: ((member: PeerId) => IceTransportPolicy) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Dials of others that are not open yet; one for each remote. */
const MAX_INCOMING = 1_024;

interface Entry {
  readonly remote: PeerId;
  readonly role: 'outgoing' | 'incoming';
  readonly dial: RtcDial;
  readonly ended: Promise<void>;
}

export function createSimplePeerTransport(deps: SimplePeerTransportDeps): Transport {
  const { clock, logger, random, signals } = deps;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(channel: Channel) => void>();
  let isClosed = false;

  /** Throws `no-webrtc` where connections can't be made. */
  function start(
    remote: PeerId,
    dialId: string,
    options: Pick<RtcDialDeps, 'initiator' | 'onOpen'> & { readonly onFailed: (reason: string) => void },
  ): Entry {
    const key = keyOf(remote, dialId);
    const ended = createDeferred<void>();
    let dial: RtcDial;
    try {
      dial = createRtcDial({
        remote,
        initiator: options.initiator,
        rtc: deps.rtc,
        iceServers: deps.iceServers(),
        iceTransportPolicy: deps.iceTransportPolicy?.(remote) ?? 'all',
        clock,
        sendSignal: (data) => signals.send(remote, dialId, data),
        onOpen: options.onOpen,
        onEnd: (reason) => {
          entries.delete(key);
          options.onFailed(reason);
          ended.resolve();
        },
      });
    } catch (error) {
      throw new MeshError('no-webrtc', `No connection can be made here: ${toMeshError(error).message}`, {
        cause: error,
      });
    }
    const entry: Entry = { remote, role: options.initiator ? 'outgoing' : 'incoming', dial, ended: ended.promise };
    entries.set(key, entry);
    return entry;
  }

  async function dialOut(remote: PeerId, signal: AbortSignal | undefined): Promise<Channel> {
    throwIfAborted(signal);
    if (isClosed) throw new MeshError('closed', 'The transport is closed.');
    const opened = createDeferred<Channel>();
    const { dial } = start(remote, randomHex(random, 8), {
      initiator: true,
      onOpen: opened.resolve,
      onFailed: (reason) =>
        opened.reject(
          new MeshError('link-lost', `Member ${shortId(remote)} can't be reached: ${reason}`, {
            detail: { member: remote },
          }),
        ),
    });
    const giveUp = (): void => {
      if (signal !== undefined) opened.reject(abortError(signal));
      dial.destroy('the dial was given up');
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    const stopTimer = clock.setTimer(() => dial.destroy('no answer in time'), limits.dialMs);
    try {
      return await opened.promise;
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', giveUp);
    }
  }

  function answer(remote: PeerId, dialId: string): Entry | undefined {
    for (const entry of entries.values()) {
      // A new dial of the same member: it has given up the one before.
      if (entry.remote === remote && entry.role === 'incoming' && !entry.dial.isOpen)
        entry.dial.destroy('dialled anew');
    }
    if (listeners.size === 0 || entries.size >= MAX_INCOMING) return undefined;
    const entry = start(remote, dialId, {
      initiator: false,
      onOpen: (channel) => {
        stopTimer();
        for (const accept of [...listeners]) accept(channel);
      },
      onFailed: () => stopTimer(),
    });
    const stopTimer = clock.setTimer(() => entry.dial.destroy('not open in time'), limits.dialMs);
    return entry;
  }

  function receive({ from, dial, data }: ReceivedSignal): void {
    if (isClosed) return;
    const parts = parseSignalData(data);
    if (parts === undefined) {
      logger.warn('signal-damaged', { from });
      return;
    }
    let entry = entries.get(keyOf(from, dial));
    try {
      if (entry === undefined && isOffer(parts)) entry = answer(from, dial);
      for (const part of parts) if (entry !== undefined && fits(part, entry)) entry.dial.signal(part);
    } catch (error) {
      logger.warn('signal-refused', { from, why: toMeshError(error).message });
      entry?.dial.destroy('a signal was refused');
    }
  }

  const stopSignals = signals.onSignal(receive);

  return {
    dial: (remote, options) => dialOut(remote, options?.signal),
    onChannel(accept) {
      const listener = (channel: Channel): void => accept(channel);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      isClosed = true;
      stopSignals();
      listeners.clear();
      const open = [...entries.values()];
      for (const { dial } of open) dial.close('transport closed');
      await Promise.all(open.map(({ ended }) => ended));
    },
  };
}

function keyOf(remote: PeerId, dialId: string): string {
  return `${remote} ${dialId}`;
}

function isOffer(parts: readonly SignalPart[]): boolean {
  return parts.some(({ type }) => type === 'offer');
}

/** Whoever dialled takes answers, whoever was dialled offers. */
function fits(part: SignalPart, { role }: Entry): boolean {
  return part.type === 'candidate' || part.type === (role === 'outgoing' ? 'answer' : 'offer');
}
