// `shoal ls`: the keys of all members, in order, printed as they come.

import type { Command } from 'commander';
import type { KeyEntry } from '@shoal/peer';
import { formatVersion } from '@shoal/shared';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { print, printable, printLine } from '../output.ts';

interface LsFlags extends MeshFlags {
  readonly long?: boolean;
}

export function lsCommand(): Command {
  return requestCommand('ls', 'list keys over all members, in order')
    .argument('[pattern]', 'with * and ? as in a shell; keys of Shoal itself only with ~ in front')
    .option('--long', 'print size, media type and member of each')
    .option('--json', 'print an array of { key, sizeBytes, mediaType, version, member }')
    .action(async (pattern: string | undefined, flags: LsFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const keys = context.mesh.keys(pattern, callOptions(context));
        if (flags.json === true) await printArray(keys);
        else for await (const entry of keys) await printLine(flags.long === true ? longLine(entry) : lineOf(entry));
      });
    });
}

function lineOf(entry: KeyEntry): string {
  // To a person without what steers a terminal; to a program as it is.
  return process.stdout.isTTY ? printable(entry.key) : entry.key;
}

function longLine(entry: KeyEntry): string {
  return [entry.sizeBytes, entry.mediaType, entry.member.slice(0, 8), lineOf(entry)].join('\t');
}

async function printArray(keys: AsyncIterable<KeyEntry>): Promise<void> {
  let first = true;
  for await (const { key, sizeBytes, mediaType, version, member } of keys) {
    const text = JSON.stringify({ key, sizeBytes, mediaType, version: formatVersion(version), member });
    await print(`${first ? '[' : ',\n'}${text}`);
    first = false;
  }
  await printLine(first ? '[]' : ']');
}
