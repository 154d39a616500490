// One try to connect two members by simple-peer, from either side, and the connection that comes of it.

import type { Clock, PeerId } from '@shoal/shared';
import Peer from 'simple-peer/simplepeer.min.js';
import { createRtcChannel, type RtcChannel } from './rtc-channel.ts';
import type {
  IceTransportPolicy,
  RtcDataChannel,
  RtcIceServer,
  RtcImplementation,
  RtcPeerConnection,
} from './rtc-types.ts';
import { createSignalBatch, type SignalPart } from './signal-data.ts';

/** For what was sent before the close to arrive: Chromium drops what it receives once a channel is closing. */
const LINGER_MS = 50;
/** For all of that, and for the other side to say that it saw the end. */
const CLOSING_MS = 500;

export interface RtcDialDeps {
  readonly remote: PeerId;
  readonly initiator: boolean;
  readonly rtc: RtcImplementation;
  readonly iceServers: readonly RtcIceServer[];
  readonly iceTransportPolicy: IceTransportPolicy;
  readonly clock: Clock;
  readonly sendSignal: (text: string) => void;
  readonly onOpen: (channel: RtcChannel) => void;
  /** Called once, when nothing of it is left. */
  readonly onEnd: (reason: string) => void;
}

export interface RtcDial {
  readonly isOpen: boolean;
  signal(part: SignalPart): void;
  /** Ends it at once, channel and connection. */
  destroy(reason: string): void;
  /** As `destroy`, but what was sent before still leaves. */
  close(reason: string): void;
}

export function createRtcDial(deps: RtcDialDeps): RtcDial {
  const { clock, remote } = deps;
  let channel: RtcChannel | undefined;
  let data: RtcDataChannel | undefined;
  let isOpen = false;
  let reason = 'closed';
  let stopTimer = (): void => undefined;
  const batch = createSignalBatch(clock, deps.sendSignal);

  const capture = (captured: RtcDataChannel): void => {
    // A remote that opens a second channel gains nothing.
    if (data !== undefined) return captured.close();
    data = captured;
    channel = createRtcChannel(captured, { remote, clock, onClosing: closeGently });
    captured.addEventListener('open', opened);
    if (captured.readyState === 'open') queueMicrotask(opened);
  };
  const peer = new Peer({
    initiator: deps.initiator,
    trickle: true,
    // Means nothing when candidates trickle, but its timer of 5 s would keep a process alive.
    iceCompleteTimeout: 1,
    channelName: 'shoal',
    config: { iceServers: deps.iceServers, iceTransportPolicy: deps.iceTransportPolicy },
    wrtc: { ...deps.rtc, RTCPeerConnection: capturing(deps.rtc, capture) },
  });
  peer.on('signal', (part) => batch.add(part));
  peer.on('error', (error) => {
    reason = error.message;
  });
  peer.on('close', () => {
    stopTimer();
    batch.stop();
    channel?.end(reason);
    deps.onEnd(reason);
  });

  function opened(): void {
    if (isOpen || channel === undefined || data === undefined || peer.destroyed) return;
    isOpen = true;
    data.onmessage = null;
    deps.onOpen(channel);
  }

  function closeGently(): void {
    const stopDestroy = clock.setTimer(() => peer.destroy(), CLOSING_MS);
    const stopLinger = clock.setTimer(closeData, LINGER_MS);
    stopTimer = () => {
      stopDestroy();
      stopLinger();
    };
  }

  function closeData(): void {
    if (data === undefined || peer.destroyed) return;
    // Its `close` event makes simple-peer end the connection.
    if (data.bufferedAmount === 0) data.close();
    else clock.setTimer(closeData, LINGER_MS);
  }

  return {
    get isOpen() {
      return isOpen;
    },
    signal(part) {
      if (!peer.destroyed) peer.signal(part);
    },
    destroy(why) {
      reason = why;
      peer.destroy();
    },
    close(why) {
      reason = why;
      if (isOpen) channel?.close(why);
      else peer.destroy();
    },
  };
}

/** A constructor that shows us the data channel, which simple-peer keeps to itself. */
function capturing(
  rtc: RtcImplementation,
  capture: (channel: RtcDataChannel) => void,
): RtcImplementation['RTCPeerConnection'] {
  return new Proxy(rtc.RTCPeerConnection, {
    construct(Target, [config]: [object?]): RtcPeerConnection {
      const connection = new Target(config);
      const create = connection.createDataChannel.bind(connection);
      connection.createDataChannel = (label, init) => {
        const channel = create(label, init);
        capture(channel);
        return channel;
      };
      connection.addEventListener('datachannel', ({ channel }) => capture(channel));
      return connection;
    },
  });
}
