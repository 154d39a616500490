// A mesh with copies under random faults, by seed: members die and come back (with their storage, without
// the last moments of it, or with nothing), are cut off from each other or from the registrar, and the
// registrar restarts, or loses its table, while every key has a writer and readers on all members. What is checked: a read never
// shows less than what was acknowledged or read before it began, nor what nobody wrote; at the end all slots
// are whole, and every acknowledged value is there.

import { expect, test } from 'vitest';
import { decodeRecordHead, isMeshError } from '@shoal/shared';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createDisk, type Disk } from './disk.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 8);
const FIRST = Number(process.env['SIM_FIRST'] ?? 1);
const SLOTS = 8;
const KEYS = 10;

interface Host {
  readonly name: string;
  disk: Disk;
  member: ClusterMember | undefined;
}

interface KeyState {
  acknowledged: number;
  written: number;
}

interface Tally {
  puts: number;
  gets: number;
  failed: Map<string, number>;
  excused: Map<string, number>;
  faults: Map<string, number>;
  slowestMs: number;
}

class Simulation {
  readonly clock: VirtualClock;
  readonly random;
  readonly cluster: Cluster;
  readonly hosts: Host[] = [];
  readonly keys = new Map<string, KeyState>();
  readonly errors: string[] = [];
  readonly tally: Tally = { puts: 0, gets: 0, failed: new Map(), excused: new Map(), faults: new Map(), slowestMs: 0 };
  readonly replicas: number;
  isOver = false;
  oldTable: Uint8Array | undefined;
  readonly troubled: { member: ClusterMember; untilMs: number }[] = [];

  constructor(seed: number) {
    this.random = createSeededRandom(seed);
    this.clock = createVirtualClock();
    this.replicas = 2 + (seed % 2);
    this.cluster = createCluster({
      clock: this.clock,
      random: this.random,
      slotCount: SLOTS,
      replicas: this.replicas,
    });
  }

  below(limit: number): number {
    return Math.floor(this.random.next() * limit);
  }

  count(map: Map<string, number>, name: string): void {
    map.set(name, (map.get(name) ?? 0) + 1);
  }

  async run<T>(promise: Promise<T>, longestMs = 60_000): Promise<T> {
    let settled = false;
    const both = (): void => {
      settled = true;
    };
    promise.then(both, both);
    for (let passed = 0; !settled && passed < longestMs; passed += 20) await this.clock.advance(20);
    if (!settled) throw new Error(`not settled within ${longestMs} virtual ms`);
    return promise;
  }

  async start(host: Host): Promise<void> {
    const storage = await host.disk.open();
    host.member = await this.run(this.cluster.join(host.name, { storage }));
  }

  up(): ClusterMember[] {
    return this.hosts.flatMap(({ member }) => (member === undefined ? [] : [member]));
  }

  isWhole(): boolean {
    const rows = this.cluster.rows();
    const living = new Set(this.up().map(({ mesh }) => mesh.status().members.find(({ self }) => self)?.incarnation));
    return (
      rows.length === SLOTS &&
      rows.every(({ copies, settled }) => {
        return settled && copies.length >= this.replicas && copies.every(({ incarnation }) => living.has(incarnation));
      })
    );
  }

  async write(key: string, state: KeyState): Promise<void> {
    while (!this.isOver) {
      const members = this.up();
      const member = members[this.below(members.length)];
      await this.pause(10 + this.below(150));
      if (member === undefined || this.isOver) continue;
      const value = state.written + 1;
      state.written = value;
      const startMs = this.clock.monotonicMs();
      try {
        const { copies } = await member.mesh.put(key, value, { timeoutMs: 15_000 });
        if (copies < 1) this.errors.push(`${key}: ${copies} copies`);
        state.acknowledged = Math.max(state.acknowledged, value);
        this.tally.puts += 1;
        this.tally.slowestMs = Math.max(this.tally.slowestMs, this.clock.monotonicMs() - startMs);
      } catch (error) {
        this.fail('put', member, error, startMs);
      }
    }
  }

  async read(key: string, state: KeyState): Promise<void> {
    while (!this.isOver) {
      const members = this.up();
      const member = members[this.below(members.length)];
      await this.pause(10 + this.below(100));
      if (member === undefined || this.isOver) continue;
      const least = state.acknowledged;
      const startMs = this.clock.monotonicMs();
      try {
        const value = Number((await member.mesh.get(key, { timeoutMs: 15_000 })) ?? 0);
        this.tally.gets += 1;
        if (value < least)
          this.errors.push(`${key}: read ${value} after ${least} was known, at ${this.clock.monotonicMs()}`);
        if (value > state.written) this.errors.push(`${key}: read ${value}, which nobody wrote`);
        // What was read is acknowledged for every later read.
        state.acknowledged = Math.max(state.acknowledged, value);
      } catch (error) {
        this.fail('get', member, error, startMs);
      }
    }
  }

  /** Whoever asked a member that died, left or was alone may hear nothing. */
  fail(verb: string, asked: ClusterMember, error: unknown, startMs: number): void {
    const isThere =
      this.up().includes(asked) && !this.troubled.some(({ member, untilMs }) => member === asked && startMs < untilMs);
    const name = isMeshError(error) ? `${verb} ${error.code}` : String(error);
    this.count(isThere ? this.tally.failed : this.tally.excused, name);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(resolve, ms);
    });
  }

  async fault(): Promise<void> {
    const kinds = [
      'kill',
      'kill',
      'power',
      'wipe',
      'cut',
      'cut off',
      'isolate',
      'registrar',
      'leave',
      'adopt',
    ] as const;
    const kind = kinds[this.below(kinds.length)] ?? 'kill';
    const host = this.hosts[this.below(this.hosts.length)];
    const other = this.hosts[this.below(this.hosts.length)];
    if (host?.member === undefined || other?.member === undefined) return;
    this.count(this.tally.faults, kind);
    const { member } = host;
    const forMs = 200 + this.below(9_000);
    const id = member.mesh.status().self;
    const { network } = this.cluster;
    if (kind !== 'registrar' && kind !== 'adopt')
      this.troubled.push({ member, untilMs: this.clock.monotonicMs() + forMs + 6_000 });
    const others = (): string[] =>
      this.up()
        .map(({ mesh }) => mesh.status().self)
        .filter((each) => each !== id);
    switch (kind) {
      case 'kill':
      case 'power':
      case 'wipe': {
        host.member = undefined;
        this.cluster.kill(member);
        if (kind === 'power') host.disk.loseTail(300);
        if (kind === 'wipe') host.disk.wipe();
        await this.clock.advance(forMs);
        for (const each of others()) network.heal(id, each as typeof id);
        await this.start(host);
        return;
      }
      case 'cut':
        if (other === host) return;
        network.cut(id, other.member.mesh.status().self);
        await this.clock.advance(forMs);
        network.heal(id, other.member.mesh.status().self);
        return;
      case 'cut off':
        member.rendezvous.cut();
        await this.clock.advance(forMs);
        member.rendezvous.restore();
        return;
      case 'isolate':
        member.rendezvous.cut();
        for (const each of others()) network.cut(id, each as typeof id);
        await this.clock.advance(forMs);
        for (const each of others()) network.heal(id, each as typeof id);
        member.rendezvous.restore();
        return;
      case 'registrar':
        await this.cluster.stopRegistrar();
        await this.clock.advance(forMs);
        this.cluster.startRegistrar();
        return;
      case 'adopt':
        return this.loseTable(member);
      case 'leave':
        host.member = undefined;
        await this.run(member.mesh.leave(), 20_000);
        await this.clock.advance(forMs);
        await this.start(host);
        return;
    }
  }

  /** The registrar's file is lost, or an old copy is in its place; the operator has a new table made. */
  async loseTable({ rendezvous }: ClusterMember): Promise<void> {
    const { tables } = this.cluster;
    const newest = tables.files.get('main');
    await this.cluster.stopRegistrar();
    if (this.oldTable === undefined || this.below(2) === 0) tables.files.delete('main');
    else tables.files.set('main', this.oldTable);
    this.oldTable = newest;
    this.cluster.startRegistrar();
    await this.clock.advance(5_000);
    // A copy that lacks nothing is as good as the file.
    if (this.up().every(({ mesh }) => mesh.status().registrar === 'connected')) return;
    await this.run(rendezvous.request('adopt', { write: true }));
    this.count(this.tally.faults, 'adopted');
  }

  /** At a quiet instant all copies of a slot hold the same, byte for byte. Others hold nothing from before its present epoch: what a hand-off left that was given up in it goes with the next row. */
  async compareCopies(): Promise<void> {
    await this.clock.advance(5_000);
    for (const { slot, epoch, copies } of this.cluster.rows()) {
      const held = new Map<string, string>();
      for (const { mesh, storage } of this.up()) {
        const records: string[] = [];
        const isCopy = copies.some(({ member }) => member === mesh.status().self);
        for await (const { key, head } of storage.scan(slot)) {
          if (!isCopy && decodeRecordHead(head)?.version.epoch === epoch) continue;
          const record = await storage.get(slot, key);
          records.push([key, record?.head.join(), record?.value?.join()].join(' '));
        }
        held.set(mesh.status().self, records.toSorted().join(' | '));
      }
      const [owner = ''] = copies.map(({ member }) => held.get(member) ?? '');
      for (const [member, records] of held) {
        const isCopy = copies.some((copy) => copy.member === member);
        if (records !== (isCopy ? owner : ''))
          this.errors.push(`slot ${slot}: ${isCopy ? 'copies differ' : 'records left'}`);
      }
    }
  }

  async untilWhole(longestMs: number): Promise<boolean> {
    for (let passed = 0; passed < longestMs; passed += 100) {
      if (this.isWhole()) return true;
      await this.clock.advance(100);
    }
    return false;
  }
}

async function simulate(seed: number): Promise<Simulation> {
  const sim = new Simulation(seed);
  for (let number = 0; number < sim.replicas + 1 + (seed % 3 === 0 ? 1 : 0); number += 1) {
    const host: Host = { name: `m${number}`, disk: createDisk(sim), member: undefined };
    sim.hosts.push(host);
    await sim.start(host);
  }
  if (!(await sim.untilWhole(30_000))) throw new Error('never whole');
  const work: Promise<void>[] = [];
  for (let number = 0; number < KEYS; number += 1) {
    const state: KeyState = { acknowledged: 0, written: 0 };
    sim.keys.set(`key ${number}`, state);
    work.push(sim.write(`key ${number}`, state), sim.read(`key ${number}`, state), sim.read(`key ${number}`, state));
  }
  for (let number = 0; number < 6; number += 1) {
    await sim.clock.advance(500 + sim.below(2_000));
    await sim.fault();
    // One thing at a time: R - 1 copies of each slot are always left.
    if (!(await sim.untilWhole(40_000))) {
      sim.errors.push(
        `not whole after fault ${number} (${[...sim.tally.faults.keys()].join(', ')}) at ${sim.clock.monotonicMs()}`,
      );
      break;
    }
  }
  await sim.clock.advance(2_000);
  sim.isOver = true;
  await sim.run(
    Promise.all(work).then(() => undefined),
    60_000,
  );
  for (const [key, state] of sim.keys) {
    for (const member of sim.up()) {
      const value = Number((await sim.run(member.mesh.get(key, { timeoutMs: 15_000 }))) ?? 0);
      if (value < state.acknowledged || value > state.written)
        sim.errors.push(`${key}: ${value} at the end, ${state.acknowledged} was acknowledged`);
    }
  }
  await sim.compareCopies();
  await sim.run(sim.cluster.close());
  return sim;
}

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST + index))(
  'seed %i loses nothing',
  async (seed) => {
    const sim = await simulate(seed);

    if (process.env['SIM_PRINT'] !== undefined) {
      const { puts, gets, failed, faults, slowestMs } = sim.tally;
      console.log(seed, {
        replicas: sim.replicas,
        puts,
        gets,
        slowestMs,
        failed: [...failed],
        excused: [...sim.tally.excused],
        faults: [...faults],
      });
    }
    expect(sim.errors.slice(0, 5)).toEqual([]);
  },
  60_000,
);
