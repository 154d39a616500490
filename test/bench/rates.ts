// Rates of bare channels and of gets.

import type { End } from './ends/end.ts';
import type { Group } from './bench.ts';

export const MIB = 1024 * 1024;
export const MESSAGE_BYTES = [16, 64, 256].map((kib) => kib * 1024);

/** In MB/s, for each size of messages: so many bytes in all, over these channels at once. */
export async function bareRates(a: End, channels: readonly string[], bytes: number): Promise<readonly number[]> {
  const rates: number[] = [];
  for (const messageBytes of MESSAGE_BYTES)
    rates.push(rateOf(bytes, await a.raw.pull(channels, bytes / channels.length, messageBytes)));
  return rates;
}

export async function bestBareRate(a: End, channels: readonly string[], bytes: number): Promise<number> {
  return Math.max(...(await bareRates(a, channels, bytes)));
}

export interface Gets {
  /** From each holder. */
  readonly count: number;
  readonly bytes: number;
  readonly from: 'cache' | 'storage';
  readonly holders: readonly End[];
  /** What is read in between until nothing else is cached. */
  readonly cacheBytes: number;
}

/** All at once; what came is compared with what was put, outside the clock. */
export async function getRate(group: Group, { count, bytes, from, holders, cacheBytes }: Gets): Promise<number> {
  const [keys, hashes]: [string[], string[]] = [[], []];
  for (const holder of holders) {
    const own = await group.keysOf(holder, count);
    hashes.push(...(await holder.member.fill(own, bytes)));
    keys.push(...own);
    if (from === 'cache') await holder.member.getAll(own);
    else await fillCache(group, holder, cacheBytes);
  }
  const got = await group.a.member.getAll(keys);
  if (got.hashes.join() !== hashes.join()) throw new Error('what came is not what was put');
  return rateOf(keys.length * bytes, got.ms);
}

const FILLERS = 8;

async function fillCache(group: Group, holder: End, cacheBytes: number): Promise<void> {
  const keys = await group.keysOf(holder, FILLERS);
  await holder.member.fill(keys, cacheBytes / FILLERS);
  await holder.member.getAll(keys);
}

export function rateOf(bytes: number, ms: number): number {
  return bytes / 1e6 / (ms / 1000);
}
