// How many bytes of one link may be on their way: sent, and not yet reported as taken by the receiver. Bounded
// in bytes (the receiver's credit) and in time (what waits in buffers between the two delays heartbeats).

import { limits, type Clock } from '@shoal/shared';

/** What waits between the two ends, at the measured rate, takes no longer than this. */
const MAX_QUEUED_MS = 100;
/** Not below what a receiver takes before it says so: a fragment. */
const LEAST_WINDOW_BYTES = 64 * 1024;
/** Until a rate is measured: heartbeats come through in time on 100 KB/s too. */
const FIRST_WINDOW_BYTES = 128 * 1024;
const SAMPLE_MS = 50;

export interface Flight {
  sent(bytes: number): void;
  /** The receiver has taken so many more. */
  credited(bytes: number): void;
  readonly hasRoom: boolean;
  readonly outstandingBytes: number;
  readonly windowBytes: number;
}

/** `mostBytes` that the receiver, or whoever keeps them on the way, lets be unread; `roundTripMs` of a link without queues: the time for which bytes are on their way whatever we do. */
export function createFlight(
  clock: Clock,
  roundTripMs: () => number | undefined,
  mostBytes: number = limits.creditBytes,
): Flight {
  let outstandingBytes = 0;
  let bytesPerMs: number | undefined;
  let sampleStartMs = 0;
  let sampleBytes = 0;

  const windowBytes = (): number => {
    if (bytesPerMs === undefined) return Math.min(mostBytes, FIRST_WINDOW_BYTES);
    const byTime = bytesPerMs * (MAX_QUEUED_MS + (roundTripMs() ?? 0));
    return Math.min(mostBytes, Math.max(LEAST_WINDOW_BYTES, byTime));
  };

  return {
    sent(bytes) {
      if (outstandingBytes === 0) {
        sampleStartMs = clock.monotonicMs();
        sampleBytes = 0;
      }
      outstandingBytes += bytes;
    },
    credited(bytes) {
      // A receiver that reports more than it got gains nothing by it.
      const taken = Math.min(bytes, outstandingBytes);
      outstandingBytes -= taken;
      sampleBytes += taken;
      const elapsedMs = clock.monotonicMs() - sampleStartMs;
      if (elapsedMs < SAMPLE_MS) return;
      const sample = sampleBytes / elapsedMs;
      // More at once, less by and by: a line whose window was too small shows only what that let through.
      bytesPerMs = bytesPerMs === undefined || sample > bytesPerMs ? sample : (bytesPerMs + sample) / 2;
      sampleStartMs = clock.monotonicMs();
      sampleBytes = 0;
    },
    get hasRoom() {
      return outstandingBytes < windowBytes();
    },
    get outstandingBytes() {
      return outstandingBytes;
    },
    get windowBytes() {
      return windowBytes();
    },
  };
}
