// Bare data channels, by the standard's interface alone: what Shoal is measured against. Runs in Node and,
// as it is, in a page: no imports.

interface BareChannel {
  binaryType: string;
  readonly readyState: string;
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onopen: (() => void) | null;
  onbufferedamountlow: (() => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
}

interface BareConnection {
  readonly iceGatheringState: string;
  readonly localDescription: { readonly type: string; readonly sdp: string } | null;
  ondatachannel: ((event: { readonly channel: BareChannel }) => void) | null;
  createDataChannel(label: string): BareChannel;
  createOffer(): Promise<unknown>;
  createAnswer(): Promise<unknown>;
  setLocalDescription(description: unknown): Promise<void>;
  setRemoteDescription(description: unknown): Promise<void>;
  addIceCandidate(candidate: unknown): Promise<void>;
}

export type BareConnectionClass = new (config?: object) => BareConnection;

/** Candidates stand apart, and come after: one implementation loses dials that have them in a description. */
export interface Description {
  readonly type: string;
  readonly sdp: string;
  readonly candidates: readonly string[];
}

export interface RawOps {
  /** Begins a connection of that name. */
  offer(name: string): Promise<Description>;
  answer(name: string, offer: Description): Promise<Description>;
  accept(name: string, answer: Description): Promise<void>;
  candidates(name: string, candidates: readonly string[]): Promise<void>;
  opened(name: string): Promise<void>;
  /** Microseconds of each round trip of one byte, one at a time. */
  echo(name: string, count: number): Promise<readonly number[]>;
  /** Milliseconds until so many bytes have come from the other side, in messages of that size. */
  pull(names: readonly string[], bytes: number, messageBytes: number): Promise<number>;
}

interface Line {
  readonly connection: BareConnection;
  channel?: BareChannel;
}

/** What a sender has in the channel at most, and when it goes on. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const LOW_BYTES = 1024 * 1024;
const PULL = 'pull ';

export function createRawOps(Connection: BareConnectionClass): RawOps {
  const lines = new Map<string, Line>();

  const begin = (name: string): Line => {
    const line: Line = { connection: new Connection({ iceServers: [] }) };
    lines.set(name, line);
    return line;
  };

  const channelOf = (name: string): BareChannel => {
    const channel = lines.get(name)?.channel;
    if (channel === undefined) throw new Error(`no bare channel ${name}`);
    return channel;
  };

  return {
    async offer(name) {
      const line = begin(name);
      const channel = line.connection.createDataChannel('bare');
      await line.connection.setLocalDescription(await line.connection.createOffer());
      use(line, channel);
      return described(line.connection);
    },
    async answer(name, offer) {
      const line = begin(name);
      line.connection.ondatachannel = ({ channel }) => use(line, channel);
      await line.connection.setRemoteDescription(withoutCandidates(offer));
      await line.connection.setLocalDescription(await line.connection.createAnswer());
      return described(line.connection);
    },
    async accept(name, answer) {
      await lines.get(name)?.connection.setRemoteDescription(withoutCandidates(answer));
      await addCandidates(lines.get(name)?.connection, answer.candidates);
    },
    candidates: (name, candidates) => addCandidates(lines.get(name)?.connection, candidates),
    async opened(name) {
      const channel = channelOf(name);
      if (channel.readyState === 'open') return;
      await new Promise<void>((resolve) => {
        channel.onopen = resolve;
      });
    },
    async echo(name, count) {
      const channel = channelOf(name);
      const byte = new Uint8Array(1);
      const samples: number[] = [];
      await new Promise<void>((resolve) => {
        let sentAt = performance.now();
        channel.onmessage = () => {
          const now = performance.now();
          samples.push((now - sentAt) * 1000);
          if (samples.length === count) return resolve();
          sentAt = now;
          channel.send(byte);
        };
        channel.send(byte);
      });
      use(lines.get(name), channel);
      return samples;
    },
    async pull(names, bytes, messageBytes) {
      const beganAt = performance.now();
      await Promise.all(names.map((name) => pullOne(channelOf(name), bytes, messageBytes)));
      for (const name of names) use(lines.get(name), channelOf(name));
      return performance.now() - beganAt;
    },
  };
}

function pullOne(channel: BareChannel, bytes: number, messageBytes: number): Promise<void> {
  let left = bytes;
  return new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      left -= (data as ArrayBuffer).byteLength;
      if (left <= 0) resolve();
    };
    channel.send(`${PULL}${bytes} ${messageBytes}`);
  });
}

/** The side that is asked: a byte comes back, and a text asks for bytes. */
function use(line: Line | undefined, channel: BareChannel): void {
  if (line === undefined) return;
  line.channel = channel;
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = LOW_BYTES;
  channel.onmessage = ({ data }) => {
    if (typeof data !== 'string') return channel.send(new Uint8Array(data as ArrayBuffer));
    const [bytes = 0, messageBytes = 0] = data.slice(PULL.length).split(' ').map(Number);
    stream(channel, bytes, messageBytes);
  };
}

function stream(channel: BareChannel, bytes: number, messageBytes: number): void {
  const message = new Uint8Array(messageBytes).fill(7);
  let left = bytes;
  const pump = (): void => {
    while (left > 0 && channel.bufferedAmount < IN_FLIGHT_BYTES) {
      channel.send(left < messageBytes ? message.subarray(0, left) : message);
      left -= messageBytes;
    }
    if (left <= 0) return;
    // Not every implementation tells when its buffer is low.
    if ('onbufferedamountlow' in channel) channel.onbufferedamountlow = pump;
    else setTimeout(pump, 1);
  };
  pump();
}

async function described(connection: BareConnection): Promise<Description> {
  while (connection.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 5));
  const { type, sdp } = connection.localDescription ?? { type: '', sdp: '' };
  const lines = sdp.split('\r\n').filter((line) => line.startsWith('a=candidate'));
  return { type, sdp, candidates: lines.map((line) => line.slice('a='.length)) };
}

function withoutCandidates({ type, sdp }: Description): { readonly type: string; readonly sdp: string } {
  return { type, sdp: sdp.replace(/a=(candidate|end-of-candidates)[^\r\n]*\r\n/g, '') };
}

async function addCandidates(connection: BareConnection | undefined, candidates: readonly string[]): Promise<void> {
  for (const candidate of candidates) await connection?.addIceCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
}
