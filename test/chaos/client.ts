// A process that asks: a command, which owns nothing, with the load of one caller, or with an empty cache
// what is still there at the end. Told by its parent what to do, and gone with it.

import { join } from '@shoal/node-peer';
import { type Load, type LoadPlan, type LoadRecord, nowMs, startLoad, valueOfKey } from './load.ts';

export type Order =
  | { readonly kind: 'load'; readonly plan: LoadPlan }
  | { readonly kind: 'probe'; readonly keys: readonly string[] }
  | { readonly kind: 'stop' }
  | { readonly kind: 'read'; readonly singles: readonly string[]; readonly keys: readonly string[] };

export type Report =
  | { readonly kind: 'joined' }
  /** When each was acknowledged, in order; fewer than asked if some were not. */
  | { readonly kind: 'probed'; readonly atMs: readonly number[] }
  | { readonly kind: 'stopped'; readonly record: LoadRecord }
  | { readonly kind: 'read'; readonly found: Found };

/** What a fresh member reads. */
export interface Found {
  /** Single puts whose value is there. */
  readonly singles: readonly string[];
  /** Could not be read at all. */
  readonly failed: readonly string[];
  readonly finals: readonly {
    readonly key: string;
    readonly value: string | undefined;
    readonly fromMs: number;
    readonly toMs: number;
  }[];
}

const READERS = 64;
const READ_MS = 60_000;

const [url = ''] = process.argv.slice(2);
const mesh = await join({ url, kind: 'command', workers: 0, name: 'client' });
let load: Load | undefined;
process.on('message', (order: Order) => void carryOut(order));
process.on('disconnect', () => process.exit());
send({ kind: 'joined' });

function send(report: Report): void {
  process.send?.(report);
}

async function carryOut(order: Order): Promise<void> {
  switch (order.kind) {
    case 'load':
      load = startLoad(order.plan, () => mesh);
      return;
    case 'probe': {
      const { put } = load ?? { put: () => Promise.resolve(undefined) };
      const atMs = await Promise.all(order.keys.map(put));
      return send({ kind: 'probed', atMs: atMs.filter((at) => at !== undefined).toSorted((a, b) => a - b) });
    }
    case 'stop':
      if (load !== undefined) send({ kind: 'stopped', record: await load.stop() });
      return;
    case 'read':
      return send({ kind: 'read', found: await read(order.singles, order.keys) });
  }
}

async function read(singles: readonly string[], keys: readonly string[]): Promise<Found> {
  const found: string[] = [];
  const failed: string[] = [];
  const finals: Found['finals'][number][] = [];
  const inParallel = async (names: readonly string[], one: (key: string) => Promise<void>): Promise<void> => {
    const queue = [...names];
    const reader = async (): Promise<void> => {
      for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
        await one(key).catch(() => failed.push(String(key)));
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
  };
  await inParallel(singles, async (key) => {
    if ((await mesh.get(key, { timeoutMs: READ_MS })) === valueOfKey(key)) found.push(key);
  });
  await inParallel(keys, async (key) => {
    const fromMs = nowMs();
    const value = await mesh.get(key, { timeoutMs: READ_MS });
    finals.push({ key, value: value === undefined ? undefined : String(value), fromMs, toMs: nowMs() });
  });
  return { singles: found, failed, finals };
}
