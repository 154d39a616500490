// A frame cut into messages of the channel's size, and joined again with bounds. What a sender says
// of a total is believed only as far as its bytes arrive. (Layout: PROTOCOL.md.)

import type { MeshErrorWire } from './mesh-error.ts';
import { PROTOCOL_VERSION, SPOKEN_VERSIONS } from './protocol-version.ts';

/** The fixed head of each fragment. */
export const FRAGMENT_HEAD_BYTES = 16;

const FIRST = 1;
const LAST = 2;
const ABORT = 4;
/** Room made at a stream's first fragment; it doubles as bytes arrive. */
const FIRST_ROOM_BYTES = 256 * 1024;

/** The fragments of one frame, cut on demand, so that those of several frames can be mixed. */
export interface FragmentCutter {
  readonly stream: number;
  readonly totalBytes: number;
  readonly remainingBytes: number;
  /** The next message, head included, at most `maxPayloadBytes` of the frame; undefined when all is cut. */
  next(maxPayloadBytes: number): Uint8Array | undefined;
}

/** `stream` names the frame on its link: each a new number, uint32. */
export function createFragmentCutter(stream: number, frame: Uint8Array): FragmentCutter {
  const totalBytes = frame.length;
  let offset = 0;
  return {
    stream,
    totalBytes,
    get remainingBytes() {
      return totalBytes - offset;
    },
    next(maxPayloadBytes) {
      if (offset >= totalBytes) return undefined;
      const end = Math.min(totalBytes, offset + Math.max(1, maxPayloadBytes));
      const message = new Uint8Array(FRAGMENT_HEAD_BYTES + end - offset);
      const view = new DataView(message.buffer);
      view.setUint8(0, PROTOCOL_VERSION);
      view.setUint8(1, (offset === 0 ? FIRST : 0) | (end === totalBytes ? LAST : 0));
      view.setUint32(4, stream);
      view.setUint32(8, offset);
      view.setUint32(12, totalBytes);
      message.set(frame.subarray(offset, end), FRAGMENT_HEAD_BYTES);
      offset = end;
      return message;
    },
  };
}

/** Ends a frame that was sent in part: a head alone. The receiver forgets what it has of the stream. */
export function createAbortFragment(stream: number): Uint8Array {
  const message = new Uint8Array(FRAGMENT_HEAD_BYTES);
  const view = new DataView(message.buffer);
  view.setUint8(0, PROTOCOL_VERSION);
  view.setUint8(1, ABORT);
  view.setUint32(4, stream);
  return message;
}

export type JoinOutcome = { readonly frame?: Uint8Array } | { readonly error: MeshErrorWire };

export interface FragmentJoiner {
  /** A message of the channel. `frame` when it was the last one. Never throws; after an error nothing of that stream is kept. */
  push(message: Uint8Array): JoinOutcome;
  /** Memory taken for frames not yet whole. */
  readonly heldBytes: number;
  readonly openStreams: number;
}

export interface JoinerBounds {
  readonly frameBytes: number;
  readonly openStreams: number;
  readonly heldBytes: number;
}

interface Fragment {
  readonly stream: number;
  readonly offset: number;
  readonly total: number;
  readonly body: Uint8Array;
}

interface OpenStream {
  readonly total: number;
  received: number;
  /** At least `received` bytes long; the frame itself once all are here. */
  room: Uint8Array;
}

const NOTHING_YET: JoinOutcome = {};

export function createFragmentJoiner(bounds: JoinerBounds): FragmentJoiner {
  const streams = new Map<number, OpenStream>();
  let heldBytes = 0;

  function drop(stream: number): void {
    heldBytes -= streams.get(stream)?.room.length ?? 0;
    streams.delete(stream);
  }

  function refuse(stream: number, sentence: string): JoinOutcome {
    drop(stream);
    return badFragment(`Stream ${stream}: ${sentence}`);
  }

  /** False if the room would go over what this link may hold. */
  function makeRoom(open: OpenStream, needed: number): boolean {
    if (needed <= open.room.length) return true;
    const size = Math.min(open.total, Math.max(needed, 2 * open.room.length, FIRST_ROOM_BYTES));
    if (heldBytes + size - open.room.length > bounds.heldBytes) return false;
    heldBytes += size - open.room.length;
    const room = new Uint8Array(size);
    room.set(open.room.subarray(0, open.received));
    open.room = room;
    return true;
  }

  function openStream({ stream, total }: Fragment): OpenStream | JoinOutcome {
    if (streams.has(stream)) return refuse(stream, 'a second first fragment.');
    if (total > bounds.frameBytes) return refuse(stream, `a frame of ${total} bytes is over ${bounds.frameBytes}.`);
    if (streams.size >= bounds.openStreams) return refuse(stream, `${streams.size} frames are being joined already.`);
    const open: OpenStream = { total, received: 0, room: new Uint8Array(0) };
    streams.set(stream, open);
    return open;
  }

  function join(fragment: Fragment): JoinOutcome {
    const { stream, offset, total, body } = fragment;
    const open = offset === 0 ? openStream(fragment) : streams.get(stream);
    if (open === undefined) return refuse(stream, `a fragment from ${offset} without those before it.`);
    if (!('room' in open)) return open;
    if (open.total !== total || open.received !== offset) {
      return refuse(stream, `a fragment from ${offset} of ${total} where ${open.received} of ${open.total} are here.`);
    }
    if (!makeRoom(open, offset + body.length))
      return refuse(stream, `more than ${bounds.heldBytes} bytes of frames not yet whole.`);
    open.room.set(body, offset);
    open.received += body.length;
    if (open.received < total) return NOTHING_YET;
    drop(stream);
    return { frame: open.room };
  }

  return {
    push(message) {
      if (isAbort(message)) {
        drop(streamOf(message));
        return NOTHING_YET;
      }
      const fragment = readFragment(message);
      if ('error' in fragment) {
        if (message.length >= FRAGMENT_HEAD_BYTES) drop(streamOf(message));
        return fragment;
      }
      const { body, total, stream } = fragment;
      if (body.length < total || streams.has(stream)) return join(fragment);
      if (total > bounds.frameBytes) return refuse(stream, `a frame of ${total} bytes is over ${bounds.frameBytes}.`);
      return { frame: body.byteOffset % 8 === 0 ? body : body.slice() };
    },
    get heldBytes() {
      return heldBytes;
    },
    get openStreams() {
      return streams.size;
    },
  };
}

function readFragment(message: Uint8Array): Fragment | { readonly error: MeshErrorWire } {
  const bodyBytes = message.length - FRAGMENT_HEAD_BYTES;
  if (bodyBytes <= 0) return badFragment(`A message of ${message.length} bytes is no fragment.`);
  const view = new DataView(message.buffer, message.byteOffset, FRAGMENT_HEAD_BYTES);
  const version = view.getUint8(0);
  if (!SPOKEN_VERSIONS.includes(version)) {
    return { error: { code: 'bad-version', message: `A fragment of protocol version ${version}.` } };
  }
  const flags = view.getUint8(1);
  const offset = view.getUint32(8);
  const total = view.getUint32(12);
  const end = offset + bodyBytes;
  const wanted = (offset === 0 ? FIRST : 0) | (end === total ? LAST : 0);
  if (end > total || flags !== wanted || view.getUint16(2) !== 0) {
    return badFragment(`A fragment from ${offset} to ${end} of ${total} with flags ${flags} is damaged.`);
  }
  return { stream: streamOf(message), offset, total, body: message.subarray(FRAGMENT_HEAD_BYTES) };
}

function isAbort(message: Uint8Array): boolean {
  if (message.length !== FRAGMENT_HEAD_BYTES || message[1] !== ABORT) return false;
  const aborted = createAbortFragment(streamOf(message));
  return message.every((byte, index) => byte === aborted[index]);
}

function streamOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset, FRAGMENT_HEAD_BYTES).getUint32(4);
}

function badFragment(message: string): { readonly error: MeshErrorWire } {
  return { error: { code: 'bad-frame', message } };
}
