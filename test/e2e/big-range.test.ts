// A range of many bytes copied to a member that joins: what either side takes of memory for it, beyond what
// a join without any data takes. 128 MiB here; 1 GiB with SHOAL_BIG=1. Times and memory are printed.

import { randomBytes } from 'node:crypto';
import { join, type Mesh } from '@shoal/node-peer';
import { afterAll, expect, test } from 'vitest';
import { watchMemory } from './memory.ts';
import { createStage, until } from './support.ts';

const MiB = 1024 * 1024;
const SIZE_BYTES = (process.env['SHOAL_BIG'] === '1' ? 1_024 : 128) * MiB;
const VALUE_BYTES = 256 * 1024;
const PUTS_AT_ONCE = 16;
const GROWTH_MOST_BYTES = 64 * MiB;
const TEST_MS = process.env['SHOAL_BIG'] === '1' ? 1_800_000 : 400_000;

const stage = createStage();
const meshes: Mesh[] = [];

afterAll(async () => {
  await Promise.all(meshes.map((mesh) => mesh.leave({ handOver: false }).catch(() => undefined)));
  await stage.close();
});

interface Grown {
  readonly ownerBytes: number;
  readonly learnerBytes: number;
  readonly seconds: number;
}

/** A second member joins one that has so many bytes, and becomes a copy of all. */
async function copyOf(sizeBytes: number): Promise<Grown> {
  const { url } = await stage.startServer({ args: ['--replicas', '2'] });
  const args = ['--workers', '1'];
  const ada = await stage.startPeer(url, { name: 'ada', args });
  const mesh = await join({ url, kind: 'command', workers: 1 });
  meshes.push(mesh);
  const count = sizeBytes / VALUE_BYTES;
  for (let first = 0; first < count; first += PUTS_AT_ONCE)
    await Promise.all(
      Array.from({ length: PUTS_AT_ONCE }, (_, n) => mesh.put(`big/${first + n}`, randomBytes(VALUE_BYTES))),
    );
  const owner = await watchMemory(ada.pid, 'Pss_Anon');
  const ben = await stage.startPeer(url, { name: 'ben', args });
  const learner = await watchMemory(ben.pid, 'Pss_Anon');
  const startedMs = performance.now();
  await until(
    () => mesh.status().health.whole === mesh.status().slots,
    () => `whole slots: ${JSON.stringify(mesh.status().health)}`,
    TEST_MS,
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  await Promise.all([owner?.stop(), learner?.stop()]);
  await Promise.all([ada.stop('SIGKILL'), ben.stop('SIGKILL')]);
  return { ownerBytes: owner?.growthBytes ?? 0, learnerBytes: learner?.peakBytes ?? 0, seconds };
}

test(
  'a member that becomes a copy of everything takes at most 64 MiB for it, and so does the owner',
  async () => {
    const empty = await copyOf(0);
    const full = await copyOf(SIZE_BYTES);

    const ownerBytes = full.ownerBytes - empty.ownerBytes;
    const learnerBytes = full.learnerBytes - empty.learnerBytes;
    const mib = (bytes: number): string => `${(bytes / MiB).toFixed(0)} MiB`;
    console.log(
      `${mib(SIZE_BYTES)} in ${full.seconds.toFixed(0)} s: owner ${mib(ownerBytes)}, learner ${mib(learnerBytes)} more`,
      `(without data: owner ${mib(empty.ownerBytes)} more, learner ${mib(empty.learnerBytes)} in all)`,
    );
    expect(ownerBytes).toBeLessThan(GROWTH_MOST_BYTES);
    expect(learnerBytes).toBeLessThan(GROWTH_MOST_BYTES);
  },
  TEST_MS,
);
