// The ends of a measurement, seen from the program that measures: a process or a tab, with the same operations.

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright';
import { transform } from 'sucrase';
import { openMember } from '../../e2e/page.ts';
import type { Answer, Ask, OwnOps } from './child.ts';
import type { MemberOps } from './member.ts';
import type { NodeOps } from './node.ts';
import type { RawOps } from './raw.ts';
import type { StoreOps } from './store.ts';

export interface End {
  readonly name: string;
  readonly raw: RawOps;
  readonly member: MemberOps;
  readonly store: StoreOps;
  /** Of a process of its own. */
  readonly pid: number | undefined;
  /** After collecting garbage; a tab can't tell. */
  residentBytes(): Promise<number>;
  /** Ends it without a word: the process is killed, the tab's renderer crashes. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface NodeEnd extends End {
  readonly node: NodeOps;
  readonly own: OwnOps;
}

export interface TabEnd extends End {
  readonly page: Page;
}

export function startNodeEnd(name: string): NodeEnd {
  const child = fork(fileURLToPath(new URL('child.ts', import.meta.url)), [], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    serialization: 'advanced',
  });
  const call = callsOf(child, name);
  const end = async (how: () => void): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    how();
    await gone;
  };
  return {
    name,
    pid: child.pid,
    residentBytes: async () => Number(await call('node.residentBytes', [])),
    raw: group<RawOps>('raw', call),
    member: group<MemberOps>('member', call),
    node: group<NodeOps>('node', call),
    own: group<OwnOps>('own', call),
    store: group<StoreOps>('store', call),
    kill: () => end(() => child.kill('SIGKILL')),
    close: () => end(() => child.disconnect()),
  };
}

type Call = (op: string, args: readonly unknown[]) => Promise<unknown>;

function callsOf(child: ChildProcess, name: string): Call {
  const open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  child.on('message', (answer) => {
    const told = answer as Answer;
    const waiting = open.get(told.id);
    open.delete(told.id);
    if ('error' in told) waiting?.reject(new Error(`${name}: ${told.error}`));
    else waiting?.resolve(told.value);
  });
  child.once('exit', () => {
    for (const { reject } of open.values()) reject(new Error(`${name} has ended`));
  });
  return (op, args) =>
    new Promise((resolve, reject) => {
      last += 1;
      open.set(last, { resolve, reject });
      child.send({ id: last, op, args } satisfies Ask);
    });
}

/** Its methods by name, wherever they run. */
function group<Group>(name: string, call: Call): Group {
  return new Proxy(
    {},
    {
      get:
        (_, method) =>
        (...args: unknown[]) =>
          call(`${name}.${String(method)}`, args),
    },
  ) as Group;
}

/** Opens the page, which joins as every page does. */
export async function openTabEnd(name: string, context: BrowserContext, url: string): Promise<TabEnd> {
  const page = await openMember(context, url);
  await page.evaluate(pageProgram());
  const call: Call = (op, args) =>
    page.evaluate(
      ([method, values]) =>
        (globalThis as unknown as { bench(op: string, args: readonly unknown[]): Promise<unknown> }).bench(
          method as string,
          values as readonly unknown[],
        ),
      [op, args] as const,
    );
  return {
    name,
    page,
    pid: undefined,
    residentBytes: () => Promise.reject(new Error('a tab does not tell its memory')),
    raw: group<RawOps>('raw', call),
    member: group<MemberOps>('member', call),
    store: group<StoreOps>('store', call),
    kill: async () => {
      // Playwright waits for a page that never comes: the crash is what ends it.
      const crashed = page.waitForEvent('crash');
      page.goto('chrome://crash').catch(() => undefined);
      await crashed;
      await page.close();
    },
    close: () => page.context().close(),
  };
}

/** The same operations as source for a page: types are taken out, and nothing is imported. */
function pageProgram(): string {
  const sources = ['raw.ts', 'member.ts', 'store-page.ts'].map((file) =>
    readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8'),
  );
  const code = sources.map((source) => transform(source, { transforms: ['typescript', 'imports'] }).code).join('\n');
  return `(() => {
    const exports = {};
    (function () { ${code} })();
    const groups = {
      raw: exports.createRawOps(RTCPeerConnection),
      member: exports.createMemberOps(shoal.mesh),
      store: exports.createStoreOps(),
    };
    globalThis.bench = (op, args) => {
      const [group, name] = op.split('.');
      return groups[group][name](...args);
    };
  })()`;
}
