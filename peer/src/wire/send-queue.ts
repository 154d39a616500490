// Frames that wait to be sent on one link: bounded, in three priorities. Frames of one request, about
// one slot, or of one path form a flow and keep their order; the flows of a priority take turns, fragment by fragment, so
// that a large value holds up no small one. Large frames are encoded when their turn has come.

import { createAbortFragment, createFragmentCutter, encodeFrame, limits, MeshError } from '@shoal/shared';
import type { FragmentCutter, Frame, FramePriority } from '@shoal/shared';

/** Encoded at once up to here: what can't be encoded is told to who sends it, and later changes don't show. */
const ENCODE_AT_ONCE_BYTES = 64 * 1024;
/** Frames sent in part at one time, together: what the receiver joins, less what aborted ones may still hold there. */
const OPEN_BYTES = limits.joiningBytes - limits.frameBytes / 4;
const OPEN_FRAMES = limits.framesJoining / 2;
/** Counted for a head that is not encoded yet. */
const HEAD_GUESS_BYTES = 1024;

export interface SendQueue {
  /** Throws `busy` at a bound, `bad-frame` for a frame that can't be encoded. */
  push(frame: Frame, priority: FramePriority): void;
  /** The next message for the channel, head included; undefined when nothing waits. */
  next(maxPayloadBytes: number): Uint8Array | undefined;
  /** Drops what waits of that request; of a frame that has been sent in part, the rest. */
  unsend(id: string): void;
  clear(): void;
  /** Bytes that wait of the frames with which this one would keep its order. */
  bytesBefore(frame: Frame, priority: FramePriority): number;
  readonly bytes: number;
  readonly frames: number;
}

export interface SendQueueOptions {
  /** A number for each frame of the link. */
  readonly nextStream: () => number;
  /** A large frame that could not be encoded when its turn came: it is dropped. */
  readonly onUnsendable: (error: unknown, kind: Frame['kind']) => void;
}

interface Waiting {
  /** Either the frame, or its bytes once it is encoded. */
  readonly frame: Frame | undefined;
  readonly encoded: Uint8Array | undefined;
  readonly sizeBytes: number;
  next: Waiting | undefined;
}

interface Flow {
  readonly key: string;
  first: Waiting | undefined;
  last: Waiting | undefined;
  cutter: FragmentCutter | undefined;
  bytes: number;
  next: Flow | undefined;
}

interface Lane {
  readonly flows: Map<string, Flow>;
  /** The ring of turns, as a list from head to tail. */
  head: Flow | undefined;
  tail: Flow | undefined;
}

export function createSendQueue(options: SendQueueOptions): SendQueue {
  const lanes: readonly [Lane, Lane, Lane] = [createLane(), createLane(), createLane()];
  let aborts: number[] = [];
  let bytes = 0;
  let frames = 0;
  let openBytes = 0;
  let openFrames = 0;

  /** Whether the receiver can join one more frame; one alone always. */
  const mayOpen = (sizeBytes: number): boolean =>
    openFrames === 0 || (openFrames < OPEN_FRAMES && openBytes + sizeBytes <= OPEN_BYTES);

  const count = (flow: Flow, change: number): void => {
    flow.bytes += change;
    bytes += change;
  };

  const closeCutter = (flow: Flow): void => {
    if (flow.cutter === undefined) return;
    openBytes -= flow.cutter.totalBytes;
    openFrames -= 1;
    frames -= 1;
    flow.cutter = undefined;
  };

  /** The next frame of a flow that can be cut; those that can't be encoded are dropped. */
  function openCutter(flow: Flow): FragmentCutter | undefined {
    while (flow.cutter === undefined && flow.first !== undefined) {
      const waiting = flow.first;
      if (!mayOpen(waiting.sizeBytes)) return undefined;
      flow.first = waiting.next;
      if (flow.first === undefined) flow.last = undefined;
      const encoded = waiting.encoded ?? encodeLate(waiting.frame, options);
      count(flow, (encoded?.byteLength ?? 0) - waiting.sizeBytes);
      if (encoded === undefined) {
        frames -= 1;
        continue;
      }
      flow.cutter = createFragmentCutter(options.nextStream(), encoded);
      openBytes += encoded.byteLength;
      openFrames += 1;
    }
    return flow.cutter;
  }

  /** Each flow is asked once: one whose next frame can't be opened yet keeps its place in the ring. */
  function takeFrom(lane: Lane, maxPayloadBytes: number): Uint8Array | undefined {
    const last = lane.tail;
    for (let flow = shift(lane); flow !== undefined; flow = shift(lane)) {
      const message = takeFragment(flow, maxPayloadBytes);
      if (flow.cutter === undefined && flow.first === undefined) lane.flows.delete(flow.key);
      else append(lane, flow);
      if (message !== undefined || flow === last) return message;
    }
    return undefined;
  }

  function takeFragment(flow: Flow, maxPayloadBytes: number): Uint8Array | undefined {
    const cutter = openCutter(flow);
    if (cutter === undefined) return undefined;
    const before = cutter.remainingBytes;
    const message = cutter.next(maxPayloadBytes);
    count(flow, cutter.remainingBytes - before);
    if (cutter.remainingBytes === 0) closeCutter(flow);
    return message;
  }

  function empty(flow: Flow): void {
    count(flow, -flow.bytes);
    for (let waiting = flow.first; waiting !== undefined; waiting = waiting.next) frames -= 1;
    if (flow.cutter !== undefined) {
      aborts.push(flow.cutter.stream);
      closeCutter(flow);
    }
    flow.first = undefined;
    flow.last = undefined;
  }

  return {
    push(frame, priority) {
      const payloadBytes = 'payload' in frame ? frame.payload.byteLength : 0;
      const encoded = payloadBytes <= ENCODE_AT_ONCE_BYTES ? encodeFrame(frame) : undefined;
      const sizeBytes = encoded?.byteLength ?? payloadBytes + HEAD_GUESS_BYTES;
      if (frames >= limits.outboundFrames || bytes + sizeBytes > limits.outboundBytes) {
        throw new MeshError('busy', `${frames} frames of ${bytes} bytes wait to be sent to this member already.`);
      }
      const lane = lanes[priority];
      const key = flowOf(frame);
      const flow = lane.flows.get(key) ?? addFlow(lane, key);
      const waiting: Waiting = {
        frame: encoded === undefined ? frame : undefined,
        encoded,
        sizeBytes,
        next: undefined,
      };
      if (flow.last === undefined) flow.first = waiting;
      else flow.last.next = waiting;
      flow.last = waiting;
      count(flow, sizeBytes);
      frames += 1;
    },
    next(maxPayloadBytes) {
      const stream = aborts.shift();
      if (stream !== undefined) return createAbortFragment(stream);
      for (const lane of lanes) {
        const message = takeFrom(lane, maxPayloadBytes);
        if (message !== undefined) return message;
      }
      return undefined;
    },
    unsend(id) {
      for (const lane of lanes) {
        const flow = lane.flows.get(id);
        // An empty flow leaves the ring when its turn comes.
        if (flow !== undefined) empty(flow);
      }
    },
    clear() {
      for (const lane of lanes) {
        lane.flows.clear();
        lane.head = undefined;
        lane.tail = undefined;
      }
      aborts = [];
      bytes = 0;
      frames = 0;
      openBytes = 0;
      openFrames = 0;
    },
    bytesBefore: (frame, priority) => lanes[priority].flows.get(flowOf(frame))?.bytes ?? 0,
    get bytes() {
      return bytes;
    },
    get frames() {
      return frames;
    },
  };
}

/** A cancel must not wait behind, nor be dropped with, the request that it ends. */
function flowOf(frame: Frame): string {
  if (frame.kind === 'cancel') return frame.kind;
  if ('id' in frame) return frame.id;
  if (frame.kind === 'forward') return `to ${frame.to}`;
  if (frame.kind === 'forwarded') return `from ${frame.from}`;
  return 'slot' in frame ? `slot ${frame.slot}` : frame.kind;
}

function encodeLate(frame: Frame | undefined, options: SendQueueOptions): Uint8Array | undefined {
  if (frame === undefined) return undefined;
  try {
    return encodeFrame(frame);
  } catch (error) {
    options.onUnsendable(error, frame.kind);
    return undefined;
  }
}

function createLane(): Lane {
  return { flows: new Map(), head: undefined, tail: undefined };
}

function addFlow(lane: Lane, key: string): Flow {
  const flow: Flow = { key, first: undefined, last: undefined, cutter: undefined, bytes: 0, next: undefined };
  lane.flows.set(key, flow);
  append(lane, flow);
  return flow;
}

function append(lane: Lane, flow: Flow): void {
  if (lane.tail === undefined) lane.head = flow;
  else lane.tail.next = flow;
  lane.tail = flow;
}

function shift(lane: Lane): Flow | undefined {
  const flow = lane.head;
  if (flow === undefined) return undefined;
  lane.head = flow.next;
  if (lane.head === undefined) lane.tail = undefined;
  flow.next = undefined;
  return flow;
}
