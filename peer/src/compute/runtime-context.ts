// What a UDF sees besides its arguments: `ctx`, and a console whose lines come home. One task runs at a time
// in a worker, so the console writes to the task that is running.

import { limits } from '@shoal/shared';
import { decodeValue } from '../media.ts';
import type { WorkerPort } from '../ports/worker-host.ts';
import { encodeCloneable } from './cloneable-writer.ts';
import { placeInStack } from './runtime-module.ts';
import type { Printed, RuntimeAnswer, RuntimeNote, TaskContext } from './runtime-protocol.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface UdfContext {
  get(key: string): Promise<unknown>;
  log(...values: readonly unknown[]): void;
  progress(fraction: number): void;
  random(): number;
  readonly signal: AbortSignal;
  readonly member: { readonly id: string; readonly name: string };
  readonly chunk?: number;
}

export interface ContextMaker {
  /** Starts the count of printed lines anew. */
  begin(context: TaskContext, sourceName: string): UdfContext;
  /** Lines beyond the bound since `begin`. */
  dropped(): number;
}

type Level = Printed['level'];
/** The least that a line takes: below that, nothing more is even encoded. */
const SMALLEST_LINE = 16;
const LEVELS: readonly (readonly [string, Level])[] = [
  ['log', 'log'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['debug', 'debug'],
  ['dir', 'log'],
  ['table', 'log'],
  ['trace', 'debug'],
];

/** Takes over this global's console. */
export function createContextMaker(port: WorkerPort): ContextMaker {
  const post = (note: RuntimeNote): void => port.postMessage(note);
  const getters = createGetter(port, post);
  let lines = 0;
  let bytesLeft = 0;
  let dropped = 0;
  let sourceName = '';

  const print = (level: Level, values: readonly unknown[]): void => {
    if (lines >= limits.logLines || bytesLeft < SMALLEST_LINE) {
      dropped += 1;
      return;
    }
    const encoded = encodeCloneable(values.map(printable));
    if (encoded.length > bytesLeft) {
      dropped += 1;
      return;
    }
    lines += 1;
    bytesLeft -= Math.max(encoded.length, SMALLEST_LINE);
    const place = placeInStack(new Error('print').stack, sourceName);
    post({ shoal: 'printed', line: { level, values: encoded, ...(place === undefined ? {} : { line: place.line }) } });
  };
  replaceConsole(print);

  return {
    begin: (context, name) => {
      lines = 0;
      dropped = 0;
      bytesLeft = limits.logBytes;
      sourceName = name;
      const random = createSeededRandom(context.seed);
      const { signal } = new AbortController();
      return {
        get: getters,
        log: (...values) => print('log', values),
        progress: (fraction) => post({ shoal: 'progress', fraction: Number(fraction) }),
        random,
        signal,
        member: context.member,
        ...(context.chunk === undefined ? {} : { chunk: context.chunk }),
      };
    },
    dropped: () => dropped,
  };
}

function createGetter(port: WorkerPort, post: (note: RuntimeNote) => void): (key: string) => Promise<unknown> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let count = 0;
  port.addEventListener('message', ({ data }) => {
    if (typeof data !== 'object' || data === null || !('shoal' in data) || data.shoal !== 'got') return;
    const answer = data as RuntimeAnswer;
    const waiter = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error !== undefined) waiter?.reject(new Error(answer.error));
    else
      waiter?.resolve(answer.value === undefined ? undefined : decodeValue(answer.value.bytes, answer.value.mediaType));
  });
  return (key) =>
    new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      post({ shoal: 'get', id: count, key: String(key) });
    });
}

function replaceConsole(print: (level: Level, values: readonly unknown[]) => void): void {
  const printing: Record<string, (...values: readonly unknown[]) => void> = {};
  for (const name of Object.keys(console)) printing[name] = () => undefined;
  for (const [name, level] of LEVELS) printing[name] = (...values) => print(level, values);
  printing['assert'] = (condition, ...values) => {
    if (condition !== true) print('error', ['Assertion failed', ...values]);
  };
  Object.defineProperty(globalThis, 'console', { value: printing, configurable: true, writable: true });
}

/** The value itself, or text in its place if it can't be cloned. */
function printable(value: unknown): unknown {
  try {
    // A guarded row must not be asked for what is no column of it.
    encodeCloneable(value);
    return value;
  } catch {
    try {
      return String(value);
    } catch {
      return '[can not be shown]';
    }
  }
}
