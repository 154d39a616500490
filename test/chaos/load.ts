// The load of one caller: a few clients that overlap on few keys, for the checker of histories, and a
// steady stream of puts, each of a key of its own, that must all be found again. Puts come at their pace
// whatever becomes of the earlier ones, up to a bound.

import { isMeshError, type MeshErrorCode, type Version } from '@shoal/shared';
import type { Ask, Operation, Told } from '../sim/history.ts';
import { createSeededRandom } from '../sim/seeded-random.ts';

/** What the load needs of a mesh: a member's, or a page's from afar. */
export interface Values {
  getEntry(
    key: string,
    options: CallOptions,
  ): Promise<{ readonly value: unknown; readonly version: Version } | undefined>;
  put(
    key: string,
    value: string,
    options: WriteOptions,
  ): Promise<{ readonly version: Version; readonly copies: number }>;
  delete(key: string, options: WriteOptions): Promise<boolean>;
}

export interface CallOptions {
  readonly timeoutMs: number;
}

export interface WriteOptions extends CallOptions {
  readonly expected?: Version | null;
}

export interface LoadPlan {
  readonly name: string;
  readonly seed: number;
  /** Those of the histories. */
  readonly keys: readonly string[];
  readonly clients: number;
  /** Between two operations of one client, on average. */
  readonly thinkMs: number;
  readonly putsPerSecond: number;
}

/** What a caller saw. */
export interface LoadRecord {
  readonly operations: readonly Operation[];
  /** Keys of single puts. */
  readonly acknowledged: readonly string[];
  readonly unknown: readonly string[];
  readonly refused: readonly string[];
  /** Acknowledged, and then not read back. */
  readonly missed: readonly string[];
  /** Acknowledged writes, by the number of copies that they said. */
  readonly copies: readonly number[];
  /** Of writes, from asking to acknowledgement. */
  readonly waitsMs: readonly number[];
  readonly errors: ReadonlyMap<string, number>;
}

export interface Load {
  /** One more put that must be found again; when it was acknowledged, or undefined. */
  put(key: string): Promise<number | undefined>;
  /** Asks nothing more; resolves when all is answered. */
  stop(): Promise<LoadRecord>;
}

/** What a caller gives each request: longer than any failover. */
export const TIMEOUT_MS = 30_000;
/** Beyond so many without an answer no more is put. */
const OPEN_MOST = 8_000;
const TICK_MS = 20;
const READ_BACK = 0.1;
/** Those who ask on a member that died. */
const NOBODY_MS = 200;

/** The same in all processes of this machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Of a single put: told by its key alone. */
export function valueOfKey(key: string): string {
  return key.padEnd(40 + ((key.length * 7 + key.charCodeAt(key.length - 1) * 31) % 400), '.');
}

/** Thrown where the caller itself is gone: nobody was told anything. */
export class CallerGone extends Error {}

export function startLoad(plan: LoadPlan, valuesNow: () => Values | undefined): Load {
  const acknowledged: string[] = [];
  const unknown: string[] = [];
  const refused: string[] = [];
  const missed: string[] = [];
  const copies: number[] = [];
  const waitsMs: number[] = [];
  const errors = new Map<string, number>();
  const operations: Operation[] = [];
  const stopping = new AbortController();
  const open = new Set<Promise<unknown>>();
  const { next } = createSeededRandom(plan.seed);

  const count = (code: string): void => void errors.set(code, (errors.get(code) ?? 0) + 1);
  const track = (work: Promise<unknown>): void => {
    const tracked = work.finally(() => open.delete(tracked));
    open.add(tracked);
  };
  const wrote = (fromMs: number, done: { readonly copies: number }): number => {
    const atMs = nowMs();
    copies[done.copies] = (copies[done.copies] ?? 0) + 1;
    waitsMs.push(atMs - fromMs);
    return atMs;
  };

  const put = async (key: string): Promise<number | undefined> => {
    const fromMs = nowMs();
    try {
      const values = valuesNow();
      if (values === undefined) return undefined;
      const done = await values.put(key, valueOfKey(key), { timeoutMs: TIMEOUT_MS });
      acknowledged.push(key);
      return wrote(fromMs, done);
    } catch (error) {
      const { told, code } = meaningOf({ kind: 'put', value: key }, error);
      (told.kind === 'never' ? refused : unknown).push(key);
      if (code !== undefined) count(code);
      return undefined;
    }
  };

  const readBack = async (key: string): Promise<void> => {
    try {
      const entry = await valuesNow()?.getEntry(key, { timeoutMs: TIMEOUT_MS });
      if (entry?.value !== valueOfKey(key)) missed.push(key);
    } catch (error) {
      const { code } = meaningOf({ kind: 'get' }, error);
      if (code !== undefined) count(code);
    }
  };

  const stream = async (): Promise<void> => {
    const beganMs = nowMs();
    for (let number = 0; !stopping.signal.aborted;) {
      const due = ((nowMs() - beganMs) / 1_000) * plan.putsPerSecond;
      for (; number < due; number += 1) {
        if (open.size > OPEN_MOST) continue;
        track(put(`single/${plan.name}/${number}`));
        const earlier = acknowledged[Math.floor(next() * acknowledged.length)];
        if (next() < READ_BACK && earlier !== undefined) track(readBack(earlier));
      }
      await pause(TICK_MS, stopping.signal);
    }
  };

  const client = async (name: string, seed: number): Promise<void> => {
    const draw = createSeededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(draw.next() * items.length)] as T;
    const known = new Map<string, Known>();
    for (let number = 0; !stopping.signal.aborted; number += 1) {
      await pause(2 * plan.thinkMs * draw.next(), stopping.signal);
      const values = valuesNow();
      if (values === undefined) {
        await pause(NOBODY_MS, stopping.signal);
        continue;
      }
      const key = pick(plan.keys);
      const asking = drawAsk(pick, `${name}-${number}`, known.get(key));
      operations.push(await ask({ values, key, by: name, ...asking }));
    }

    async function ask(call: Call): Promise<Operation> {
      const fromMs = nowMs();
      let told: Told;
      try {
        const done = await carryOut(call);
        told = done.told;
        known.set(call.key, done.known);
        if (done.copies !== undefined) wrote(fromMs, { copies: done.copies });
      } catch (error) {
        const meaning = meaningOf(call.ask, error);
        told = meaning.told;
        known.delete(call.key);
        if (meaning.code !== undefined) count(meaning.code);
      }
      const atMs = nowMs();
      const to = told.kind === 'maybe' ? Infinity : atMs;
      return {
        key: call.key,
        ask: call.ask,
        told,
        from: fromMs,
        to,
        by: call.by,
        at: plan.name,
        atMs: fromMs,
        untilMs: atMs,
      };
    }
  };

  track(stream());
  for (let number = 0; number < plan.clients; number += 1) {
    track(client(`${plan.name}.${number}`, plan.seed * 1_000 + number));
  }
  return {
    put,
    stop: async () => {
      stopping.abort();
      while (open.size > 0) await Promise.all(open);
      return { operations, acknowledged, unknown, refused, missed, copies, waitsMs, errors };
    },
  };
}

interface Known {
  readonly value: string | undefined;
  readonly version: Version | undefined;
}

interface Call {
  readonly values: Values;
  readonly key: string;
  readonly by: string;
  readonly ask: Ask;
  readonly expected: Version | null | undefined;
}

/** A version names one value, so a compare-and-set of a version is one of a value. */
function drawAsk(
  pick: <T>(items: readonly T[]) => T,
  value: string,
  known: Known | undefined,
): { readonly ask: Ask; readonly expected: Version | null | undefined } {
  const kind = pick(['get', 'get', 'get', 'put', 'put', 'delete', 'cas', 'cas'] as const);
  if (kind === 'put') return { ask: { kind, value }, expected: undefined };
  if (kind !== 'cas') return { ask: { kind }, expected: undefined };
  return { ask: { kind, expected: known?.value, value }, expected: known?.version ?? null };
}

async function carryOut({ values, key, ask, expected }: Call): Promise<{
  readonly told: Told;
  readonly known: Known;
  readonly copies?: number;
}> {
  const options = { timeoutMs: TIMEOUT_MS };
  switch (ask.kind) {
    case 'get': {
      const entry = await values.getEntry(key, options);
      const value = entry === undefined ? undefined : String(entry.value);
      return { told: { kind: 'read', value }, known: { value, version: entry?.version } };
    }
    case 'delete': {
      const wasThere = await values.delete(key, options);
      return { told: { kind: wasThere ? 'done' : 'not-done' }, known: { value: undefined, version: undefined } };
    }
    case 'put':
    case 'cas': {
      const write = expected === undefined ? options : { ...options, expected };
      const { version, copies } = await values.put(key, String(ask.value), write);
      return { told: { kind: 'done' }, known: { value: ask.value, version }, copies };
    }
    case 'wipe':
      throw new Error('only an operator wipes');
  }
}

/** What an error says of a write: nothing of it happened, and never will. */
const CERTAIN: ReadonlySet<MeshErrorCode> = new Set(['version', 'degraded', 'storage-full']);

/** What the caller was told by an error; its code unless it is part of the plan. */
function meaningOf(ask: Ask, error: unknown): { readonly told: Told; readonly code: string | undefined } {
  if (error instanceof CallerGone) return { told: { kind: 'maybe' }, code: undefined };
  if (!isMeshError(error)) throw error;
  const { code, detail } = error;
  if (code === 'version' && ask.kind === 'cas') return { told: { kind: 'not-done' }, code: undefined };
  const isNever = ask.kind !== 'get' && (CERTAIN.has(code) || detail['maybeDone'] === false);
  return { told: { kind: isNever ? 'never' : 'maybe' }, code };
}

/** Ends early when it is told to. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}
