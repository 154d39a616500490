// A world without chance, for schedules: every delay is the middle of what it may be, nothing fails by
// itself. What the product draws stays drawn.

import { createWorld, type Draw, type World } from '../world.ts';

export interface Tuning {
  /** How fast both clocks of a member run, to true time; 1 if it is not named. */
  readonly rates: ReadonlyMap<string, number>;
  /** How long a write of the registrar's table takes. */
  readonly tableWriteMs: number;
}

export function createCalmWorld(tuning: Tuning): World {
  const world = createWorld(1);
  const calm = Object.create(world) as World;
  return Object.assign(calm, { random: (name: string) => drawOf(world, name, tuning) });
}

const ENVIRONMENT = /^(network|channels|registrar$|(connection|disk|member) )/;

function drawOf(world: World, name: string, tuning: Tuning): Draw {
  const drawn = world.random(name);
  if (!ENVIRONMENT.test(name)) return drawn;
  const between = (low: number, high: number): number => (low + high) / 2;
  return {
    ...CALM,
    bytes: drawn.bytes,
    between(low, high) {
      if (name === 'registrar' && high > 1.05) return tuning.tableWriteMs;
      if (name.startsWith('member ') && low === 0.95) return tuning.rates.get(name.slice('member '.length)) ?? 1;
      return between(low, high);
    },
  };
}

const CALM: Omit<Draw, 'bytes' | 'between'> = {
  next: () => 0.5,
  whole: (_low, high) => high,
  chance: (probability) => probability > 0.5,
  pick<T>(from: readonly T[]): T {
    const [first] = from;
    if (first === undefined) throw new Error('nothing to pick from');
    return first;
  },
};
