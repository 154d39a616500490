// The little that we need of an RTC implementation, so that the browser's and a library's both fit.

export interface RtcDataChannel {
  readonly readyState: string;
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  binaryType: string;
  /** Set by simple-peer, which would collect messages that nobody reads. */
  onmessage: unknown;
  send(message: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'bufferedamountlow', listener: () => void): void;
}

export interface RtcPeerConnection {
  createDataChannel(label: string, init?: object): RtcDataChannel;
  addEventListener(type: 'datachannel', listener: (event: { readonly channel: RtcDataChannel }) => void): void;
}

/** `{ RTCPeerConnection, RTCSessionDescription, RTCIceCandidate }` of a page, or of a library. */
export interface RtcImplementation {
  readonly RTCPeerConnection: new (config?: object) => RtcPeerConnection;
  readonly RTCSessionDescription: unknown;
  readonly RTCIceCandidate: unknown;
}

/** Which ways to a member may be tried: all, or relays (TURN servers) only. */
export type IceTransportPolicy = 'all' | 'relay';

/** A STUN or TURN server, as the registrar names it. */
export interface RtcIceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}
