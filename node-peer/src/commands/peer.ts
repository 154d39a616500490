// `shoal peer`: a member with a disk, which stays until it is told to go. Started by `shoal serve` it
// speaks to it by IPC instead of stdout, and ends when that is gone.

import type { Command } from 'commander';
import type { Mesh } from '@shoal/peer';
import { createDeferred, limits, MeshError, shortId } from '@shoal/shared';
import { keepProcessAlive, onInterrupt } from '../adapters/process.ts';
import { addressOf, commandLogger, flag, meshCommand, type MeshFlags } from '../command-line.ts';
import { defaultWorkers, parseDomain, parseMemberName, parseWhole, type MeshAddress } from '../config.ts';
import { complain, printLine } from '../output.ts';

interface PeerFlags extends MeshFlags {
  readonly data?: string;
  readonly ephemeral?: boolean;
  readonly weight?: number;
  readonly domain?: string;
  readonly name?: string;
  readonly workers?: number;
}

/** A goodbye over a slow line; what is acknowledged is on disk without it. */
const LEAVE_MS = 3_000;

export function peerCommand(): Command {
  return meshCommand('peer', 'be a member with a disk, until Ctrl-C')
    .option('--data <dir>', 'folder for identity and values; it belongs to one mesh')
    .option('--ephemeral', 'own nothing while other members last; needs no folder')
    .option('--name <name>', "the member's name (default: the host's, and four digits)", flag(parseMemberName))
    .option(
      '--workers <n>',
      'functions that run at the same time (default: cores − 1, at most 8; 0: none)',
      flag((text) => parseWhole(text, '--workers', { min: 0, max: limits.workersMax })),
    )
    .option(
      '--weight <n>',
      'share of the ranges, 1 to 16 (default: two for each worker, at most one for each 256 MiB that are free)',
      flag((text) => parseWhole(text, '--weight', { min: 1, max: 16 })),
    )
    .option(
      '--domain <name>',
      'what fails together with this member, such as a rack (default: its host)',
      flag(parseDomain),
    )
    .action(async (flags: PeerFlags, command: Command) => {
      if (flags.data === undefined && flags.ephemeral !== true) {
        command.error('error: give --data <dir>, a folder to keep identity and values in, or --ephemeral');
      }
      await stay(addressOf(command, flags), flags);
    });
}

async function stay(address: MeshAddress, flags: PeerFlags): Promise<void> {
  const interrupted = new AbortController();
  const release = keepProcessAlive();
  const end = onInterrupt(() => {
    // Under `serve` the terminal's signal and its own may both come: only a person's second one is meant.
    if (interrupted.signal.aborted && process.send === undefined) process.exit(0);
    interrupted.abort(new MeshError('aborted', 'Stopped before it had joined.'));
  });
  const workers = flags.workers ?? defaultWorkers();
  try {
    const mesh = await joinOrStop(address, { ...flags, workers }, interrupted.signal);
    if (mesh === undefined) return;
    if (process.send !== undefined) process.send({ kind: 'ready' });
    else await printLine(joinedLine(mesh, address, workers));
    await untilStopped(mesh, interrupted.signal);
  } finally {
    end();
    release();
    // An open IPC channel would hold the process.
    if (process.connected) process.disconnect();
  }
}

async function joinOrStop(
  address: MeshAddress,
  flags: PeerFlags & { readonly workers: number },
  signal: AbortSignal,
): Promise<Mesh | undefined> {
  const { join } = await import('../node-peer.ts');
  try {
    return await join({
      url: address.url,
      mesh: address.mesh,
      ...(address.token === undefined ? {} : { token: address.token }),
      ...(flags.name === undefined ? {} : { name: flags.name }),
      ...(flags.data === undefined ? {} : { dataDir: flags.data }),
      ...(flags.weight === undefined ? {} : { weight: flags.weight }),
      ...(flags.domain === undefined ? {} : { domain: flags.domain }),
      ephemeral: flags.ephemeral === true,
      workers: flags.workers,
      kind: 'node',
      logger: commandLogger(),
      onFrozen: ({ message }) =>
        complain(`${message} This member waits meanwhile, and tells what its disk holds when it is asked.`),
      signal,
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Resolves after a clean goodbye; rejects if the member is out for good. */
async function untilStopped(mesh: Mesh, interrupted: AbortSignal): Promise<void> {
  const stopped = createDeferred<MeshError | undefined>();
  mesh.on('stopped', ({ error }) => stopped.resolve(error));
  const onAbort = (): void => stopped.resolve(undefined);
  interrupted.addEventListener('abort', onAbort, { once: true });
  if (interrupted.aborted) onAbort();
  const error = await stopped.promise;
  interrupted.removeEventListener('abort', onAbort);
  // Drained: it has left for good, and shall not be started again.
  if (!interrupted.aborted && error === undefined) process.send?.({ kind: 'drained' });
  // Its slots stay its own: it comes back on the same folder.
  await mesh.leave({ handOver: false, timeoutMs: LEAVE_MS });
  if (error !== undefined) throw error;
}

function joinedLine(mesh: Mesh, address: MeshAddress, workers: number): string {
  const who = `${mesh.name} (${shortId(mesh.id)}) joined ${address.mesh} at ${address.url}`;
  if (workers === 0) return `${who}; it runs no functions.`;
  return `${who} with ${workers} worker${workers === 1 ? '' : 's'}; UDFs run uncaged in worker threads: join only meshes whose members you trust.`;
}
