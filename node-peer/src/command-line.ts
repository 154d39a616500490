// What all commands have in common: the flags that say where the mesh is, a short-lived member for the
// time of the request, Ctrl-C as a cancel, and the exit codes: 0 done, 1 the request failed (one
// sentence on stderr), 2 wrong usage.

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { Mesh } from '@shoal/peer';
import { type Adopt, type Adopted, limits, type Logger, MeshError, toMeshError } from '@shoal/shared';
import { onInterrupt } from './adapters/process.ts';
import { parseMeshAddress, parseWhole, type MeshAddress } from './config.ts';
import { complain, outputDone } from './output.ts';
import { createPinoLogger } from './pino-logger.ts';

/** What a failed command ends with when its sentence is already on stderr. */
export class Failed extends Error {
  override readonly name = 'Failed';
}

export interface MeshFlags {
  readonly join: string;
  readonly mesh?: string;
  readonly token?: string;
  readonly timeout?: number;
  readonly json?: boolean;
}

export interface CommandContext {
  readonly mesh: Mesh;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** What the user gave, or nothing: then each request has its default. */
  readonly timeoutMs: number | undefined;
}

const DAY_MS = 86_400_000;
/** How long a command's goodbye may take. */
const LEAVE_MS = 1_000;
/** Time for a command to get into the mesh. */
const JOIN_TIMEOUT_MS = 15_000;

/** A command with the flags that say where the mesh is. */
export function meshCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--join <url>', 'where the mesh is: http://host:8080, or a link of its Invite button')
    .option('--mesh <name>', 'name of the mesh (default: main)')
    .option('--token <token>', 'what admits to the mesh (or ?token= in the URL)');
}

/** The same, for commands that ask the mesh for something and have a deadline. */
export function requestCommand(name: string, description: string): Command {
  return meshCommand(name, description).option(
    '--timeout <ms>',
    'give up after so many milliseconds',
    flag((text) => parseWhole(text, '--timeout', { min: 1, max: DAY_MS })),
  );
}

/** Makes a parser that throws `bad-argument` one that commander understands. */
export function flag<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(toMeshError(error).message);
    }
  };
}

export function addressOf(command: Command, flags: MeshFlags): MeshAddress {
  try {
    return parseMeshAddress(flags.join, flags);
  } catch (error) {
    return command.error(`error: ${toMeshError(error).message}`);
  }
}

/** Joins as a command, does the request, and leaves; the process ends by itself afterwards. */
export async function withMesh(
  command: Command,
  flags: MeshFlags,
  request: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const { url, mesh: meshName, token } = addressOf(command, flags);
  const { signal, end } = cancelOnInterrupt();
  try {
    const { join } = await import('./node-peer.ts');
    const logger = commandLogger();
    const mesh = await join({
      url,
      mesh: meshName,
      ...(token === undefined ? {} : { token }),
      kind: 'command',
      name: `shoal ${command.name()}`,
      workers: 1,
      logger,
      joinTimeoutMs: Math.min(flags.timeout ?? JOIN_TIMEOUT_MS, JOIN_TIMEOUT_MS),
      signal,
    });
    try {
      await request({ mesh, signal, timeoutMs: flags.timeout });
    } finally {
      await mesh.leave({ handOver: false, timeoutMs: LEAVE_MS }).catch((error: unknown) => {
        logger.warn('leaveFailed', { error: toMeshError(error).message });
      });
    }
  } finally {
    end();
  }
}

/** Asks the server without joining the mesh, in which nobody may be let in. */
export async function askServer(
  command: Command,
  flags: MeshFlags,
  request: (adopt: (ask: Adopt) => Promise<Adopted>, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal: interrupted, end } = cancelOnInterrupt();
  const address = addressOf(command, flags);
  const { connectRegistrar } = await import('./registrar-connection.ts');
  const timeoutMs = flags.timeout ?? limits.requestTimeoutMs;
  try {
    const connection = await connectRegistrar(address, {
      signal: interrupted,
      timeoutMs: Math.min(timeoutMs, JOIN_TIMEOUT_MS),
    });
    try {
      await request((ask) => connection.adopt(ask, { signal: interrupted, timeoutMs }), interrupted);
    } finally {
      await connection.close();
    }
  } finally {
    end();
  }
}

/** Time and cancel as the requests of `mesh` take them. */
export function callOptions(context: CommandContext): { readonly signal: AbortSignal; readonly timeoutMs?: number } {
  const { signal, timeoutMs } = context;
  return timeoutMs === undefined ? { signal } : { signal, timeoutMs };
}

/** Runs `program` to its end and gives the exit code. */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  let code = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    code = exitCodeOf(error);
  }
  await outputDone();
  return code;
}

/** Silent unless `SHOAL_LOG` names a level: then JSON lines on stderr. */
export function commandLogger(): Logger {
  return createPinoLogger(process.env['SHOAL_LOG'] ?? 'silent');
}

function exitCodeOf(error: unknown): number {
  // Commander has printed already: help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failed) return 1;
  complain(toMeshError(error).message);
  if (process.env['SHOAL_LOG'] !== undefined && error instanceof Error) complain(error.stack ?? '');
  return 1;
}

function cancelOnInterrupt(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const end = onInterrupt(() => {
    // The second time the user means it.
    if (controller.signal.aborted) process.exit(1);
    controller.abort(new MeshError('aborted', 'Cancelled.'));
  });
  return { signal: controller.signal, end };
}
