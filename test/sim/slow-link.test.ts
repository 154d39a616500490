// Bulk on lines of 100 KB/s: heartbeats come through in time, so that nobody is accused (rule 24, S43).

import { silentLogger, type Logger } from '@shoal/shared';
import { afterEach, expect, test } from 'vitest';
import { type Cluster, createCluster } from './cluster.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock } from './virtual-clock.ts';

const SLOTS = 8;
const BYTES = 2 * 1024 * 1024;
const clock = createVirtualClock();
let cluster: Cluster | undefined;

afterEach(async () => {
  if (cluster !== undefined) await run(cluster.close());
});

async function run<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (let passedMs = 0; !isSettled; passedMs += 100) {
    if (passedMs > 900_000) throw new Error('not settled within 900 virtual s');
    await clock.advance(100);
  }
  return promise;
}

test('large writes, reads and hand-offs over slow lines cause no failover', async () => {
  const accused: string[] = [];
  const info: Logger['info'] = (event, fields) => {
    const why = fields?.['why'];
    if (event === 'owner silent' || (event === 'copy dropped' && why !== 'wished'))
      accused.push(`${event} ${String(why)}`);
  };
  const random = createSeededRandom(1);
  cluster = createCluster({
    clock,
    random,
    slotCount: SLOTS,
    replicas: 2,
    latencyMs: 20,
    bytesPerMs: 100,
    logger: { ...silentLogger, info },
  });
  const { rows } = cluster;
  const isWhole = (members: number): boolean => {
    const owners = new Set(rows().map(({ owner }) => owner));
    return rows().length === SLOTS && rows().every(({ copies }) => copies.length === 2) && owners.size === members;
  };
  const untilWhole = async (members: number): Promise<void> => {
    for (let passedMs = 0; !isWhole(members); passedMs += 500) {
      if (passedMs > 900_000) throw new Error(JSON.stringify(rows()));
      await clock.advance(500);
    }
  };
  const ada = await run(cluster.join('ada'));
  const ben = await run(cluster.join('ben'));
  await run(cluster.join('cleo'));
  await untilWhole(3);
  const value = new Uint8Array(BYTES).fill(7);
  const keys = ['a', 'b', 'c', 'd'];

  await run(Promise.all(keys.map((key) => ada.mesh.put(key, value, { timeoutMs: 800_000 }))));
  const before = rows().map(({ epoch }) => epoch);
  const read = await run(Promise.all(keys.map((key) => ben.mesh.get(key, { timeoutMs: 800_000 }))));
  expect(read.map((found) => found instanceof Uint8Array && found.byteLength)).toEqual(keys.map(() => BYTES));
  expect(rows().map(({ epoch }) => epoch)).toEqual(before);

  await run(cluster.join('dan'));
  await untilWhole(4);
  expect(accused).toEqual([]);
}, 240_000);
