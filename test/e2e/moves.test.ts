// Slots on the move, the server killed and members lost, while readers and writers work: every read is
// checked against what was acknowledged before it began.

import { join as joinPath } from 'node:path';
import { join, type Mesh } from '@shoal/node-peer';
import { afterEach, describe, expect, test } from 'vitest';
import { childrenOf, createStage, type Serving } from './support.ts';

const stage = createStage();
const members: Mesh[] = [];

afterEach(async () => {
  await Promise.all(members.splice(0).map((mesh) => mesh.leave({ handOver: false }).catch(() => undefined)));
  await stage.close();
});

async function member(url: string, name: string, kind: 'node' | 'command' = 'node'): Promise<Mesh> {
  const dataDir = kind === 'node' ? { dataDir: joinPath(await stage.folder(), 'data') } : {};
  const mesh = await join({ url, name, kind, workers: 1, ...dataDir });
  members.push(mesh);
  return mesh;
}

/** Keys with counters that only grow, written by one mesh and read by others. */
class Workload {
  readonly errors: string[] = [];
  writes = 0;
  reads = 0;
  readonly #keys: readonly string[];
  readonly #begun = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  write(mesh: Mesh, atOnce: number): void {
    for (let lane = 0; lane < atOnce; lane += 1) {
      const keys = this.#keys.filter((_key, index) => index % atOnce === lane);
      this.#loops.push(this.#loop(keys, (key) => this.#writeOnce(mesh, key)));
    }
  }

  read(mesh: Mesh, atOnce: number): void {
    for (let lane = 0; lane < atOnce; lane += 1) {
      const keys = this.#keys.filter((_key, index) => index % atOnce === lane);
      this.#loops.push(this.#loop(keys, (key) => this.#readOnce(mesh, key)));
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #loop(keys: readonly string[], step: (key: string) => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      for (const key of keys) {
        if (this.#isOver) return;
        try {
          await step(key);
        } catch (error) {
          this.errors.push(`${key}: ${String(error)}`);
          if (this.errors.length > 20) this.#isOver = true;
        }
      }
    }
  }

  async #writeOnce(mesh: Mesh, key: string): Promise<void> {
    const next = (this.#begun.get(key) ?? 0) + 1;
    this.#begun.set(key, next);
    await mesh.put(key, { next });
    this.#acknowledged.set(key, next);
    this.writes += 1;
  }

  async #readOnce(mesh: Mesh, key: string): Promise<void> {
    const atLeast = this.#acknowledged.get(key) ?? 0;
    const value = await mesh.get(key);
    const found = typeof value === 'object' && value !== null && 'next' in value ? Number(value['next']) : 0;
    const atMost = this.#begun.get(key) ?? 0;
    if (found < atLeast || found > atMost)
      this.errors.push(`${key}: read ${found}, acknowledged ${atLeast}, begun ${atMost}`);
    this.reads += 1;
  }
}

function slotsOf(mesh: Mesh, id: string): number {
  return mesh.status().members.find((view) => view.id === id)?.slots ?? 0;
}

async function serverPid(serving: Serving): Promise<number | undefined> {
  return (await childrenOf(serving.pid)).find(({ command }) => command.includes('signaling-server'))?.pid;
}

describe('joins and leaves', () => {
  test(
    'twenty in order, while readers and writers work on every key: no error, nothing missing, nothing older',
    { timeout: 240_000 },
    async () => {
      const { url } = await stage.startServer();
      const ada = await member(url, 'ada');
      const [writer, reader] = [await member(url, 'writer', 'command'), await member(url, 'reader', 'command')];
      const load = new Workload(Array.from({ length: 500 }, (_, index) => `work/${index}`));
      load.write(writer, 4);
      load.read(reader, 4);

      const joined: Mesh[] = [];
      for (let change = 0; change < 20; change += 1) {
        const leaves =
          joined.length >= 3 ||
          (change >= 20 - joined.length && joined.length > 0) ||
          (joined.length > 1 && change % 3 === 2);
        if (leaves) {
          await joined.shift()?.leave({ handOver: true, timeoutMs: 60_000 });
        } else {
          const newcomer = await member(url, `member-${change}`);
          joined.push(newcomer);
          // Not for its whole share: the next change comes while slots are on the move.
          await expect.poll(() => slotsOf(ada, newcomer.id), { timeout: 60_000, interval: 50 }).toBeGreaterThan(100);
        }
        expect(load.errors).toEqual([]);
      }
      await load.end();

      expect(load.errors).toEqual([]);
      expect(load.writes).toBeGreaterThan(1_000);
      expect(load.reads).toBeGreaterThan(1_000);
    },
  );

  test('three members each own 1,365 slots, within a tenth', async () => {
    const { url } = await stage.startServer();
    const [ada, ben, cleo] = [await member(url, 'ada'), await member(url, 'ben'), await member(url, 'cleo')];

    const share = (): number[] => [ada, ben, cleo].map(({ id }) => slotsOf(ada, id));
    await expect.poll(() => share().every((slots) => Math.abs(slots - 1_365) <= 136.5), { timeout: 60_000 }).toBe(true);

    expect(share().reduce((sum, slots) => sum + slots, 0)).toBe(4_096);
    // Some slots may still be on the move: all see the same in the end.
    const sharesOf = (mesh: Mesh): string => [ada, ben, cleo].map(({ id }) => slotsOf(mesh, id)).join();
    await expect.poll(() => new Set([ada, ben, cleo].map(sharesOf)).size, { timeout: 10_000 }).toBe(1);
  });
});

describe('the server', () => {
  test(
    'killed and started again, no member started again: each of 10,000 keys is readable from each member, and writes go on',
    { timeout: 240_000 },
    async () => {
      const serving = await stage.startServer();
      const [ada, ben] = [await member(serving.url, 'ada'), await member(serving.url, 'ben')];
      const cleo = await stage.startPeer(serving.url, { name: 'cleo', args: ['--workers', '1'] });
      await expect
        .poll(() => ada.status().members.filter(({ slots }) => slots > 1_228).length, { timeout: 60_000 })
        .toBe(3);
      const keys = Array.from({ length: 10_000 }, (_, index) => `key/${index}`);
      await inParallel(keys, (key) => ada.put(key, key));
      // Writes go on for the slots of those who stay.
      const owned: string[] = [];
      for await (const { key, member: owner } of ada.keys('key/*'))
        if (owner === ada.id || owner === ben.id) owned.push(key);
      const load = new Workload(owned.slice(0, 200).map((key) => `work/{${key}}`));
      load.write(ada, 2);
      load.read(ben, 2);

      // One member is away, and a new one may be the first to connect.
      cleo.child.kill('SIGSTOP');
      const first = await serverPid(serving);
      process.kill(first ?? 0, 'SIGKILL');
      const dana = member(serving.url, 'dana');
      await expect.poll(async () => (await serverPid(serving)) ?? first, { timeout: 20_000 }).not.toBe(first);
      for (const mesh of [ada, ben]) {
        await expect.poll(() => mesh.status().registrar, { timeout: 30_000 }).toBe('connected');
      }
      cleo.child.kill('SIGCONT');
      await dana;

      for (const mesh of [ada, ben, await dana]) {
        const wrong: string[] = [];
        await inParallel(keys, async (key) => {
          if ((await mesh.get(key, { timeoutMs: 60_000 })) !== key) wrong.push(key);
        });
        expect(wrong).toEqual([]);
      }
      await load.end();
      expect(load.errors).toEqual([]);
      expect(load.writes).toBeGreaterThan(200);
    },
  );
});

describe('a member that is away', () => {
  test(
    'with one copy of each slot, stopped for longer than anybody is trusted unheard, it comes back by itself with its slots',
    { timeout: 120_000 },
    async () => {
      const { url } = await stage.startServer({ args: ['--replicas', '1'] });
      const ada = await member(url, 'ada');
      const ben = await stage.startPeer(url, { name: 'ben', args: ['--workers', '1'] });
      await expect
        .poll(() => ada.status().members.find(({ name }) => name === 'ben')?.slots ?? 0, { timeout: 60_000 })
        .toBeGreaterThan(1_800);
      await untilStill(() => ada.status().epoch);
      const keys = Array.from({ length: 200 }, (_, index) => `key/${index}`);
      await inParallel(keys, (key) => ada.put(key, key));
      const slots = ada.status().members.map((view) => [view.name, view.slots]);

      ben.child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      const failures = new Set<string>();
      await inParallel(keys.slice(0, 20), (key) =>
        ada.get(key, { timeoutMs: 1_000 }).catch((error: unknown) => failures.add(String(error))),
      );
      ben.child.kill('SIGCONT');

      await inParallel(keys, async (key) => expect(await ada.get(key, { timeoutMs: 30_000 })).toBe(key));
      expect(ada.status().members.map((view) => [view.name, view.slots])).toEqual(slots);
      expect(failures.size).toBeGreaterThan(0);
      for (const failure of failures) expect(failure).toContain('ben');
    },
  );
});

/** Until it has been the same for as long as the registrar may take to wish for more. */
async function untilStill(read: () => number): Promise<void> {
  for (let last = -1; last !== read(); await new Promise((resolve) => setTimeout(resolve, 2_500))) last = read();
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
    }),
  );
}
