// Two transports over real data channels in one process, with the registrar's part played by a function.

import { createSimplePeerTransport, type RtcImplementation } from '@shoal/peer';
import { createSystemClock, createSystemRandom, silentLogger, type PeerId } from '@shoal/shared';
import { ada, ben, type TransportsUnderTest } from './transport.contract.ts';

export interface PassedSignal {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly dial: string;
  readonly data: string;
}

export interface RtcTransports extends TransportsUnderTest {
  /** Every signal that was sent, in order. */
  readonly signals: readonly PassedSignal[];
  /** Gives a signal to `to` as the registrar would. */
  pass(signal: PassedSignal): void;
  /** While it says false, signals are lost. */
  passes: (signal: PassedSignal) => boolean;
}

interface Closable {
  readonly connectionState: string;
}

export function createRtcTransports(rtc: RtcImplementation): RtcTransports {
  const signals: PassedSignal[] = [];
  const listeners = new Map<PeerId, (signal: { from: PeerId; dial: string; data: string }) => void>();
  const connections: Closable[] = [];
  const counting = {
    ...rtc,
    RTCPeerConnection: new Proxy(rtc.RTCPeerConnection, {
      construct(Target, [config]: [object?]) {
        const connection = new Target(config);
        connections.push(connection as unknown as Closable);
        return connection;
      },
    }),
  };
  const transports: RtcTransports = {
    ada: create(ada),
    ben: create(ben),
    signals,
    passes: () => true,
    pass: ({ from, to, dial, data }) => listeners.get(to)?.({ from, dial, data }),
    openConnections: () => connections.filter(({ connectionState }) => connectionState !== 'closed').length,
    dispose: () => Promise.resolve(),
  };

  function create(self: PeerId) {
    return createSimplePeerTransport({
      self,
      rtc: counting,
      clock: createSystemClock(),
      random: createSystemRandom(),
      logger: silentLogger,
      iceServers: () => [],
      signals: {
        send(to, dial, data) {
          const signal = { from: self, to, dial, data };
          signals.push(signal);
          if (transports.passes(signal)) setTimeout(() => transports.pass(signal), 1);
        },
        onSignal(listener) {
          listeners.set(self, listener);
          return () => listeners.delete(self);
        },
      },
    });
  }
  return transports;
}
