// A member made by hand: it joins and greets as the protocol says, over a real socket and a real data
// channel, and then says whatever a test wants said. Nothing of a member's own links is between.

import { encode } from '@msgpack/msgpack';
import {
  createFragmentCutter,
  createFragmentJoiner,
  createKeyPair,
  createSystemClock,
  createSystemRandom,
  decodeFrame,
  decodeRows,
  encodeFrame,
  FRAME_HEADER_BYTES,
  joinProof,
  limits,
  peerIdOf,
  randomHex,
  sign,
  silentLogger,
  SPOKEN_VERSIONS,
  toHex,
  type Answer,
  type Configuration,
  type Frame,
  type HelloFrame,
  type Incarnation,
  type Join,
  type Joined,
  type KeyPair,
  type PeerId,
  type RelayedSignal,
  type RosterEntry,
} from '@shoal/shared';
import { io, type Socket } from 'socket.io-client';
import { loadRtc } from '../../node-peer/src/adapters/rtc.ts';
import type { RtcDataChannel, RtcImplementation } from '../../peer/src/adapters/rtc-types.ts';
import { createSimplePeerTransport } from '../../peer/src/adapters/simple-peer-transport.ts';
import type { Channel } from '../../peer/src/ports/transport.ts';
import { until } from './support.ts';

const ANSWER_MS = 10_000;
const random = createSystemRandom();

export interface SocketOptions {
  readonly mesh?: string;
  readonly token?: string;
  readonly auth?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A socket with its challenge, or the refusal of its handshake. */
export interface Connection {
  readonly socket: Socket;
  readonly nonce: string;
  /** Every event but `challenge`, as it came. */
  readonly events: { readonly name: string; readonly payload: unknown }[];
  ask(name: string, ...payload: readonly unknown[]): Promise<Answer<unknown>>;
  close(): void;
}

export function connect(url: string, options: SocketOptions = {}): Promise<Connection> {
  const token = options.token === undefined ? {} : { token: options.token };
  const socket = io(url, {
    auth: (options.auth ?? { mesh: options.mesh ?? 'main', versions: [...SPOKEN_VERSIONS], ...token }) as object,
    forceNew: true,
    reconnection: false,
    transports: ['websocket'],
    ...(options.headers === undefined ? {} : { extraHeaders: options.headers }),
  });
  const events: { name: string; payload: unknown }[] = [];
  socket.onAny((name: string, payload: unknown) => {
    if (name !== 'challenge') events.push({ name, payload });
  });
  return new Promise((resolve, reject) => {
    socket.once('connect_error', (error) => {
      socket.disconnect();
      reject(error);
    });
    // A connection that is cut during its handshake tells the socket nothing; one that is refused closes first.
    socket.io.once('close', (reason) => void setTimeout(() => reject(new Error(reason)), 20));
    socket.once('challenge', ({ nonce }: { readonly nonce: string }) =>
      resolve({
        socket,
        nonce,
        events,
        ask: (name, ...payload) =>
          new Promise((answered, failed) => {
            const timer = setTimeout(() => failed(new Error(`no answer to ${name}`)), ANSWER_MS);
            socket.emit(name, ...payload, (answer: Answer<unknown>) => {
              clearTimeout(timer);
              answered(answer);
            });
          }),
        close: () => void socket.disconnect(),
      }),
    );
  });
}

export interface Identity {
  readonly keyPair: KeyPair;
  readonly id: PeerId;
  readonly incarnation: Incarnation;
}

export function createIdentity(): Identity {
  const keyPair = createKeyPair(random);
  return { keyPair, id: peerIdOf(keyPair.publicKey), incarnation: randomHex(random, 8) as Incarnation };
}

/** What a command says of itself when it joins, well signed; `changes` are made afterwards. */
export function joinOf(identity: Identity, nonce: string, changes: Partial<Record<keyof Join, unknown>> = {}): object {
  const { keyPair, incarnation } = identity;
  return {
    publicKey: toHex(keyPair.publicKey),
    signature: toHex(sign(joinProof(nonce, 'main', incarnation), keyPair.secretKey)),
    incarnation,
    versions: [...SPOKEN_VERSIONS],
    kind: 'command',
    name: 'mallory',
    durability: 'relaxed',
    ephemeral: true,
    weight: 0,
    workers: 0,
    paused: true,
    freeBytes: 0,
    domain: identity.id,
    ...changes,
  };
}

export interface RawMember extends Identity {
  readonly connection: Connection;
  readonly joined: Joined;
  readonly rows: readonly Configuration[];
  memberNamed(name: string): RosterEntry;
  /** A channel to that member, over which nothing has been said. */
  dial(to: PeerId): Promise<RawLink>;
  /** A channel, greeted as it should be. */
  link(to: PeerId): Promise<RawLink>;
  hello(changes?: Partial<HelloFrame>): HelloFrame;
  close(): Promise<void>;
}

export async function joinRaw(url: string, changes: Partial<Record<keyof Join, unknown>> = {}): Promise<RawMember> {
  const identity = createIdentity();
  const connection = await connect(url);
  const answer = (await connection.ask('join', joinOf(identity, connection.nonce, changes))) as Answer<Joined>;
  if ('error' in answer) throw new Error(answer.error.message);
  const joined = answer.ok;
  const opened: RtcDataChannel[] = [];
  const transport = createSimplePeerTransport({
    self: identity.id,
    rtc: showing(opened),
    signals: {
      send: (to, dial, data) => void connection.ask('signal', { to, dial, data }).catch(() => undefined),
      onSignal: (listener) => {
        connection.socket.on('signal', (signal: RelayedSignal) => listener(signal));
        return () => undefined;
      },
    },
    iceServers: () => [],
    clock: createSystemClock(),
    random,
    logger: silentLogger,
  });
  const hello: RawMember['hello'] = (other = {}) => ({
    kind: 'hello',
    versions: SPOKEN_VERSIONS,
    mesh: joined.mesh,
    meshId: joined.meshId,
    member: identity.id,
    incarnation: identity.incarnation,
    term: joined.table.term,
    tableEpoch: joined.table.epoch,
    durability: 'relaxed',
    fragmentBytes: limits.fragmentBytes,
    ...other,
  });
  const dial = async (to: PeerId): Promise<RawLink> => {
    const channel = await dialPatiently(() => transport.dial(to));
    const data = opened.at(-1);
    if (data === undefined) throw new Error('no data channel');
    return createRawLink(channel, data);
  };
  return {
    ...identity,
    connection,
    joined,
    rows: decodeRows(new Uint8Array(joined.table.rows)) ?? [],
    memberNamed: (name) => {
      const entry = joined.roster.find((each) => each.name === name);
      if (entry === undefined) throw new Error(`nobody is called ${name}`);
      return entry;
    },
    dial,
    link: async (to) => {
      const link = await dial(to);
      link.send(hello());
      await link.next('hello');
      // Our hello was taken: else nobody would ask whether we are alive.
      await link.next('heartbeat');
      return link;
    },
    hello,
    close: async () => {
      await transport.close();
      connection.close();
    },
  };
}

/** One dial in several hundred never opens. */
async function dialPatiently(dial: () => Promise<Channel>): Promise<Channel> {
  try {
    return await dial();
  } catch {
    return dial();
  }
}

export interface RawLink {
  /** As one frame should be sent. */
  send(frame: Frame): void;
  /** The bytes of a frame, whatever they are, in proper fragments. */
  sendBytes(frame: Uint8Array): void;
  /** A message of the channel, whatever it is. */
  sendMessage(message: Uint8Array): void;
  sendText(text: string): void;
  /** Resolves when what was sent has left. */
  drained(): Promise<void>;
  /** The next frame of that kind that was not asked for before. */
  next<Kind extends Frame['kind']>(
    kind: Kind,
    matches?: (frame: Extract<Frame, { kind: Kind }>) => boolean,
  ): Promise<Extract<Frame, { kind: Kind }>>;
  readonly received: readonly Frame[];
  readonly isClosed: boolean;
  /** Resolves when the other side has closed it. */
  readonly closed: Promise<string>;
  /** From here on nothing that comes is told as taken, and heartbeats are answered still. */
  stopCrediting(): void;
  close(): void;
}

function createRawLink(channel: Channel, data: RtcDataChannel): RawLink {
  const received: Frame[] = [];
  const joiner = createFragmentJoiner({
    frameBytes: limits.frameBytes,
    openStreams: 1_024,
    heldBytes: 4 * limits.frameBytes,
  });
  let stream = 0;
  let isClosed = false;
  let isCrediting = true;
  const closed = new Promise<string>((resolve) => {
    channel.onClose((reason) => {
      isClosed = true;
      resolve(reason);
    });
  });
  const sendBytes = (bytes: Uint8Array): void => {
    stream += 1;
    const cutter = createFragmentCutter(stream, bytes);
    for (
      let part = cutter.next(limits.fragmentBytesInitial);
      part !== undefined;
      part = cutter.next(limits.fragmentBytesInitial)
    ) {
      channel.send(part);
    }
  };
  const link: RawLink = {
    send: (frame) => sendBytes(encodeFrame(frame)),
    sendBytes,
    sendMessage: (message) => data.send(message.slice()),
    // The port has no text: what no member sends.
    sendText: (text) => (data as unknown as { send(text: string): void }).send(text),
    drained: () =>
      until(
        () => isClosed || data.bufferedAmount === 0,
        () => 'the channel to take what was sent',
      ),
    next: async (kind, matches = () => true) => {
      const giveUpAt = performance.now() + ANSWER_MS;
      for (;;) {
        const index = received.findIndex((frame) => frame.kind === kind && matches(frame as never));
        if (index >= 0) return received.splice(index, 1)[0] as never;
        if (isClosed) throw new Error(`The link was closed (${await closed}) before a ${kind} came.`);
        if (performance.now() > giveUpAt) throw new Error(`No ${kind} came in ${ANSWER_MS} ms.`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    received,
    get isClosed() {
      return isClosed;
    },
    closed,
    stopCrediting: () => {
      isCrediting = false;
    },
    close: () => channel.close('done'),
  };
  channel.onMessage((message) => {
    const joined = joiner.push(message);
    if (isCrediting && !isClosed) link.send({ kind: 'credit', bytes: message.byteLength });
    if (!('frame' in joined) || joined.frame === undefined) return;
    const decoded = decodeFrame(joined.frame);
    if ('error' in decoded) throw new Error(`a member sent a damaged frame: ${decoded.error.message}`);
    const frame = decoded.ok;
    if (frame.kind === 'heartbeat' && !isClosed) {
      link.send({
        kind: 'alive',
        number: frame.number,
        incarnation: '00'.repeat(8) as Incarnation,
        term: 0,
        tableEpoch: 0,
        freeBytes: 0,
        lease: false,
      });
    }
    if (frame.kind !== 'credit' && frame.kind !== 'alive') received.push(frame);
    // A long test must not collect them.
    if (frame.kind === 'heartbeat' && received.length > 100_000) received.splice(0, 1);
  });
  return link;
}

export interface RawFrame {
  readonly version?: number;
  readonly kind: number;
  /** MessagePack of it, or these bytes. */
  readonly head: unknown;
  readonly payload?: Uint8Array;
  /** What the header says, if not the truth. */
  readonly headLength?: number;
  readonly payloadLength?: number;
}

/** A frame's bytes without any check. */
export function rawFrame({
  version = 1,
  kind,
  head,
  payload = new Uint8Array(0),
  headLength,
  payloadLength,
}: RawFrame): Uint8Array {
  const headBytes = head instanceof Uint8Array ? head : encode(head);
  const payloadStart = Math.ceil((FRAME_HEADER_BYTES + headBytes.length) / 8) * 8;
  const bytes = new Uint8Array(payloadStart + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint8(1, kind);
  view.setUint32(4, headLength ?? headBytes.length);
  view.setUint32(8, payloadLength ?? payload.length);
  bytes.set(headBytes, FRAME_HEADER_BYTES);
  bytes.set(payload, payloadStart);
  return bytes;
}

export interface RawFragment {
  readonly version?: number;
  readonly flags: number;
  readonly stream: number;
  readonly offset: number;
  readonly total: number;
  readonly body: Uint8Array;
}

/** A message of the channel without any check. */
export function rawFragment({ version = 1, flags, stream, offset, total, body }: RawFragment): Uint8Array {
  const message = new Uint8Array(16 + body.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, version);
  view.setUint8(1, flags);
  view.setUint32(4, stream);
  view.setUint32(8, offset);
  view.setUint32(12, total);
  message.set(body, 16);
  return message;
}

/** The real implementation, which shows each data channel that is made. */
function showing(opened: RtcDataChannel[]): RtcImplementation {
  const rtc = loadRtc();
  return {
    ...rtc,
    RTCPeerConnection: new Proxy(rtc.RTCPeerConnection, {
      construct(Target, [config]: [object?]) {
        const connection = new Target(config);
        const create = connection.createDataChannel.bind(connection);
        connection.createDataChannel = (label: string, init?: object) => {
          const channel = create(label, init);
          opened.push(channel);
          return channel;
        };
        return connection;
      },
    }),
  };
}
