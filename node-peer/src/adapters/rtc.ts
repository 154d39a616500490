// The one import of an RTC implementation in Node: node-datachannel's polyfill, smoothed where it and
// simple-peer disagree, and where it loses a dial or a second.
//
// Who dials keeps its candidates until it has the answer. The library answers ICE checks before it knows the
// remote's description, so that the dialled side could be ready first: it then opens DTLS towards a side that
// drops its first flight, and sends it again after a second (13 of 30 dials on one machine, now none of 500).
// With its own checks the dialling side is ready before the other, and nothing is lost.

import { cleanup } from 'node-datachannel';
import { RTCIceCandidate, RTCPeerConnection as Polyfill, RTCSessionDescription } from 'node-datachannel/polyfill';
import type { RtcImplementation, Transport } from '@shoal/peer';

interface Description {
  readonly type: string;
  readonly sdp: string;
}

type CandidateListener = (event: Event) => void;

/** The implementation to pass to the transport. */
export function loadRtc(): RtcImplementation {
  // The library types its listeners as taking any `Event`; what it gives them is what the port names.
  const RTCPeerConnection = SmoothedPeerConnection as unknown as RtcImplementation['RTCPeerConnection'];
  return { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate };
}

let users = 0;

/** The same transport, after the last of which the library's threads end, so that the process can end. */
export function endingRtc(transport: Transport): Transport {
  users += 1;
  let closing: Promise<void> | undefined;
  return {
    dial: transport.dial,
    onChannel: transport.onChannel,
    close: () => {
      closing ??= transport.close().then(() => {
        users -= 1;
        // With a connection left it would throw: whoever holds that one ends the threads.
        if (users === 0) closeRtc();
      });
      return closing;
    },
  };
}

/** Ends the library's threads. With a connection left it throws. */
export function closeRtc(): void {
  cleanup();
}

const SmoothedPeerConnection = new Proxy(Polyfill, {
  construct(Target, [config]) {
    const connection = new Target(config);
    const createOffer = connection.createOffer.bind(connection);
    const createAnswer = connection.createAnswer.bind(connection);
    const setRemoteDescription = connection.setRemoteDescription.bind(connection);
    const addIceCandidate = connection.addIceCandidate.bind(connection);
    const candidates = holdCandidates(connection);
    // With `relay` the library keeps its addresses to itself, but would try the remote's from them all the same.
    const isRelayOnly = config?.iceTransportPolicy === 'relay';
    // The library describes itself when the remote's description is set, asked or not: nobody may be listening
    // when that fails. The dial then runs into its deadline.
    createAnswer().catch(() => undefined);
    // simple-peer writes `sdp`, which is read-only in the library's descriptions.
    connection.createOffer = async () => plain(await createOffer());
    connection.createAnswer = async () => plain(await createAnswer());
    connection.setRemoteDescription = async (description) => {
      const { type, sdp = '' } = description;
      await setRemoteDescription(isRelayOnly ? { type, sdp: withoutDirectCandidates(sdp) } : description);
      candidates.release();
    };
    // One candidate that is refused (of another network, or late) leaves the others.
    connection.addIceCandidate = (candidate) =>
      isRelayOnly && !/ typ relay/.test(candidate?.candidate ?? '')
        ? Promise.resolve()
        : addIceCandidate(candidate).catch(() => undefined);
    return connection;
  },
});

/** Stands between the library's candidates and whoever sends them on. */
function holdCandidates(connection: Polyfill): { release(): void } {
  let listener: CandidateListener | null = null;
  let held: Event[] | undefined = [];
  const described = Object.getOwnPropertyDescriptor(Polyfill.prototype, 'localDescription');
  Object.defineProperties(connection, {
    onicecandidate: {
      get: () => (event: Event) => {
        if (held === undefined) listener?.(event);
        else held.push(event);
      },
      set: (set: CandidateListener | null) => {
        listener = set;
      },
    },
    localDescription: {
      get: () => {
        const description = plain(described?.get?.call(connection));
        return held === undefined ? description : { ...description, sdp: withoutCandidates(description.sdp) };
      },
    },
  });
  return {
    release() {
      const kept = held ?? [];
      held = undefined;
      for (const event of kept) listener?.(event);
    },
  };
}

function plain({ type, sdp }: Description): Description {
  return { type, sdp };
}

function withoutCandidates(sdp: string): string {
  return sdp.replace(/a=(candidate|end-of-candidates)[^\r\n]*\r\n/g, '');
}

function withoutDirectCandidates(sdp: string): string {
  return sdp.replace(/a=candidate(?!.* typ relay)[^\r\n]*\r\n/g, '');
}
