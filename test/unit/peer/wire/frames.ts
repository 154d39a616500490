// Frames and a channel for tests of the wire.

import {
  makeRequestId,
  NO_PAYLOAD,
  type BlobFrame,
  type Incarnation,
  type PeerId,
  type StoredFrame,
} from '@shoal/shared';
import type { Slot } from '@shoal/shared';
import type { Channel } from '../../../../peer/src/ports/transport.ts';

const LIFE = '0123456789abcdef' as Incarnation;

export function requestId(number: number) {
  return makeRequestId(LIFE, number);
}

export function blob(number: number, payload: Uint8Array = NO_PAYLOAD): BlobFrame {
  return {
    kind: 'blob',
    id: requestId(number),
    ageMs: 0,
    remainingMs: 1_000,
    forwarded: false,
    service: 'test',
    part: 'note',
    body: number,
    payload,
  };
}

export function stored(slot: number, counter: number): StoredFrame {
  return { kind: 'stored', slot: slot as Slot, epoch: 1, version: { epoch: 1, counter } };
}

export interface TestChannel extends Channel {
  readonly sent: Uint8Array[];
  /** From now on it is full, until `drain`. */
  fill(): void;
  drain(): void;
}

/** Keeps what is sent. */
export function createTestChannel(): TestChannel {
  const sent: Uint8Array[] = [];
  let isFull = false;
  let waiting: (() => void)[] = [];
  return {
    remote: '0b'.repeat(16) as PeerId,
    maxMessageBytes: 64 * 1024 + 16,
    bufferedBytes: 0,
    sent,
    send(message) {
      sent.push(message);
      return !isFull;
    },
    ready: () => (isFull ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
    onMessage: () => () => undefined,
    onClose: () => () => undefined,
    close: () => undefined,
    fill() {
      isFull = true;
    },
    drain() {
      isFull = false;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
  };
}
