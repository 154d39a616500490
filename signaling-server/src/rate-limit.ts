// A token bucket: how much of something a client may do at once, and for how long without pause. Pure:
// the time comes with each question.

export interface RateLimit {
  /** What may be used at once. */
  readonly burst: number;
  readonly perSecond: number;
}

export interface Bucket {
  readonly level: number;
  readonly atMs: number;
}

export function fullBucket(limit: RateLimit, nowMs: number): Bucket {
  return { level: limit.burst, atMs: nowMs };
}

/** The bucket after taking `amount`, and whether there was enough; what is refused costs nothing. */
export function take(
  bucket: Bucket,
  limit: RateLimit,
  ask: { readonly amount: number; readonly nowMs: number },
): { readonly bucket: Bucket; readonly granted: boolean } {
  const passedMs = Math.max(0, ask.nowMs - bucket.atMs);
  const level = Math.min(limit.burst, bucket.level + (passedMs / 1000) * limit.perSecond);
  const granted = level >= ask.amount;
  return { bucket: { level: granted ? level - ask.amount : level, atMs: ask.nowMs }, granted };
}
