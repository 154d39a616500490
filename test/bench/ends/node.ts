// What only an end in Node is asked to do: a bare worker, a bare Map, and its own memory.

import { Worker } from 'node:worker_threads';
import { type Endpoint, transfer, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/umd/node-adapter.js';

export interface NodeOps {
  /** Microseconds of each call of a function that does nothing, in a bare Comlink worker, one at a time. */
  workerEach(count: number): Promise<readonly number[]>;
  /** Milliseconds for so many calls at once. */
  workerAll(count: number): Promise<number>;
  /** Milliseconds for sums of a buffer of so many bytes that is transferred to a bare worker and back. */
  workerSums(count: number, bytes: number): Promise<number>;
  /** Microseconds of each look into a Map of so many entries, by the thousand. */
  mapEach(entries: number, thousands: number): Promise<readonly number[]>;
  residentBytes(): Promise<number>;
}

/** What runs in it. */
interface BareWorker {
  nothing(): null;
  sum(buffer: ArrayBuffer): { readonly total: number; readonly buffer: ArrayBuffer };
}

const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { expose, transfer } = require('comlink');
const nodeEndpoint = require('comlink/dist/umd/node-adapter.js');
const sum = (buffer) => {
  let total = 0;
  for (const byte of new Uint8Array(buffer)) total += byte;
  return transfer({ total, buffer }, [buffer]);
};
expose({ nothing: () => null, sum }, nodeEndpoint(parentPort));
`;

export function createNodeOps(): NodeOps {
  return {
    workerEach: (count) =>
      withWorker(async ({ nothing }) => {
        await nothing();
        const samples: number[] = [];
        for (let number = 0; number < count; number += 1) {
          const beganAt = performance.now();
          await nothing();
          samples.push((performance.now() - beganAt) * 1000);
        }
        return samples;
      }),
    workerAll: (count) =>
      withWorker(async ({ nothing }) => {
        await nothing();
        const beganAt = performance.now();
        await Promise.all(Array.from({ length: count }, () => nothing()));
        return performance.now() - beganAt;
      }),
    workerSums: (count, bytes) =>
      withWorker(async ({ sum }) => {
        let buffer = new ArrayBuffer(bytes);
        ({ buffer } = await sum(buffer));
        const beganAt = performance.now();
        for (let number = 0; number < count; number += 1) ({ buffer } = await sum(buffer));
        return performance.now() - beganAt;
      }),
    async mapEach(entries, thousands) {
      const map = new Map(Array.from({ length: entries }, (_, number) => [`key ${number}`, number]));
      const samples: number[] = [];
      let found = 0;
      for (let thousand = 0; thousand < thousands; thousand += 1) {
        const beganAt = performance.now();
        for (let number = 0; number < 1000; number += 1) found += map.get(`key ${number % entries}`) ?? 0;
        samples.push(performance.now() - beganAt);
      }
      if (found < 0) throw new Error('never');
      return samples;
    },
    async residentBytes() {
      globalThis.gc?.();
      return process.memoryUsage().rss;
    },
  };
}

interface Calls {
  nothing(): Promise<null>;
  sum(buffer: ArrayBuffer): Promise<{ readonly total: number; readonly buffer: ArrayBuffer }>;
}

async function withWorker<T>(work: (calls: Calls) => Promise<T>): Promise<T> {
  const worker = new Worker(PROGRAM, { eval: true });
  const endpoint = nodeEndpoint(worker) as Endpoint;
  const remote = wrap<BareWorker>(endpoint);
  try {
    return await work({
      nothing: () => remote.nothing(),
      sum: (buffer) => remote.sum(transfer(buffer, [buffer])) as ReturnType<Calls['sum']>,
    });
  } finally {
    await worker.terminate();
  }
}
