// A process on a machine of its own: two clocks that run at their own rate, timers, and an inbox for all
// that comes from outside. It can stand still (frozen: its clocks go on; asleep: the monotonic clock
// stands still too), and die. After a stop its timers run before its inbox, as in an event loop.

import type { Clock } from '@shoal/shared';
import { createEventQueue } from './event-queue.ts';
import type { World } from './world.ts';

export interface SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly state: 'running' | 'frozen' | 'asleep' | 'dead';
  /** Something arrives: runs now, in its turn after a stop, or never. */
  deliver(what: string, run: () => void, bytes?: Uint8Array): void;
  freeze(): void;
  sleep(): void;
  wake(): void;
  kill(): void;
  /** Sets the wall clock forward or back. */
  stepWall(stepMs: number): void;
  timerCount(): number;
  /** Called once, when it dies. */
  onDeath(died: () => void): void;
}

export interface ProcessOptions {
  readonly name: string;
  /** Of both clocks, to true time. */
  readonly rate?: number;
  readonly wallMs?: number;
}

/** True time 0 on a clock that is right. */
export const START_WALL_MS = Date.UTC(2026, 0, 1);

/** The machine of a process, by the names of both: `ada.2` runs on `ada`. */
export function machineOf(process: string): string {
  return process.split('.')[0] ?? process;
}

/** No timer fires early, however its time was rounded. */
const LATE_MS = 1e-6;

interface Arrived {
  readonly what: string;
  readonly run: () => void;
  readonly bytes: Uint8Array | undefined;
}

export function createProcess(world: World, { name, rate = 1, wallMs = START_WALL_MS }: ProcessOptions): SimProcess {
  const machine = machineOf(name);
  const timers = createEventQueue();
  const inbox: Arrived[] = [];
  const deaths: (() => void)[] = [];
  let state: SimProcess['state'] = 'running';
  const bornMs = world.nowMs();
  let sleptMs = 0;
  let asleepSinceMs = 0;
  let wallStepMs = 0;
  let stopWake = (): void => undefined;
  let wakeAtMs = Infinity;

  /** True time in which the monotonic clock ran. */
  const ranMs = (): number => (state === 'asleep' ? asleepSinceMs : world.nowMs()) - bornMs - sleptMs;
  const monotonicMs = (): number => ranMs() * rate;

  /** The next step is at the first timer's time, or now if something waits. */
  const plan = (): void => {
    if (state !== 'running') return;
    const next = timers.peek();
    let atMs = next === undefined ? Infinity : world.nowMs() + Math.max(0, next.atMs - monotonicMs()) / rate + LATE_MS;
    if (inbox.length > 0) atMs = world.nowMs();
    if (atMs === wakeAtMs) return;
    stopWake();
    wakeAtMs = atMs;
    if (atMs !== Infinity) stopWake = world.after(atMs - world.nowMs(), step);
  };

  const step = (): void => {
    wakeAtMs = Infinity;
    if (state !== 'running') return;
    const timer = timers.peek();
    if (timer !== undefined && timer.atMs <= monotonicMs()) {
      timers.take();
      world.deliver(`${name} timer`);
      timer.run();
    } else {
      const arrived = inbox.shift();
      if (arrived !== undefined) take(arrived);
    }
    plan();
  };

  const take = ({ what, run, bytes }: Arrived): void => {
    world.deliver(`${name} ${what}`, bytes);
    run();
  };

  const stand = (as: 'frozen' | 'asleep' | 'dead'): void => {
    if (state === 'dead') return;
    if (state === 'asleep') {
      sleptMs += world.nowMs() - asleepSinceMs;
    }
    if (as === 'asleep') asleepSinceMs = world.nowMs();
    if (as !== 'dead' && state === 'running') world.outages.begin(machine);
    if (as === 'dead' && state !== 'running') world.outages.end(machine);
    state = as;
    stopWake();
    wakeAtMs = Infinity;
  };

  return {
    name,
    clock: {
      monotonicMs,
      wallMs: () => Math.floor(wallMs + world.nowMs() * rate + wallStepMs),
      setTimer(fire, delayMs) {
        if (state === 'dead') return () => undefined;
        const timer = timers.add(monotonicMs() + Math.max(0, delayMs), fire);
        plan();
        return () => {
          timer.isOff = true;
        };
      },
    },
    get state() {
      return state;
    },
    deliver(what, run, bytes) {
      if (state === 'dead') return;
      if (state === 'running' && inbox.length === 0) return take({ what, run, bytes });
      inbox.push({ what, run, bytes });
      plan();
    },
    freeze: () => stand('frozen'),
    sleep: () => stand('asleep'),
    wake() {
      if (state === 'dead' || state === 'running') return;
      if (state === 'asleep') sleptMs += world.nowMs() - asleepSinceMs;
      state = 'running';
      world.outages.end(machine);
      plan();
    },
    kill() {
      if (state === 'dead') return;
      stand('dead');
      timers.clear();
      inbox.length = 0;
      for (const died of deaths.splice(0)) died();
    },
    stepWall(stepMs) {
      wallStepMs += stepMs;
    },
    timerCount: () => timers.count(),
    onDeath(died) {
      if (state === 'dead') died();
      else deaths.push(died);
    },
  };
}
