// What a member is asked to do by the benchmark, by the mesh's own interface alone. Runs in Node and, as
// it is, in a page: no imports but types.

import type { Mesh, PutOptions } from '@shoal/peer';

export interface MemberOps {
  id(): Promise<string>;
  /** Puts random bytes, 32 at a time; gives each value's SHA-256. */
  fill(keys: readonly string[], bytes: number): Promise<readonly string[]>;
  /** Microseconds of each get, one at a time. */
  getEach(keys: readonly string[]): Promise<readonly number[]>;
  /** Milliseconds until all are here; their SHA-256 are taken afterwards. */
  getAll(keys: readonly string[]): Promise<{ readonly ms: number; readonly hashes: readonly string[] }>;
  /** Milliseconds of one `getMany`; all of them must be there. */
  getMany(keys: readonly string[]): Promise<number>;
  /** Microseconds of a get, a mean of each thousand gets one after the other. */
  getOften(key: string, thousands: number): Promise<readonly number[]>;
  /** Gets one after the other, with pauses, until `stop` is told or there are no more; microseconds of each. */
  getUntil(keys: readonly string[]): Promise<readonly number[]>;
  stop(): Promise<void>;
  /** Milliseconds until that member has so many bytes, as messages of a MiB, some at once. */
  stream(to: string, bytes: number): Promise<number>;
  /** Listens for what `stream` sends. */
  listen(): Promise<void>;
  /** Milliseconds of a round trip of a heartbeat with that member, looked at ten times a second until `stop`: each that was new. */
  heartbeats(member: string): Promise<readonly number[]>;
  /** The keys that a member keeps of Shoal's own under that beginning. */
  keysOf(member: string, pattern: string): Promise<readonly string[]>;
  /** Microseconds of each put of random bytes, one at a time. */
  putEach(keys: readonly string[], bytes: number, options: PutOptions): Promise<readonly number[]>;
  /** Milliseconds for all of them, so many at once; stops at the first that fails. */
  putAll(
    keys: readonly string[],
    bytes: number,
    atOnce: number,
  ): Promise<{ readonly ms: number; readonly done: readonly string[] }>;
  /** Reads what `putAll` put; throws at the first that is not what was put. */
  check(keys: readonly string[], bytes: number): Promise<void>;
  /** Microseconds of each call of a function that does nothing, one at a time. */
  callEach(member: string, count: number): Promise<readonly number[]>;
  callSource(source: string, member: string): Promise<void>;
  /** Milliseconds for so many calls at once on all members, of which these fail; checks each result. */
  callAll(count: number, failing: readonly number[]): Promise<number>;
  /** Milliseconds until each of these members has summed its values. */
  sums(keysOf: readonly { readonly member: string; readonly keys: readonly string[] }[]): Promise<number>;
}

const PIECE_BYTES = 1024 * 1024;
const PIECES_AT_ONCE = 8;
const SUM = `export default async (key, ctx) => {
  let total = 0;
  for (const byte of await ctx.get(key)) total += byte;
  return total;
}`;

export function createMemberOps(mesh: Mesh): MemberOps {
  let isStopped = false;
  return {
    id: async () => mesh.id,
    async fill(keys, bytes) {
      const hashes: string[] = [];
      await atOnce(keys, 32, async (key, index) => {
        const value = randomBytes(bytes);
        hashes[index] = await sha256(value);
        await mesh.put(key, value);
      });
      return hashes;
    },
    async getEach(keys) {
      const samples: number[] = [];
      for (const key of keys) {
        const beganAt = performance.now();
        const value = await mesh.get(key);
        samples.push((performance.now() - beganAt) * 1000);
        if (value === undefined) throw new Error(`${key} is absent`);
      }
      return samples;
    },
    async getAll(keys) {
      const beganAt = performance.now();
      const values = await Promise.all(keys.map((key) => mesh.get(key, { timeoutMs: 60_000 })));
      const ms = performance.now() - beganAt;
      return { ms, hashes: await Promise.all(values.map((value) => sha256(value as Uint8Array<ArrayBuffer>))) };
    },
    async getMany(keys) {
      const beganAt = performance.now();
      const values = await mesh.getMany(keys);
      const ms = performance.now() - beganAt;
      if (values.length !== keys.length || values.includes(undefined)) throw new Error('values are absent');
      return ms;
    },
    async getOften(key, thousands) {
      const samples: number[] = [];
      for (let thousand = 0; thousand < thousands; thousand += 1) {
        const beganAt = performance.now();
        for (let number = 0; number < 1000; number += 1) await mesh.get(key);
        samples.push(performance.now() - beganAt);
      }
      if ((await mesh.get(key)) === undefined) throw new Error(`${key} is absent`);
      return samples;
    },
    async getUntil(keys) {
      isStopped = false;
      const samples: number[] = [];
      for (const key of keys) {
        if (isStopped) break;
        const beganAt = performance.now();
        await mesh.get(key);
        samples.push((performance.now() - beganAt) * 1000);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return samples;
    },
    stop: async () => {
      isStopped = true;
    },
    async stream(to, bytes) {
      const piece = randomBytes(Math.min(PIECE_BYTES, bytes));
      const pieces = Array.from({ length: Math.ceil(bytes / piece.length) }, (_, number) => number);
      const beganAt = performance.now();
      await atOnce(pieces, PIECES_AT_ONCE, () => mesh.send(to, 'bench', piece, { timeoutMs: 120_000 }));
      return performance.now() - beganAt;
    },
    listen: async () => {
      mesh.onMessage('bench', () => undefined);
    },
    async heartbeats(member) {
      isStopped = false;
      const trips: number[] = [];
      while (!isStopped) {
        const { roundTripMs } = mesh.status().members.find(({ id }) => id === member)?.link ?? {};
        if (roundTripMs !== undefined && roundTripMs !== trips.at(-1)) trips.push(roundTripMs);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return trips;
    },
    async keysOf(member, pattern) {
      const keys: string[] = [];
      for await (const entry of mesh.keys(pattern)) if (entry.member === member) keys.push(entry.key);
      return keys;
    },
    async putEach(keys, bytes, options) {
      const samples: number[] = [];
      for (const key of keys) {
        const value = randomBytes(bytes);
        const beganAt = performance.now();
        await mesh.put(key, value, options);
        samples.push((performance.now() - beganAt) * 1000);
      }
      return samples;
    },
    async putAll(keys, bytes, inFlight) {
      const random = randomBytes(bytes);
      const done: string[] = [];
      const beganAt = performance.now();
      await atOnce(keys, inFlight, async (key) => {
        await mesh.put(key, marked(random, key));
        done.push(key);
      });
      return { ms: performance.now() - beganAt, done };
    },
    async check(keys, bytes) {
      for (let first = 0; first < keys.length; first += 1000) {
        const some = keys.slice(first, first + 1000);
        const values = await mesh.getMany(some, { timeoutMs: 120_000 });
        values.forEach((value, at) => {
          const key = some[at] ?? '';
          const isSame = value instanceof Uint8Array && value.length === bytes && isMarked(value, key);
          if (!isSame) throw new Error(`${key} is ${value === undefined ? 'absent' : 'not what was put'}`);
        });
      }
    },
    async callEach(member, count) {
      const samples: number[] = [];
      for (let number = 0; number < count; number += 1) {
        const beganAt = performance.now();
        await mesh.call('export default () => null', [], { member });
        samples.push((performance.now() - beganAt) * 1000);
      }
      return samples;
    },
    async callSource(source, member) {
      await mesh.call(source, [], { member });
    },
    async callAll(count, failing) {
      const udf = `export default (n) => { if (${JSON.stringify(failing)}.includes(n)) throw new Error('meant'); return n; }`;
      const lists = Array.from({ length: count }, (_, number) => [number]);
      const beganAt = performance.now();
      const results = await mesh.callMany(udf, lists);
      const ms = performance.now() - beganAt;
      results.forEach((result, number) => {
        const isMeant = failing.includes(number)
          ? result.status === 'rejected'
          : result.status === 'fulfilled' && result.value === number;
        if (!isMeant) throw new Error(`call ${number} ended otherwise`);
      });
      return ms;
    },
    async sums(asked) {
      const beganAt = performance.now();
      const all = await Promise.all(
        asked.map(({ member, keys }) =>
          mesh.callMany(
            SUM,
            keys.map((key) => [key]),
            { member },
          ),
        ),
      );
      const ms = performance.now() - beganAt;
      if (all.flat().some(({ status }) => status === 'rejected')) throw new Error('a sum failed');
      return ms;
    },
  };
}

/** A value of its key's own. */
function marked(random: Uint8Array, key: string): Uint8Array {
  const value = random.slice();
  value.set(new TextEncoder().encode(key));
  return value;
}

function isMarked(value: Uint8Array, key: string): boolean {
  const mark = new TextEncoder().encode(key);
  return mark.every((byte, at) => value[at] === byte);
}

async function atOnce<T>(items: readonly T[], most: number, work: (item: T, index: number) => Promise<void>) {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}

/** The most that one call of the platform gives. */
const RANDOM_BYTES_MOST = 65_536;

function randomBytes(bytes: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += RANDOM_BYTES_MOST)
    crypto.getRandomValues(value.subarray(at, Math.min(bytes, at + RANDOM_BYTES_MOST)));
  return value;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
