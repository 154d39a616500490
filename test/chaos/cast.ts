// Who plays: the server, Node members with folders of their own, tabs of one browser, and the processes
// that ask. Each part knows whether it is up; all of it ends with the cast.

import { rm } from 'node:fs/promises';
import { childrenOf, createStage, freePort, type PeerRunning, type Serving, type Stage } from '../e2e/support.ts';
import { type Client, startClient } from './client-process.ts';
import { pause } from './load.ts';
import { readTable, slotsNotWhole, type TableFile } from './table.ts';
import { startTabs, type Tab, type Tabs } from './tabs.ts';

export interface CastOptions {
  readonly replicas: number;
  readonly nodes: number;
  readonly tabs: number;
  readonly clients: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export class NodeMember {
  readonly name: string;
  readonly data: string;
  isUp = false;
  /** The beginning of its id. */
  id = '';
  running: PeerRunning | undefined;
  /** Ends that nobody asked for, with what it said. */
  readonly ends: string[] = [];
  hasEnded = false;
  readonly #stage: Stage;
  readonly #signal: AbortSignal;

  constructor(stage: Stage, place: { readonly name: string; readonly data: string }, signal: AbortSignal) {
    this.#stage = stage;
    this.#signal = signal;
    this.name = place.name;
    this.data = place.data;
  }

  async start(url: string): Promise<void> {
    const { name, data } = this;
    const running = await again(
      () => this.#stage.startPeer(url, { name, data, args: [...NODE_FLAGS, '--domain', name] }),
      this.#signal,
    );
    this.id = / \((\w+)\) joined /.exec(running.stdout())?.[1] ?? '';
    this.running = running;
    this.isUp = true;
    this.hasEnded = false;
    void running.ended.then(({ code, signal }) => {
      if (this.running !== running) return;
      this.running = undefined;
      this.isUp = false;
      this.hasEnded = true;
      this.ends.push(`${name} ended with ${code ?? signal}: ${running.stderr().trim()}`);
    });
  }

  /** Without a word. */
  async kill(): Promise<void> {
    const { running } = this;
    this.isUp = false;
    this.running = undefined;
    await running?.stop('SIGKILL');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.isUp = signal === 'SIGCONT' && this.running !== undefined;
    this.running?.child.kill(signal);
  }
}

/** Where a tab is, or was and will be again. */
export class TabSeat {
  tab: Tab | undefined;
  /** Its last tab's: the next one finds the store, and is the same member. */
  id = '';
  isUp = false;
  readonly #tabs: Tabs;
  readonly #signal: AbortSignal;

  constructor(tabs: Tabs, signal: AbortSignal) {
    this.#tabs = tabs;
    this.#signal = signal;
  }

  async open(): Promise<void> {
    this.tab = await again(() => this.#tabs.open(), this.#signal);
    this.id = this.tab.id;
    this.isUp = true;
  }

  async close(): Promise<void> {
    this.isUp = false;
    const { tab } = this;
    this.tab = undefined;
    await tab?.page.close();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.isUp = signal === 'SIGCONT';
    if (this.tab !== undefined) process.kill(this.tab.rendererPid, signal);
  }
}

export class Registrar {
  readonly data: string;
  readonly port: number;
  isUp = false;
  #serving: Serving | undefined;
  readonly #stage: Stage;
  readonly #replicas: number;

  constructor(stage: Stage, place: { readonly data: string; readonly port: number; readonly replicas: number }) {
    this.#stage = stage;
    this.data = place.data;
    this.port = place.port;
    this.#replicas = place.replicas;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const { data, port } = this;
    this.#serving = await this.#stage.startServer({ data, port, args: ['--replicas', `${this.#replicas}`] });
    this.isUp = true;
  }

  /** The server, and `shoal serve`, which would start it again. */
  async kill(): Promise<void> {
    this.isUp = false;
    const serving = this.#serving;
    if (serving === undefined) return;
    const children = await childrenOf(serving.pid);
    serving.child.kill('SIGKILL');
    for (const { pid } of children) process.kill(pid, 'SIGKILL');
    await serving.ended;
  }
}

export interface Cast {
  readonly registrar: Registrar;
  readonly nodes: readonly NodeMember[];
  readonly tabs: readonly TabSeat[];
  readonly clients: readonly Client[];
  newClient(): Promise<Client>;
  /** By a member's id. */
  isUp(id: string): boolean;
  /** Whether it can come back with what it stored. */
  has(id: string): boolean;
  /** How many lack a living copy, or are about to change. */
  slotsNotWhole(file: TableFile): number;
  untilWhole(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** They own most, as who can be killed should; and each is as if on a host of its own. */
const NODE_FLAGS = ['--workers', '0', '--weight', '4'];
const LOOK_MS = 250;
const START_MS = 60_000;

export async function createCast({ replicas, nodes, tabs, clients, signal, log }: CastOptions): Promise<Cast> {
  const stage = createStage();
  const closers: (() => Promise<void> | void)[] = [() => stage.close()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const registrar = new Registrar(stage, { data: await stage.folder(), port: await freePort(), replicas });
    await registrar.start();
    const members: NodeMember[] = [];
    for (let number = 1; number <= nodes; number += 1) {
      const member = new NodeMember(stage, { name: `node-${number}`, data: await stage.folder() }, signal);
      await member.start(registrar.url);
      members.push(member);
    }
    log(`${nodes} Node members at ${registrar.url}`);
    const browser = await startTabs(registrar.url);
    closers.push(() => browser.close());
    const seats = Array.from({ length: tabs }, () => new TabSeat(browser, signal));
    for (const seat of seats) await seat.open();
    log(`${tabs} tabs`);
    const newClient = async (): Promise<Client> => {
      const client = await startClient(registrar.url);
      closers.push(() => client.close());
      return client;
    };
    const asking: Client[] = [];
    for (let number = 0; number < clients; number += 1) asking.push(await newClient());

    const isUp = (id: string): boolean =>
      members.some((member) => member.isUp && id.startsWith(member.id)) ||
      seats.some((seat) => seat.isUp && seat.tab?.id === id);
    const has = (id: string): boolean =>
      members.some((member) => member.id !== '' && id.startsWith(member.id)) || seats.some((seat) => seat.id === id);
    return {
      registrar,
      nodes: members,
      tabs: seats,
      clients: asking,
      newClient,
      isUp,
      has,
      slotsNotWhole: (file) => slotsNotWhole(file, replicas, isUp),
      untilWhole: async (timeoutMs) => {
        const giveUpAt = performance.now() + timeoutMs;
        while (slotsNotWhole(await readTable(registrar.data), replicas, isUp) > 0) {
          if (signal.aborted || performance.now() > giveUpAt) return false;
          await pause(LOOK_MS, signal);
        }
        return true;
      },
      close: async () => {
        // What stands still can't end.
        for (const seat of seats) if (seat.tab !== undefined && !seat.isUp) seat.signal('SIGCONT');
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whoever starts while the registrar is down is started again. */
async function again<T>(start: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const giveUpAt = performance.now() + START_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await start();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await pause(LOOK_MS);
    }
  }
}

/** Removes what a member had, its identity too. */
export async function removeFolder(member: NodeMember): Promise<void> {
  member.id = '';
  await rm(member.data, { recursive: true, force: true, maxRetries: 5 });
}
