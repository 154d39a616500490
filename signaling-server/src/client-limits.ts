// What one connection may ask for: requests, bytes of signals and proposed changes, each by a bucket of
// its own. Beyond, requests are refused; a client that goes on is cut off.

import { fullBucket, take, type Bucket, type RateLimit } from './rate-limit.ts';

/** Requests weigh by what they cost; see `COSTS`. Dialling fifty members at once is some 600 signals. */
export const REQUEST_LIMIT: RateLimit = { burst: 4_000, perSecond: 500 };
/** Characters of signals: 16 MiB at once is 50 dials with the longest candidates, five times over. */
export const SIGNAL_LIMIT: RateLimit = { burst: 16 * 1024 * 1024, perSecond: 2 * 1024 * 1024 };
/** Proposed changes: a member that leaves hands over 4,096 slots, and may try each a few times. */
export const CHANGE_LIMIT: RateLimit = { burst: 32_768, perSecond: 4_096 };
/** Refusals after which the connection is ended. */
export const REFUSAL_LIMIT: RateLimit = { burst: 1_000, perSecond: 10 };

/** A join is a signature to check and a file to write, a table some 50 KB to encode. */
const COSTS: Readonly<Record<string, number>> = {
  join: 100,
  forget: 100,
  recover: 100,
  adopt: 100,
  report: 100,
  table: 20,
};

export type Admission = 'granted' | 'refused' | 'abuse';

export class ClientLimits {
  #requests: Bucket;
  #signalBytes: Bucket;
  #changes: Bucket;
  #refusals: Bucket;

  constructor(nowMs: number) {
    this.#requests = fullBucket(REQUEST_LIMIT, nowMs);
    this.#signalBytes = fullBucket(SIGNAL_LIMIT, nowMs);
    this.#changes = fullBucket(CHANGE_LIMIT, nowMs);
    this.#refusals = fullBucket(REFUSAL_LIMIT, nowMs);
  }

  /** Looks at an unparsed message. */
  admit(name: string, payload: unknown, nowMs: number): Admission {
    const requests = take(this.#requests, REQUEST_LIMIT, { amount: COSTS[name] ?? 1, nowMs });
    this.#requests = requests.bucket;
    let granted = requests.granted;
    if (granted && name === 'signal') {
      const bytes = take(this.#signalBytes, SIGNAL_LIMIT, { amount: lengthOf(payload, 'data'), nowMs });
      this.#signalBytes = bytes.bucket;
      granted = bytes.granted;
    }
    if (granted && name === 'propose') {
      const changes = take(this.#changes, CHANGE_LIMIT, { amount: lengthOf(payload, 'changes'), nowMs });
      this.#changes = changes.bucket;
      granted = changes.granted;
    }
    if (granted) return 'granted';
    const refusals = take(this.#refusals, REFUSAL_LIMIT, { amount: 1, nowMs });
    this.#refusals = refusals.bucket;
    return refusals.granted ? 'refused' : 'abuse';
  }
}

function lengthOf(payload: unknown, field: string): number {
  if (typeof payload !== 'object' || payload === null || !(field in payload)) return 0;
  const value: unknown = payload[field as keyof typeof payload];
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0;
}
