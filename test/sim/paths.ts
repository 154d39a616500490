// The ways between machines, each direction by itself: how long a message takes, and whether it is cut.
// Machines are named; the registrar's is `registrar`.

import type { Draw, World } from './world.ts';

/** One direction between two machines. */
export interface Path {
  readonly isCut: boolean;
  /** Since when it is cut, in true time; Infinity if it is not. */
  readonly cutSinceMs: number;
  /** A new ordered stream of messages. */
  lane(): Lane;
}

export interface Lane {
  /** Calls `arrive` when the message has come: after all that were sent before it, and not while the path is cut. */
  send(bytes: number, arrive: () => void): void;
}

export interface Paths {
  path(from: string, to: string): Path;
  /** Cuts count: what is cut twice heals when both cuts have ended. */
  cut(from: string, to: string): void;
  heal(from: string, to: string): void;
  /** From now on each message of that direction takes so much longer. */
  slow(from: string, to: string, extraMs: number): void;
  healAll(): void;
}

interface PathState {
  readonly ends: readonly string[];
  cuts: number;
  cutSinceMs: number;
  extraMs: number;
  readonly baseMs: number;
  readonly jitterMs: number;
  readonly onHealed: Set<() => void>;
}

const BYTES_PER_MS = 2_000;

export function createPaths(world: World): Paths {
  const draw = world.random('network');
  const states = new Map<string, PathState>();
  // Some networks are a cable, some a bad radio; most seeds have both.
  const slowest = draw.pick([2, 20, 80]);

  const stateOf = (from: string, to: string): PathState => {
    const name = `${from}>${to}`;
    const known = states.get(name);
    if (known !== undefined) return known;
    const state: PathState = {
      cuts: 0,
      cutSinceMs: Infinity,
      extraMs: 0,
      ends: [from, to],
      baseMs: draw.between(0.1, slowest),
      jitterMs: draw.between(0.1, slowest),
      onHealed: new Set(),
    };
    states.set(name, state);
    return state;
  };

  const heal = (state: PathState): void => {
    if (state.cuts === 0) return;
    state.cuts -= 1;
    if (state.cuts > 0) return;
    for (const name of state.ends) world.outages.end(name);
    state.cutSinceMs = Infinity;
    const told = [...state.onHealed];
    state.onHealed.clear();
    for (const tell of told) tell();
  };

  return {
    path(from, to) {
      const state = stateOf(from, to);
      return {
        get isCut() {
          return state.cuts > 0;
        },
        get cutSinceMs() {
          return state.cutSinceMs;
        },
        lane: () => createLane(world, draw, state),
      };
    },
    cut(from, to) {
      const state = stateOf(from, to);
      if (state.cuts === 0) {
        state.cutSinceMs = world.nowMs();
        for (const name of [from, to]) world.outages.begin(name);
      }
      state.cuts += 1;
    },
    heal(from, to) {
      heal(stateOf(from, to));
    },
    slow(from, to, extraMs) {
      stateOf(from, to).extraMs = extraMs;
    },
    healAll() {
      for (const state of states.values()) {
        state.cuts = Math.min(state.cuts, 1);
        state.extraMs = 0;
        heal(state);
      }
    },
  };
}

function createLane(world: World, draw: Draw, state: PathState): Lane {
  let lastMs = 0;
  const held: (() => void)[] = [];

  /** One by one: what one causes may come between. */
  const drain = (): void => {
    if (state.cuts > 0) state.onHealed.add(drain);
    else {
      held.shift()?.();
      if (held.length > 0) world.after(0, drain);
    }
  };

  return {
    send(bytes, arrive) {
      const spikeMs = draw.chance(0.01) ? draw.between(0, 400) : 0;
      const takesMs = state.baseMs + draw.next() * state.jitterMs + bytes / BYTES_PER_MS + state.extraMs + spikeMs;
      lastMs = Math.max(lastMs, world.nowMs() + takesMs);
      world.after(lastMs - world.nowMs(), () => {
        if (state.cuts === 0 && held.length === 0) return arrive();
        held.push(arrive);
        if (held.length === 1) drain();
      });
    },
  };
}
