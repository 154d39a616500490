// What we use of simple-peer. Its browser build runs in Node as well, with the RTC implementation passed in,
// and pulls in no shims of Node's modules: so both sides import the same file.

declare module 'simple-peer/simplepeer.min.js' {
  interface SimplePeer {
    /** Takes what the other side's `signal` event gave. */
    signal(data: object): void;
    destroy(error?: Error): void;
    readonly destroyed: boolean;
    on(event: 'signal', listener: (data: object) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'close', listener: () => void): void;
  }
  interface SimplePeerOptions {
    readonly initiator: boolean;
    readonly trickle: boolean;
    readonly iceCompleteTimeout: number;
    readonly channelName: string;
    readonly config: { readonly iceServers: readonly object[]; readonly iceTransportPolicy: string };
    readonly wrtc: object;
  }
  const Peer: new (options: SimplePeerOptions) => SimplePeer;
  export default Peer;
}
