// True time and what happens in it: one queue of events, worked off one by one, and after each all that it
// started in this process settles. Everything drawn comes from one seed, and everything delivered goes
// into one hash, so that two runs of a seed can be compared.

import type { Random, StopTimer } from '@shoal/shared';
import { createEventQueue } from './event-queue.ts';
import { createOutages, type Outages } from './outages.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface World {
  readonly seed: number;
  nowMs(): number;
  /** Harmless to stop when it has run. */
  after(delayMs: number, run: () => void): StopTimer;
  /** A source of chance of its own for each name: what one part draws changes nothing for another. */
  random(name: string): Draw;
  /** Puts a delivered event into the hash. */
  deliver(what: string, bytes?: Uint8Array): void;
  /** Delivered events so far, and their hash. */
  readonly delivered: number;
  hash(): string;
  /** Lets true time pass until then, or until `isDone` says so. */
  runUntil(untilMs: number, isDone?: () => boolean): Promise<void>;
  /** Each call gives a higher number: the order in which things happen within one instant. */
  stamp(): number;
  readonly outages: Outages;
  /** Told of each delivered event, for people who look for a bug. */
  onDelivered: ((what: string) => void) | undefined;
}

/** A source of chance with the usual questions. */
export interface Draw extends Random {
  /** From `low` up to `high`. */
  between(low: number, high: number): number;
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
}

export function createWorld(seed: number): World {
  const queue = createEventQueue();
  const encoder = new TextEncoder();
  let nowMs = 0;
  let stamps = 0;
  let delivered = 0;
  let high = 0x811c9dc5;
  let low = 0x9e3779b9;

  const mix = (bytes: Uint8Array): void => {
    for (const byte of bytes) {
      high = Math.imul(high ^ byte, 0x01000193);
      low = Math.imul(low ^ byte, 0x85ebca6b) ^ (low >>> 13);
    }
  };

  const world: World = {
    seed,
    nowMs: () => nowMs,
    after(delayMs, run) {
      const queued = queue.add(nowMs + Math.max(0, delayMs), run);
      return () => {
        queued.isOff = true;
      };
    },
    random: (name) => createDraw(mixSeed(seed, name)),
    deliver(what, bytes) {
      delivered += 1;
      mix(encoder.encode(`${nowMs.toFixed(3)} ${what}\n`));
      if (bytes !== undefined) mix(bytes);
      world.onDelivered?.(what);
    },
    get delivered() {
      return delivered;
    },
    hash: () => [high, low].map((part) => (part >>> 0).toString(16).padStart(8, '0')).join(''),
    async runUntil(untilMs, isDone) {
      await settle();
      for (let next = queue.peek(); next !== undefined && next.atMs <= untilMs; next = queue.peek()) {
        if (isDone?.() === true) return;
        queue.take();
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
        await settle();
      }
      if (isDone?.() !== true) nowMs = Math.max(nowMs, untilMs);
    },
    stamp: () => (stamps += 1),
    outages: createOutages(() => nowMs),
    onDelivered: undefined,
  };
  return world;
}

/** All microtasks have run when the next turn of the event loop begins. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function mixSeed(seed: number, name: string): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (let index = 0; index < name.length; index += 1)
    mixed = Math.imul(mixed ^ name.charCodeAt(index), 0xc2b2ae35) ^ (mixed >>> 15);
  return mixed >>> 0;
}

function createDraw(seed: number): Draw {
  const { next, bytes } = createSeededRandom(seed);
  return {
    next,
    bytes,
    between: (low, high) => low + next() * (high - low),
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick<T>(from: readonly T[]): T {
      const picked = from[Math.floor(next() * from.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
  };
}
