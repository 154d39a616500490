// What the rows are measured with: members of a mesh in processes and tabs, with bare channels between the same.

import { type Browser, chromium } from 'playwright';
import { type Configuration, requireKey, slotOfKey } from '@shoal/shared';
import { launchChromium } from '../e2e/chromium.ts';
import type { Stage } from '../e2e/support.ts';
import { until } from '../e2e/support.ts';
import { type End, openTabEnd, startNodeEnd } from './ends/end.ts';
import { rowsOf } from './table-rows.ts';

export type Place = 'Node to Node' | 'tab to tab' | 'tab to Node';
export const PLACES: readonly Place[] = ['Node to Node', 'tab to tab', 'tab to Node'];

export interface BenchOptions {
  /** Each row at its smallest: it must run, its figures mean nothing. */
  readonly isSmallest: boolean;
  readonly places: readonly Place[];
  /** How often each measurement is repeated, taking turns with its limit. */
  readonly rounds: number;
}

export interface GroupOptions {
  readonly place: Place;
  readonly replicas: number;
  /** Two, or three: then `c` holds too. */
  readonly members?: 2 | 3;
  /** What each member's sends are held to, in bytes a second. */
  readonly shape?: number;
}

/** Members of a mesh of their own, linked, with equal shares of settled slots. `a` asks, `b` holds. */
export interface Group {
  readonly place: Place;
  readonly a: End;
  readonly b: End;
  /** Bare channels from `a` to each of the others. */
  readonly channels: readonly string[];
  readonly holders: readonly End[];
  readonly url: string;
  table(): Promise<readonly Configuration[]>;
  /** Keys never used before, in slots that this end owns. */
  keysOf(end: End, count: number): Promise<readonly string[]>;
  /** The same member again, on the storage that it had. */
  revive(end: End): Promise<End>;
  close(): Promise<void>;
}

export interface Bench extends BenchOptions {
  readonly stage: Stage;
  browser(): Promise<Browser>;
  /** Its version, if it was needed. */
  chromium(): Promise<string | undefined>;
  /** The full number, or a small one. */
  many(full: number, smallest: number): number;
  /** One for all rows that ask for the same. */
  group(options: GroupOptions): Promise<Group>;
  /** One that its row may ruin, and closes. */
  ownGroup(options: GroupOptions): Promise<Group>;
  closeBrowser(): Promise<void>;
  close(): Promise<void>;
}

export function createBench(stage: Stage, options: BenchOptions): Bench {
  const shared = new Map<string, Promise<Group>>();
  let launched: Promise<Browser> | undefined;
  const browser = (): Promise<Browser> => (launched ??= launchChromium(chromium));
  const closeBrowser = async (): Promise<void> => (await launched)?.close();
  const ownGroup = (asked: GroupOptions): Promise<Group> => openGroup({ stage, browser }, asked);
  return {
    ...options,
    stage,
    browser,
    chromium: async () => (await launched)?.version(),
    many: (full, smallest) => (options.isSmallest ? smallest : full),
    group: (asked) => {
      const name = JSON.stringify(asked);
      const known = shared.get(name) ?? ownGroup(asked);
      shared.set(name, known);
      return known;
    },
    ownGroup,
    closeBrowser,
    close: async () => {
      const groups = await Promise.allSettled(shared.values());
      await Promise.all(groups.flatMap((group) => (group.status === 'fulfilled' ? [group.value.close()] : [])));
      await closeBrowser();
    },
  };
}

interface Member {
  end: End;
  open(): Promise<End>;
}

async function openGroup(
  { stage, browser }: Pick<Bench, 'stage' | 'browser'>,
  { place, replicas, members: count = 2, shape }: GroupOptions,
): Promise<Group> {
  const server = await stage.startServer({ args: ['--replicas', `${replicas}`] });
  const members: Member[] = [];

  const add = async (name: string, isTab: boolean): Promise<End> => {
    const open = isTab ? await tabOpener(name) : await nodeOpener(name);
    const end = await open();
    members.push({ end, open });
    return end;
  };
  const tabOpener = async (name: string): Promise<() => Promise<End>> => {
    const context = await (await browser()).newContext();
    return () => openTabEnd(name, context, server.url);
  };
  const nodeOpener = async (name: string): Promise<() => Promise<End>> => {
    const dataDir = await stage.folder();
    return async () => {
      const end = startNodeEnd(name);
      await end.own.bare();
      await end.own.join({ url: server.url, name, dataDir, workers: 1 }, shape);
      return end;
    };
  };

  const a = await add('a', place !== 'Node to Node');
  const b = await add('b', place === 'tab to tab');
  const holders = count === 3 ? [b, await add('c', place === 'tab to tab')] : [b];
  const channels = holders.map((_, number) => `bare ${number}`);
  for (const [number, holder] of holders.entries()) await connect(a, holder, `bare ${number}`);
  const table = (): Promise<readonly Configuration[]> => rowsOf(server.data);
  await until(
    async () => isSettled(await table(), { members: count, replicas }),
    () => 'members with settled shares',
  );
  return {
    place,
    a,
    b,
    holders,
    channels,
    url: server.url,
    table,
    keysOf: async (end, wanted) => keysIn(await table(), await end.member.id(), wanted),
    revive: async (end) => {
      const member = members.find((one) => one.end === end);
      if (member === undefined) throw new Error(`no member ${end.name} here`);
      member.end = await member.open();
      return member.end;
    },
    close: async () => {
      await Promise.all(members.map(({ end }) => end.close()));
      await server.stop('SIGKILL');
    },
  };
}

export function isSettled(
  rows: readonly Configuration[],
  { members, replicas }: { readonly members: number; readonly replicas: number },
): boolean {
  const owned = new Map<string, number>();
  for (const { owner } of rows) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  const share = rows.length / members;
  return (
    rows.length === 4096 &&
    rows.every(({ settled, copies }) => settled && copies.length === replicas) &&
    owned.size === members &&
    [...owned.values()].every((slots) => Math.abs(slots - share) <= Math.max(2, share / 20))
  );
}

let keysMade = 0;

function keysIn(rows: readonly Configuration[], owner: string, wanted: number): readonly string[] {
  const own = new Set(rows.filter((row) => row.owner === owner).map(({ slot }) => slot));
  if (own.size === 0) throw new Error(`${owner} owns nothing`);
  const keys: string[] = [];
  while (keys.length < wanted) {
    keysMade += 1;
    const key = `bench/${keysMade}`;
    if (own.has(slotOfKey(requireKey(key), rows.length))) keys.push(key);
  }
  return keys;
}

async function connect(a: End, b: End, name: string): Promise<void> {
  const offer = await a.raw.offer(name);
  await a.raw.accept(name, await b.raw.answer(name, offer));
  await b.raw.candidates(name, offer.candidates);
  await a.raw.opened(name);
}
