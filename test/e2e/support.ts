// What the end-to-end tests start: the real command line in real processes, on free ports, with folders
// of their own. A stage ends and removes all that it started.

import { type ChildProcess, spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'node-peer/bin/shoal.js');
const READY_MS = 30_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs until it is told to go. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<Ended>;
  /** Resolves with the first line on stdout that matches; rejects if it ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** A command that has ended. */
export interface Done extends Ended {
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Lines of a shell that go before: limits, say. */
  readonly shell?: string;
}

export interface Serving extends Running {
  readonly url: string;
  readonly data: string;
}

export interface PeerRunning extends Running {
  readonly data: string;
}

export interface Stage {
  /** A fresh folder. */
  folder(): Promise<string>;
  /** Starts `shoal` with these arguments. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** Runs `shoal` to its end. */
  shoal(args: readonly string[], options?: RunOptions): Promise<Done>;
  /** `shoal serve` on a free port, ready. Without a member of its own unless `peer`. */
  startServer(options?: {
    readonly data?: string;
    readonly port?: number;
    readonly peer?: boolean;
    readonly args?: readonly string[];
  }): Promise<Serving>;
  /** `shoal peer`, joined. */
  startPeer(
    url: string,
    options?: { readonly data?: string; readonly name?: string; readonly args?: readonly string[] },
  ): Promise<PeerRunning>;
  /** Members with those names, each with its fair share of the slots. */
  startPeers(
    url: string,
    names: readonly string[],
    options?: { readonly args?: readonly string[] },
  ): Promise<readonly PeerRunning[]>;
  /** `shoal status --json`. */
  status(url: string): Promise<StatusJson>;
  close(): Promise<void>;
}

/** What `shoal status --json` prints. */
export interface StatusJson {
  readonly term: number;
  readonly epoch: number;
  readonly slots: number;
  readonly replicas: number;
  readonly health: Readonly<Record<'whole' | 'degraded' | 'moving' | 'lost', number>>;
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly kind: string;
    readonly state: string;
    readonly slots: number;
    readonly copies: number;
    readonly links?: readonly {
      readonly member: string;
      readonly state: string;
      readonly via?: string;
      readonly roundTripMs?: number;
    }[];
  }[];
}

let isBuilt = false;

export function createStage(): Stage {
  const running = new Set<Running>();
  const folders: string[] = [];
  if (!isBuilt) execFileSync(process.execPath, [join(root, 'build.mjs')], { stdio: ['ignore', 2, 2] });
  isBuilt = true;

  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'shoal-e2e-'));
    folders.push(path);
    return path;
  };
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const program = startProgram(args, options);
    running.add(program);
    void program.ended.then(() => running.delete(program));
    return program;
  };
  const status = async (url: string): Promise<StatusJson> => {
    const { stdout, stderr } = await runToEnd(start(['status', '--join', url, '--json']));
    if (stdout === '') throw new Error(`no status: ${stderr}`);
    return JSON.parse(stdout) as StatusJson;
  };
  const startPeer: Stage['startPeer'] = async (url, { data, name, args = [] } = {}) => {
    const dataDir = data ?? (await folder());
    const flags = ['--join', url, '--data', dataDir, ...(name === undefined ? [] : ['--name', name]), ...args];
    const program = start(['peer', ...flags]);
    await program.line(/ joined \S+ at /);
    return { ...program, data: dataDir };
  };
  return {
    folder,
    start,
    status,
    shoal: (args, options) => runToEnd(start(args, options)),
    startPeer,
    startPeers: async (url, names, options = {}) => {
      const peers = await Promise.all(names.map((name) => startPeer(url, { ...options, name })));
      let shares = '';
      await until(
        async () => {
          const { slots, members } = await status(url);
          shares = members.map((member) => `${member.name} ${member.slots}`).join(', ');
          const isFair = members.every((each) => isWithinTenth(each.slots, slots / names.length));
          return members.length === names.length && isFair;
        },
        () => `fair shares: ${shares}`,
        180_000,
      );
      return peers;
    },
    startServer: async ({ data, port = 0, peer = false, args = [] } = {}) => {
      const dataDir = data ?? (await folder());
      const flags = ['--port', `${port}`, '--data', dataDir, ...(peer ? [] : ['--no-peer']), ...args];
      const program = start(['serve', ...flags]);
      const [, url = ''] = await program.line(/^Shoal is ready: (\S+)$/m);
      return { ...program, url, data: dataDir };
    },
    close: async () => {
      await Promise.all([...running].map((program) => program.stop('SIGKILL')));
      for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export function isWithinTenth(value: number, fair: number): boolean {
  return Math.abs(value - fair) <= fair / 10;
}

/** Looks again and again until it is so. */
export async function until(
  isSo: () => Promise<boolean> | boolean,
  what: () => string,
  timeoutMs = 60_000,
): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`Waited ${timeoutMs} ms in vain for ${what()}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Nobody listens on it now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<unknown>((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The processes that `pid` started, with their command lines. */
export async function childrenOf(pid: number): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  if (!existsSync('/proc/self/stat')) {
    const lines = execFileSync('ps', ['-A', '-o', 'ppid=,pid=,args='], { encoding: 'utf8' }).split('\n');
    return lines.flatMap((line) => {
      const [, parent, child, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return Number(parent) === pid ? [{ pid: Number(child), command: command ?? '' }] : [];
    });
  }
  const children: { pid: number; command: string }[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // After the name in parentheses, which may hold anything: state, parent.
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\)\s*/s, '')
        .split(' ');
      if (Number(parent) !== pid) continue;
      children.push({
        pid: Number(name),
        command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '),
      });
    } catch {
      // It ended while we looked.
    }
  }
  return children;
}

/** What a process has used of the processors, threads included. */
export function cpuMsOf(pid: number): number {
  if (!existsSync('/proc/self/stat')) {
    const time = execFileSync('ps', ['-o', 'time=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
    return time.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0) * 1_000;
  }
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\)\s*/s, '')
    .split(' ');
  // User and system time, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function startProgram(args: readonly string[], options: RunOptions): Running {
  const command = [process.execPath, bin, ...args];
  const [file = '', ...rest] =
    options.shell === undefined ? command : ['bash', '-c', `${options.shell}; exec "$0" "$@"`, ...command];
  const child = spawn(file, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => errors.push(part));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const stdout = (): string => Buffer.concat(out).toString('utf8');
  const stderr = (): string => Buffer.concat(errors).toString('utf8');
  const running: Running & { bytes(): Buffer } = {
    child,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    bytes: () => Buffer.concat(out),
    ended,
    line: (pattern) => waitForLine(child, { pattern, stdout, describe: () => `shoal ${args.join(' ')}\n${stderr()}` }),
    stop: async (signal = 'SIGINT') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
  return running;
}

async function runToEnd(program: Running): Promise<Done> {
  const startedAt = performance.now();
  const { code, signal } = await program.ended;
  const stdout = program.stdout();
  const bytes =
    'bytes' in program && typeof program.bytes === 'function' ? (program.bytes() as Buffer) : Buffer.from(stdout);
  return { code, signal, stdout, bytes, stderr: program.stderr(), tookMs: performance.now() - startedAt };
}

interface LineWait {
  readonly pattern: RegExp;
  stdout(): string;
  describe(): string;
}

function waitForLine(child: ChildProcess, { pattern, stdout, describe }: LineWait): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const match = pattern.exec(stdout());
      if (match !== null) finish(() => resolve(match));
    };
    const fail = (why: string): void => finish(() => reject(new Error(`${why}: ${describe()}`)));
    const timer = setTimeout(() => fail(`no line like ${pattern} in ${READY_MS} ms`), READY_MS);
    const onClose = (code: number | null): void => fail(`ended with ${code}`);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.off('close', onClose);
      settle();
    };
    child.stdout?.on('data', look);
    child.once('close', onClose);
    look();
  });
}

/** Of the caller's environment nothing that Shoal would read. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PORT: _port, HOST: _host, SHOAL_DATA: _data, NODE_OPTIONS: _options, ...rest } = process.env;
  return rest;
}
