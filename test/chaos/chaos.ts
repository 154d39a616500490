// A mesh of real processes and tabs under load, a fault every few seconds, and the judgement: what was
// acknowledged is found again by a fresh member, and every history is linearizable.

import { abortable } from '@shoal/shared';
import { createSeededRandom } from '../sim/seeded-random.ts';
import { type Cast, createCast } from './cast.ts';
import type { FaultKind } from './faults.ts';
import { judge, type Verdict } from './judge.ts';
import { type Load, type LoadPlan, nowMs, startLoad } from './load.ts';
import { type Strikes, strikeOn } from './striker.ts';

export interface ChaosOptions {
  readonly minutes: number;
  readonly replicas: number;
  readonly seed: number;
  /** Each kind once, in quick order. */
  readonly short: boolean;
  readonly putsPerSecond: number;
  readonly kinds: readonly FaultKind[];
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface ChaosReport extends Verdict, Strikes {
  /** Under load, from before the first fault to after the last. */
  readonly lastedMs: number;
  /** Members that ended and nobody had killed them. */
  readonly ends: readonly string[];
  /** Undefined if the slots were not whole again in time. */
  readonly wholeAfterMs: number | undefined;
}

const FAULT_EVERY_MS = 5_000;
const SHORT_EVERY_MS = 3_000;
const STRIKES_EACH = 10;
const WHOLE_MS = 120_000;
const KEYS = 200;
const CLIENTS = 2;
const NODES = 4;
const TABS = 2;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { replicas, signal, log } = options;
  const cast = await createCast({ replicas, nodes: NODES, tabs: TABS, clients: CLIENTS, signal, log });
  const ended = new AbortController();
  try {
    return await abortable(perform(cast, { ...options, signal: AbortSignal.any([signal, ended.signal]) }), signal);
  } finally {
    ended.abort();
    await cast.close();
  }
}

async function perform(cast: Cast, options: ChaosOptions): Promise<ChaosReport> {
  const { minutes, short, log } = options;
  if (!(await cast.untilWhole(WHOLE_MS))) throw new Error('The slots did not become whole before the first fault.');
  log('all slots are whole');
  const tabLoad = startLoads(cast, options);
  const beganMs = nowMs();
  const strikes = await strikeOn({
    ...options,
    cast,
    seed: options.seed + 1,
    inOrder: short,
    minutes: short ? 0 : minutes,
    strikesEach: short ? 1 : Math.min(STRIKES_EACH, Math.floor(minutes)),
    everyMs: short ? SHORT_EVERY_MS : FAULT_EVERY_MS,
  });
  const overMs = nowMs();
  options.signal.throwIfAborted();
  const isWhole = await cast.untilWhole(WHOLE_MS);
  const wholeAfterMs = isWhole ? nowMs() - overMs : undefined;
  log(isWhole ? 'all slots are whole again' : 'the slots did not become whole again');
  const records = await Promise.all([...cast.clients.map((client) => client.stop()), tabLoad.stop()]);
  const reader = await cast.newClient();
  const verdict = await judge(records, { keys: keysOfHistories(), reader });
  const ends = cast.nodes.flatMap((node) => node.ends);
  return { ...verdict, ...strikes, lastedMs: overMs - beganMs, wholeAfterMs, ends };
}

function keysOfHistories(): readonly string[] {
  return Array.from({ length: KEYS }, (_, index) => `history/${index}`);
}

/** Of the clients in processes of their own, and, given back, of those in the tabs, who ask through whichever is up. */
function startLoads(cast: Cast, { seed, putsPerSecond, signal }: ChaosOptions): Load {
  const plan = (name: string, number: number): LoadPlan => ({
    name,
    seed: seed * 100 + number,
    keys: keysOfHistories(),
    clients: 6,
    thinkMs: 300,
    putsPerSecond,
  });
  cast.clients.forEach((client, number) =>
    client.load({ ...plan(`client-${number}`, number), putsPerSecond: putsPerSecond / cast.clients.length }),
  );
  const { next } = createSeededRandom(seed);
  const load = startLoad({ ...plan('tab', cast.clients.length), putsPerSecond: 5 }, () => {
    const up = cast.tabs.flatMap(({ isUp, tab }) => (isUp && tab !== undefined ? [tab.values] : []));
    return up[Math.floor(next() * up.length)];
  });
  signal.addEventListener('abort', () => void load.stop(), { once: true });
  return load;
}
