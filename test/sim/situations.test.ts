// What users live through: a member that stands still or sleeps, a link cut in one direction or both, a
// registrar that is away. Callers with 20 s see no error; slots that are not touched notice nothing, and
// the others wait at most until failover.

import { describe, expect, test } from 'vitest';
import { begin, type ScriptedMesh } from './schedules/script.ts';

const SLOTS = 8;
const NAMES = ['ada', 'ben', 'cleo', 'dan', 'eve'];
const DEADLINE_MS = 20_000;
const LOOK_MS = 5;
/** Of a long outage fewer requests say as much. */
const THINK_PARTS = 60;
const THINK_LEAST_MS = 150;
/** A write to all copies and back, in a calm world. */
const UNTOUCHED_MS = 400;
const FAILOVER_MS = 6_000;

interface Sample {
  readonly slot: number;
  readonly by: string;
  readonly told: string;
  readonly atMs: number;
  readonly tookMs: number;
}

interface Load {
  readonly samples: readonly Sample[];
  stop(): Promise<void>;
}

/** One client for each member named and each slot, which writes and reads in turn. */
function startLoad(mesh: ScriptedMesh, members: readonly string[], thinkMs: number): Load {
  const { world } = mesh;
  const samples: Sample[] = [];
  let isStopping = false;
  let running = 0;
  const client = (by: string, slot: number): void => {
    const key = keyOf(mesh, slot, by);
    let count = 0;
    const ask = (): void => {
      if (isStopping) {
        running -= 1;
        return;
      }
      count += 1;
      const atMs = world.nowMs();
      const options = { timeoutMs: DEADLINE_MS };
      const call = count % 2 === 1 ? mesh.put(by, key, `${count}`, options) : mesh.get(by, key, options);
      const look = (): void => {
        const tookMs = world.nowMs() - atMs;
        if (!call.isOver) return void world.after(LOOK_MS + tookMs / 10, look);
        samples.push({ slot, by, told: call.told, atMs, tookMs });
        world.after(thinkMs, ask);
      };
      look();
    };
    running += 1;
    world.after((slot * 7) % thinkMs, ask);
  };
  for (const by of members) for (let slot = 0; slot < SLOTS; slot += 1) client(by, slot);
  return {
    samples,
    stop: () => {
      isStopping = true;
      return mesh.until(() => running === 0, 2 * DEADLINE_MS);
    },
  };
}

function keyOf(mesh: ScriptedMesh, slot: number, by: string): string {
  for (let number = 0; ; number += 1) if (mesh.slotOf(`${by} ${number}`) === slot) return `${by} ${number}`;
}

interface Outage {
  readonly ben?: 'tab';
  /** Nobody asks at these. */
  readonly victims: readonly string[];
  /** Slots with all of these among their copies wait for failover. */
  readonly touches: readonly string[];
  readonly lastsMs: number;
  strike(mesh: ScriptedMesh): void;
  end(mesh: ScriptedMesh): void;
}

const freeze: Omit<Outage, 'ben'> = {
  victims: ['ben'],
  touches: ['ben'],
  lastsMs: 9_000,
  strike: (mesh) => mesh.process('ben').freeze(),
  end: (mesh) => mesh.process('ben').wake(),
};

const outages: Readonly<Record<string, Outage>> = {
  'a member is stopped (SIGSTOP)': freeze,
  "a tab's renderer is frozen": { ...freeze, ben: 'tab' },
  'a lid is closed for a minute': {
    ...freeze,
    ben: 'tab',
    lastsMs: 60_000,
    strike: (mesh) => mesh.process('ben').sleep(),
  },
  'a link is cut in one direction': {
    victims: ['ben', 'cleo'],
    touches: ['ben', 'cleo'],
    lastsMs: 12_000,
    strike: (mesh) => mesh.paths.cut('ben', 'cleo'),
    end: (mesh) => mesh.paths.heal('ben', 'cleo'),
  },
  'a link is cut in the other direction': {
    victims: ['ben', 'cleo'],
    touches: ['ben', 'cleo'],
    lastsMs: 12_000,
    strike: (mesh) => mesh.paths.cut('cleo', 'ben'),
    end: (mesh) => mesh.paths.heal('cleo', 'ben'),
  },
  'a link is cut between two that both see the registrar': {
    victims: ['ben', 'cleo'],
    touches: ['ben', 'cleo'],
    lastsMs: 12_000,
    strike: (mesh) => mesh.cut('ben', 'cleo'),
    end: (mesh) => mesh.heal('ben', 'cleo'),
  },
  'the registrar starts again': {
    victims: [],
    touches: ['nobody'],
    lastsMs: 2_000,
    strike: (mesh) => mesh.registrar.kill(),
    end: (mesh) => mesh.registrar.start('newest'),
  },
  'the registrar is gone for two minutes': {
    victims: [],
    touches: ['nobody'],
    lastsMs: 120_000,
    strike: (mesh) => mesh.registrar.kill(),
    end: (mesh) => mesh.registrar.start('newest'),
  },
};

async function beginSpread(replicas: number, ben: 'node' | 'tab'): Promise<ScriptedMesh> {
  const names = NAMES.slice(0, replicas + 2);
  const mesh = await begin({
    members: Object.fromEntries(names.map((name) => [name, name === 'ben' ? ben : 'node'])),
    copies: names.slice(0, replicas),
    slots: SLOTS,
  });
  for (let slot = 0; slot < SLOTS; slot += 1) mesh.wish(copiesOf(slot, replicas), slot);
  await untilPlaced(mesh, replicas);
  await mesh.pass(2_000);
  return mesh;
}

async function untilPlaced(mesh: ScriptedMesh, replicas: number): Promise<void> {
  for (let passedMs = 0; !isPlaced(mesh, replicas); passedMs += 200) {
    if (passedMs > 60_000)
      throw new Error(
        mesh.registrar
          .rows()
          .map(({ slot }) => mesh.row(slot))
          .join(', '),
      );
    await mesh.pass(200);
  }
}

/** Owner first; neighbours share slots. */
function copiesOf(slot: number, replicas: number): readonly string[] {
  return Array.from({ length: replicas }, (_, place) => NAMES[(slot + place) % (replicas + 2)] ?? '');
}

function isPlaced(mesh: ScriptedMesh, replicas: number): boolean {
  return Array.from({ length: SLOTS }, (_, slot) => slot).every((slot) => {
    const row = mesh.row(slot).split(' ');
    const [owner = '', ...others] = copiesOf(slot, replicas);
    return (
      row.length === replicas &&
      row[0]?.startsWith(`${owner}.`) === true &&
      others.every((name) => row.some((copy) => copy.startsWith(`${name}.`)))
    );
  });
}

describe.each([2, 3])('with %i copies', (replicas) => {
  test.each(Object.entries(outages))('%s: no caller sees an error', async (_, outage) => {
    const mesh = await beginSpread(replicas, outage.ben ?? 'node');
    const members = NAMES.slice(0, replicas + 2);
    const load = startLoad(
      mesh,
      members.filter((name) => !outage.victims.includes(name)),
      Math.max(THINK_LEAST_MS, outage.lastsMs / THINK_PARTS),
    );
    await mesh.pass(1_000);

    const struckMs = mesh.world.nowMs();
    outage.strike(mesh);
    await mesh.pass(outage.lastsMs);
    outage.end(mesh);
    await untilPlaced(mesh, replicas);
    await load.stop();

    const isTouched = (slot: number): boolean =>
      outage.touches.every((name) => copiesOf(slot, replicas).includes(name));
    const failed = load.samples.filter(({ told }) => told !== 'done' && !/^\d+$/.test(told));
    const late = load.samples.filter(({ slot, tookMs }) => tookMs > (isTouched(slot) ? FAILOVER_MS : UNTOUCHED_MS));
    expect(failed).toEqual([]);
    expect(late).toEqual([]);
    expect(load.samples.filter(({ atMs }) => atMs > struckMs).length).toBeGreaterThan(100);
    expect(mesh.judge()).toEqual([]);
  });
});
