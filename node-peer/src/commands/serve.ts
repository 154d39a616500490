// `shoal serve`, what `npm start` runs: the signaling server with the page, and a member with a disk, as
// two processes, so that either may die. The one that died is started again; both end with this one.

import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { createDeferred, createSystemClock } from '@shoal/shared';
import { keepProcessAlive, onInterrupt } from '../adapters/process.ts';
import { Failed, flag } from '../command-line.ts';
import {
  DEFAULT_DATA_DIR,
  DEFAULT_HOST,
  DEFAULT_MESH,
  DEFAULT_PORT,
  parseMeshName,
  parseReplicas,
  parseWhole,
} from '../config.ts';
import { complain, printLine } from '../output.ts';
import { type Supervised, supervise } from '../supervisor.ts';

interface ServeFlags {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly peer: boolean;
  readonly token?: string;
  readonly mesh: string;
  readonly allowHost?: readonly string[];
  readonly replicas?: string;
}

/** What the signaling server's program says when it listens. */
interface Listening {
  readonly url: string;
  readonly port: number;
  readonly token: string | undefined;
}

const PORT_MAX = 65_535;

export function serveCommand(): Command {
  const { env } = process;
  const port = flag((text) => parseWhole(text, 'A port', { min: 0, max: PORT_MAX }));
  return new Command('serve')
    .description('run the server, the page and a member with a disk, until Ctrl-C')
    .option('--port <n>', `port to listen on, 0 for any that is free (PORT; default: ${DEFAULT_PORT})`, port)
    .option('--host <address>', `address to listen on (HOST; default: ${DEFAULT_HOST})`)
    .option('--data <dir>', `folder for tables and values (SHOAL_DATA; default: ${DEFAULT_DATA_DIR})`)
    .option('--no-peer', 'the server and the page alone')
    .option('--token <token>', 'what admits to the mesh; made up if the address is not loopback')
    .option('--allow-host <name...>', 'names beside the address that a page may use for this server (SHOAL_HOSTS)')
    .option(
      '--replicas <n>',
      'copies of each slot, 1 to 7, or auto: 2 with a member that outlives power, else 3 (SHOAL_REPLICAS; default: auto)',
      flag(parseReplicas),
    )
    .option('--mesh <name>', 'mesh of the member', flag(parseMeshName), DEFAULT_MESH)
    .action(async (flags: Partial<ServeFlags> & Pick<ServeFlags, 'peer' | 'mesh'>, command: Command) => {
      const parsePort = (text: string): number => parseWhole(text, 'PORT', { min: 0, max: PORT_MAX });
      const replicas = flags.replicas ?? fromEnvironment(env['SHOAL_REPLICAS'], parseReplicas, command);
      await serve({
        ...flags,
        port: flags.port ?? fromEnvironment(env['PORT'], parsePort, command) ?? DEFAULT_PORT,
        host: flags.host ?? env['HOST'] ?? DEFAULT_HOST,
        data: flags.data ?? env['SHOAL_DATA'] ?? DEFAULT_DATA_DIR,
        ...(replicas === undefined ? {} : { replicas }),
      });
    });
}

async function serve(flags: ServeFlags): Promise<void> {
  const interrupted = createDeferred<undefined>();
  const end = onInterrupt(() => interrupted.resolve(undefined));
  const release = keepProcessAlive();
  const running: Supervised[] = [];
  /** The first start's success, or undefined if the user did not wait for it. */
  const started = async (program: Supervised): Promise<unknown> => {
    running.push(program);
    const ready = program.ready.catch(() => {
      // Its sentence is on stderr already.
      throw new Failed();
    });
    return Promise.race([ready, interrupted.promise]);
  };
  try {
    const server = createServer(flags);
    const listening = parseListening(await started(server.program));
    if (listening === undefined) return;
    if (flags.peer && (await started(createMember(flags, server.address))) === undefined) return;
    await printLine(`Shoal is ready: ${listening.url}`);
    await interrupted.promise;
  } finally {
    // The server first: without it nobody takes over what the member has, which is then served at once at the next start.
    for (const program of running) await program.end();
    release();
    end();
  }
}

interface Server {
  readonly program: Supervised;
  /** As of its latest start. */
  address(): Listening | undefined;
}

function createServer(flags: ServeFlags): Server {
  const entry = fileURLToPath(new URL('./main.js', import.meta.resolve('@shoal/signaling-server')));
  let listening: Listening | undefined;
  const start = (): ChildProcess => {
    // A free port that was found once, and a token that was made up, stay.
    const token = flags.token ?? listening?.token;
    return startProgram(entry, [
      ['--port', `${listening?.port ?? flags.port}`],
      ['--host', flags.host],
      ['--data', join(flags.data, 'registrar')],
      ...(flags.allowHost ?? []).map((name) => ['--allow-host', name]),
      ...(token === undefined ? [] : [['--token', token]]),
      ...(flags.replicas === undefined ? [] : [['--replicas', flags.replicas]]),
    ]);
  };
  const onReady = (message: unknown): void => {
    listening = parseListening(message);
  };
  return { program: watch('The signaling server', start, onReady), address: () => listening };
}

function createMember(flags: ServeFlags, address: () => Listening | undefined): Supervised {
  const entry = fileURLToPath(new URL('../main.js', import.meta.url));
  const start = (): ChildProcess => {
    const { url, token } = address() ?? { url: `http://${flags.host}:${flags.port}`, token: flags.token };
    return startProgram(entry, [
      ['peer'],
      ['--join', new URL(url).origin],
      ['--data', join(flags.data, 'peer')],
      ['--mesh', flags.mesh],
      ...(token === undefined ? [] : [['--token', token]]),
    ]);
  };
  return watch('The embedded member', start, () => undefined);
}

function watch(name: string, start: () => ChildProcess, onReady: (message: unknown) => void): Supervised {
  return supervise({
    start,
    clock: createSystemClock(),
    onReady,
    onDied: (how, delayMs) => complain(`${name} ${how}; it is started again in ${delayMs / 1000} s.`),
  });
}

/** In a process group of its own, so that the terminal's Ctrl-C comes to `serve` alone, which ends both in order. */
function startProgram(entry: string, args: readonly (readonly string[])[]): ChildProcess {
  return fork(entry, args.flat(), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
}

/** `{ kind: 'ready', url, port, token }`, as the server's program sends it. */
function parseListening(message: unknown): Listening | undefined {
  if (typeof message !== 'object' || message === null || !('url' in message) || !('port' in message)) return undefined;
  const { url, port } = message;
  if (typeof url !== 'string' || !URL.canParse(url) || typeof port !== 'number') return undefined;
  const token = 'token' in message && typeof message.token === 'string' ? message.token : undefined;
  return { url, port, token };
}

function fromEnvironment<T>(text: string | undefined, parse: (text: string) => T, command: Command): T | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return parse(text);
  } catch (error) {
    return command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  }
}
