// Puts of two keys. A program puts one key at a time; the protocol takes as many of a slot as fit. So some
// puts get a second key of their slot on their way, in every try, and whoever sees one half knows that the
// other has happened too: a copy has all of a Put or none.

import {
  createFragmentCutter,
  decodeFrame,
  encodeFrame,
  packValues,
  type Configuration,
  type Frame,
  type Key,
  type PeerId,
  type PutFrame,
  type RequestId,
  type Slot,
} from '@shoal/shared';
import { FRAME_KIND_NUMBERS } from '../../shared/src/frame-kinds.ts';
import type { Operation, Told } from './history.ts';
import type { PipeEnd } from './sim-pipe.ts';
import type { World } from './world.ts';

export interface Pairs {
  /** What is sent instead of a message. */
  replace(from: PipeEnd, message: Uint8Array): Uint8Array;
  /** A frame that a member sent. */
  saw(frame: Frame): void;
  rowsStored(rows: readonly Configuration[]): void;
  /** The history with the second puts, and with what each half tells of the other. */
  complete(history: readonly Operation[]): readonly Operation[];
}

export interface PairsOptions {
  readonly keys: readonly string[];
  readonly slotOf: (key: string) => number;
}

interface Pair {
  readonly slot: Slot;
  readonly asker: PeerId;
  /** What the first key gets, and what the second one. */
  readonly first: string;
  readonly second: string;
  readonly asked: Operation;
  told: Told;
  to: number;
  /** The asker has owned the slot meanwhile: it may have carried out the first put alone. */
  isApart: boolean;
}

const HEAD_BYTES = 16;
const WHOLE = 3;
const SHARE = 0.15;
const REFUSED_FOR_CERTAIN: ReadonlySet<string> = new Set(['version', 'degraded', 'storage-full']);

export function createPairs(world: World, { keys, slotOf }: PairsOptions): Pairs {
  const draw = world.random('pairs');
  const pairs = new Map<RequestId, Pair>();
  const owners = new Map<Slot, PeerId>();

  const begin = (from: PipeEnd, frame: PutFrame): Pair | undefined => {
    const [write] = frame.writes;
    if (write === undefined || frame.writes.length > 1 || write.op !== 'put') return undefined;
    const others = keys.filter((key) => key !== write.key && slotOf(key) === frame.slot);
    // A later try has gone elsewhere before: as one put.
    if (others.length === 0 || frame.ageMs > 0 || !draw.chance(SHARE)) return undefined;
    const first = new TextDecoder().decode(frame.payload).trimEnd();
    const second = `${first}+`;
    return {
      slot: frame.slot,
      asker: from.member,
      first,
      second,
      asked: {
        key: draw.pick(others),
        ask: { kind: 'put', value: second },
        told: { kind: 'maybe' },
        from: world.stamp(),
        to: Infinity,
        by: `second at ${from.process.name}`,
        at: from.process.name,
        atMs: world.nowMs(),
        untilMs: Infinity,
      },
      told: { kind: 'maybe' },
      to: Infinity,
      isApart: owners.get(frame.slot) === from.member,
    };
  };

  const doubled = (frame: PutFrame, { asked, second }: Pair): PutFrame => {
    const value = new TextEncoder().encode(second);
    const [write] = frame.writes;
    if (write === undefined) return frame;
    const { op, mediaType, contentNamed } = write;
    const added = { key: asked.key as Key, op, mediaType, contentNamed, sizeBytes: value.byteLength };
    return { ...frame, writes: [write, added], payload: packValues([frame.payload, value]) };
  };

  return {
    replace(from, message) {
      if (message[1] !== WHOLE || message[HEAD_BYTES + 1] !== FRAME_KIND_NUMBERS.put) return message;
      const decoded = decodeFrame(message.slice(HEAD_BYTES));
      if (!('ok' in decoded) || decoded.ok.kind !== 'put' || decoded.ok.writes.length > 1) return message;
      const frame = decoded.ok;
      const pair = pairs.get(frame.id) ?? begin(from, frame);
      if (pair === undefined) return message;
      pairs.set(frame.id, pair);
      const stream = new DataView(message.buffer, message.byteOffset).getUint32(4);
      return createFragmentCutter(stream, encodeFrame(doubled(frame, pair))).next(Infinity) ?? message;
    },
    saw(frame) {
      // A later try that went over a hop is sealed: it is the first put alone.
      if (frame.kind === 'put' && frame.writes.length === 1) {
        const single = pairs.get(frame.id);
        if (single !== undefined) single.isApart = true;
      }
      const pair = frame.kind === 'data' ? pairs.get(frame.id) : undefined;
      if (frame.kind !== 'data' || pair === undefined || pair.isApart || pair.told.kind !== 'maybe') return;
      const { result } = frame;
      if (result.kind === 'done') pair.told = { kind: 'done' };
      else if (result.kind === 'refused' && REFUSED_FOR_CERTAIN.has(result.error.code)) pair.told = { kind: 'never' };
      if (pair.told.kind !== 'maybe') pair.to = world.stamp();
    },
    rowsStored(rows) {
      for (const { slot, owner } of rows) {
        owners.set(slot, owner);
        for (const pair of pairs.values()) if (pair.slot === slot && pair.asker === owner) pair.isApart = true;
      }
    },
    complete(history) {
      const all = [...history, ...[...pairs.values()].map(({ asked, told, to }) => ({ ...asked, told, to }))];
      const proofs = new Map<string, number>();
      for (const { first, second, isApart } of pairs.values()) {
        if (isApart) continue;
        const seen = all.filter((operation) => shows(operation, first) || shows(operation, second));
        const firstMs = Math.min(...seen.map(({ to }) => to));
        for (const value of [first, second]) if (firstMs < Infinity) proofs.set(value, firstMs);
      }
      return all.map((operation) => withProof(operation, proofs));
    },
  };
}

/** Whether the answer proves that this value was put. */
function shows({ ask, told }: Operation, value: string): boolean {
  if (told.kind === 'read') return told.value === value;
  return told.kind === 'done' && (ask.kind === 'put' || ask.kind === 'cas') && ask.value === value;
}

function withProof(operation: Operation, proofs: ReadonlyMap<string, number>): Operation {
  const { ask } = operation;
  const to = (ask.kind === 'put' || ask.kind === 'cas') && ask.value !== undefined ? proofs.get(ask.value) : undefined;
  // What was answered itself needs none, and may have been done again: an operator had given up its slot.
  return to === undefined || operation.told.kind !== 'maybe'
    ? operation
    : { ...operation, told: { kind: 'done' }, to: Math.min(operation.to, to) };
}
