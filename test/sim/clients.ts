// The load: clients that overlap on few keys, each asking one thing after the other of whichever member
// they find up, and writing down what they asked and were told.

import { isMeshError, MESH_ERROR_CODES, type MeshErrorCode, type Version } from '@shoal/shared';
import type { Mesh, PutOptions } from '@shoal/peer';
import type { Ask, Operation, Told } from './history.ts';
import type { Run, SimMember } from './sim-member.ts';
import type { Watch } from './watch.ts';
import type { Draw, World } from './world.ts';

export interface Clients {
  history(): readonly Operation[];
  /** Values with a time to live, each of which may become absent at some time after it was put. */
  expiries(): readonly Operation[];
  /** One more operation, from outside the load. */
  ask(run: Run, key: string, ask: Ask, options?: { readonly timeoutMs?: number }): Promise<Told>;
  record(operation: Operation): void;
  /** No client asks anything new. */
  stop(): void;
  readonly isStopped: boolean;
  /** Operations that are not answered. */
  readonly open: number;
  /** Those that wait for nothing but their slot. */
  owed(): readonly Operation[];
}

export interface ClientsOptions {
  readonly world: World;
  readonly count: number;
  readonly keys: readonly string[];
  readonly members: () => readonly SimMember[];
  readonly watch: Watch;
  /** Between two operations of one client, on average. */
  readonly thinkMs: number;
  readonly timeoutsMs: readonly number[];
}

interface Known {
  readonly value: string | undefined;
  readonly version: Version | undefined;
}

/** What an error says of a write: nothing of it happened, and never will. */
const CERTAIN: ReadonlySet<MeshErrorCode> = new Set([
  'version',
  'degraded',
  'storage-full',
  'bad-key',
  'bad-value',
  'bad-argument',
]);

export function createClients(options: ClientsOptions): Clients {
  const { world, keys, watch } = options;
  const history: Operation[] = [];
  const expiries: Operation[] = [];
  const known = new Map<string, Known>();
  const values = new Map<string, string>();
  const met = new WeakSet<Run>();
  let newest: Run | undefined;
  let isStopped = false;
  const pending = new Map<Operation, Call>();
  let count = 0;

  /** One version names one value, and one value one version. */
  const learn = (key: string, value: string | undefined, version: Version | undefined): void => {
    known.set(key, { value, version });
    if (value === undefined || version === undefined) return;
    const name = `${key} ${version.epoch}.${version.counter}`;
    const before = values.get(name);
    if (before !== undefined && before !== value) throw new Error(`version ${name} names ${before} and ${value}`);
    values.set(name, value);
  };

  const carryOut = async (mesh: Mesh, key: string, ask: Ask, call: Call): Promise<Told> => {
    const { timeoutMs, wait } = call;
    switch (ask.kind) {
      case 'get': {
        const entry = await mesh.getEntry(key, { timeoutMs, wait });
        const value = entry === undefined ? undefined : valueOf(entry.value);
        learn(key, value, entry?.version);
        return { kind: 'read', value };
      }
      case 'put':
        learn(key, ask.value, (await mesh.put(key, padded(ask.value, call.padding), putOptions(call))).version);
        return { kind: 'done' };
      case 'delete':
        return { kind: (await mesh.delete(key, { timeoutMs })) ? 'done' : 'not-done' };
      case 'cas': {
        const expected = call.expected ?? null;
        if (ask.value === undefined)
          return { kind: (await mesh.delete(key, { timeoutMs, expected })) ? 'done' : 'not-done' };
        const options = { ...putOptions(call), expected };
        learn(key, ask.value, (await mesh.put(key, padded(ask.value, call.padding), options)).version);
        return { kind: 'done' };
      }
      case 'wipe':
        throw new Error('only an operator wipes');
    }
  };

  const tell = async (run: Run, key: string, ask: Ask, call: Call, by: string): Promise<Told> => {
    const { mesh, process } = run;
    if (mesh === undefined) return { kind: 'maybe' };
    const asked: Operation = {
      key,
      ask,
      told: { kind: 'maybe' },
      from: world.stamp(),
      to: Infinity,
      by: `${by} at ${process.name}`,
      at: process.name,
      atMs: world.nowMs(),
      untilMs: Infinity,
    };
    pending.set(asked, call);
    if (call.ttlMs !== undefined && 'value' in ask && ask.value !== undefined)
      expiries.push({ ...asked, ask: { kind: 'cas', expected: ask.value, value: undefined }, by: 'time' });
    let note: string | undefined;
    let told: Told;
    try {
      told = await Promise.race([carryOut(mesh, key, ask, call), death(run)]);
    } catch (error) {
      ({ told, note } = meaningOf(ask, error));
    }
    pending.delete(asked);
    const isAnswer = told.kind === 'read' || told.kind === 'done' || told.kind === 'not-done';
    if (isAnswer && process.state === 'running' && !watch.hasAsked(process, key, asked.from))
      watch.answeredHere(process, key, told.kind === 'done');
    history.push({
      ...asked,
      told,
      to: told.kind === 'maybe' ? Infinity : world.stamp(),
      untilMs: world.nowMs(),
      ...(note === undefined ? {} : { note }),
    });
    return told;
  };

  const oneMore = async (name: string, draw: Draw): Promise<void> => {
    const up = options.members().flatMap(({ run }) => (run?.mesh !== undefined && !run.isOver ? [run] : []));
    if (up.length === 0) return;
    const key = draw.pick(keys);
    const { ask, expected } = drawAsk(draw, () => `${name}-${(count += 1)}`, known.get(key));
    const timeoutMs = draw.pick(options.timeoutsMs);
    const wait = ask.kind === 'get' && draw.chance(0.15);
    // One in fifty is larger than a fragment.
    const padding = draw.chance(0.02) ? 20_000 : 0;
    const ttlMs = draw.chance(0.1) ? draw.whole(1_000, 6_000) : undefined;
    const minCopies = draw.chance(0.1) ? 2 : 1;
    for (const run of up) {
      if (!met.has(run)) newest = run;
      met.add(run);
    }
    // Those that just came back are asked more often than others.
    const run = newest !== undefined && up.includes(newest) && draw.chance(0.2) ? newest : draw.pick(up);
    await tell(run, key, ask, { timeoutMs, wait, padding, expected, ttlMs, minCopies }, name);
  };

  for (let number = 0; number < options.count; number += 1) {
    const name = `c${number}`;
    const draw = world.random(`client ${name}`);
    const next = (): void => {
      if (isStopped) return;
      world.after(draw.between(0, 2 * options.thinkMs), () => {
        if (!isStopped) void oneMore(name, draw).then(next);
      });
    };
    next();
  }

  return {
    // What is not answered yet may have happened.
    history: () => [...history, ...pending.keys()],
    expiries: () => expiries,
    ask: (run, key, ask, { timeoutMs = 30_000 } = {}) => tell(run, key, ask, { ...PLAIN, timeoutMs }, 'last'),
    record: (operation) => history.push(operation),
    stop: () => (isStopped = true),
    get isStopped() {
      return isStopped;
    },
    get open() {
      return pending.size;
    },
    owed: () => [...pending].flatMap(([asked, { wait, minCopies }]) => (wait || minCopies > 1 ? [] : [asked])),
  };
}

interface Call {
  readonly timeoutMs: number;
  readonly wait: boolean;
  readonly padding: number;
  readonly expected: Version | undefined;
  readonly ttlMs: number | undefined;
  readonly minCopies: number;
}

const PLAIN = { wait: false, padding: 0, expected: undefined, ttlMs: undefined, minCopies: 1 } as const;

function putOptions({ timeoutMs, ttlMs, minCopies }: Call): PutOptions {
  return { timeoutMs, minCopies, ...(ttlMs === undefined ? {} : { ttlMs }) };
}

function drawAsk(
  draw: Draw,
  newValue: () => string,
  known: Known | undefined,
): { ask: Ask; expected: Version | undefined } {
  const kind = draw.pick(['get', 'get', 'get', 'put', 'put', 'delete', 'cas', 'cas'] as const);
  if (kind === 'put') return { ask: { kind, value: newValue() }, expected: undefined };
  if (kind !== 'cas') return { ask: { kind }, expected: undefined };
  const isPresent = known?.value !== undefined && known.version !== undefined;
  const isDelete = isPresent && draw.chance(0.2);
  return {
    ask: { kind, expected: isPresent ? known.value : undefined, value: isDelete ? undefined : newValue() },
    expected: isPresent ? known.version : undefined,
  };
}

const PAD = ' ';

function padded(value: string, padding: number): string {
  return value + PAD.repeat(padding);
}

function valueOf(value: unknown): string {
  return typeof value === 'string' ? value.trimEnd() : `not a text: ${JSON.stringify(value)}`;
}

/** Whoever asks on a member that dies never hears of it. */
function death(run: Run): Promise<Told> {
  return new Promise((resolve) => {
    run.process.onDeath(() => resolve({ kind: 'maybe' }));
  });
}

function meaningOf(ask: Ask, error: unknown): { readonly told: Told; readonly note: string } {
  if (!isMeshError(error)) throw error;
  const { code, detail } = error;
  if (!(code in MESH_ERROR_CODES) || code === 'internal') throw error;
  const note =
    detail['maybeDone'] === undefined ? code : `${code}, ${detail['maybeDone'] === true ? 'maybe' : 'not'} done`;
  if (ask.kind === 'get') return { told: { kind: 'maybe' }, note };
  if (code === 'version' && ask.kind === 'cas') return { told: { kind: 'not-done' }, note };
  const isNever = CERTAIN.has(code) || detail['maybeDone'] === false;
  return { told: { kind: isNever ? 'never' : 'maybe' }, note };
}
